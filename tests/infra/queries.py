"""Every query of this repository in KQL, wherever it stands: files, workbooks, documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from tests.infra.workspace import TABLES

ROOT = Path(__file__).parents[2]
LANGUAGES = ("kusto", "kql")
"""What a code block of a document is marked with."""
TEXT = 1
"""The `type` of a workbook's parameter that a person enters a text for."""
_IN_BICEP = re.compile(r"^\s*'?query'?: *'.*", re.MULTILINE)
_ASKS = re.compile(rf"\b({'|'.join(TABLES)})\b")


def found(root: Path = ROOT) -> dict[str, str]:
    """Where a query stands, for people → the query.

    Raises:
        ValueError: a query stands where nobody analyses it, or has a parameter that is not known.
    """
    infra = root / "infra"
    queries = {_name(root, path): path.read_text(encoding="utf-8") for path in sorted(infra.rglob("*.kql"))}
    for path in sorted(infra.rglob("*.json")):
        queries |= {f"{_name(root, path)}: {name}": query for name, query in workbook(path).items()}
    for path in sorted(infra.rglob("*.bicep")):
        if written := _IN_BICEP.search(path.read_text(encoding="utf-8")):
            raise ValueError(f"{_name(root, path)} has {written[0].strip()}: put it into a .kql file, to be analysed")
    for path in sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md"), *infra.rglob("*.md")]):
        queries |= {f"{_name(root, path)}:{line}": query for line, query in _in_document(path, root)}
    return queries


def workbook(path: Path, entered: str = "x") -> dict[str, str]:
    """The name of a tile (of anything with a query) → its query, with this text entered for each parameter.

    Raises:
        ValueError: two have one name, or one has a parameter that is not there or no text.
    """
    whole = json.loads(path.read_text(encoding="utf-8"))
    asking = [(name, query) for name, query in _asking(whole, "") if query]
    if len({name for name, _ in asking}) < len(asking):
        raise ValueError(f"{path.name} has two queries of one name: {sorted(name for name, _ in asking)}")
    kinds = dict(_parameters(whole))

    def enter(query: str, where: str) -> str:
        for parameter in re.finditer(r"\{(\w+)(?::\w+)?\}", query):
            if kinds.get(parameter[1]) != TEXT:
                raise ValueError(f"{where} asks with {parameter[0]}, which is no text among the parameters {kinds}")
            query = query.replace(parameter[0], entered)
        return query

    return {name: enter(query, f"{path.name}: {name}") for name, query in asking}


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _asking(node: Any, name: str) -> Iterator[tuple[str, str]]:
    """Items have a name, parameters too; a query is below."""
    if isinstance(node, Mapping):
        name = node["name"] if isinstance(node.get("name"), str) else name
        if isinstance(node.get("query"), str):
            yield name, node["query"]
    for child in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _asking(child, name)


def _parameters(node: Any) -> Iterator[tuple[str, int]]:
    if isinstance(node, Mapping):
        yield from ((p["name"], p["type"]) for p in node.get("parameters") or () if isinstance(p, Mapping))
    for child in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _parameters(child)


def _in_document(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    for token in MarkdownIt().parse(path.read_text(encoding="utf-8")):
        if token.type not in ("fence", "code_block") or token.map is None:
            continue
        line = token.map[0] + 1
        if token.info.strip().lower() in LANGUAGES:
            yield line, token.content
        elif table := _ASKS.search(token.content):
            where = f"{_name(root, path)}:{line}"
            raise ValueError(f"{where} is code about {table[0]}: mark it ```kusto, so that it is analysed")
