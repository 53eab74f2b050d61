"""Every query of this repository in KQL, wherever it stands: files, workbooks, Bicep, documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from tests.infra.workspace import TABLES
from tests.support.bicep.source import Source, properties, walk

ROOT = Path(__file__).parents[2]
LANGUAGES = ("kusto", "kql")
"""What a code block of a document is marked with."""
TEXT = 1
"""The `type` of a workbook's parameter that a person enters a text for."""
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
        queries |= {f"{_name(root, path)}:{line}": query for line, query in _in_bicep(path)}
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


def _in_bicep(path: Path) -> Iterator[tuple[int, str]]:
    """Properties `query` that are written out. Those that are loaded stand in files, which are found there."""
    for node in walk(Source(path).root):
        query = properties(node).get("query") if node.type == "object" else None
        if query is not None and query.type == "string":
            yield query.start_point[0] + 1, _written(query.text.decode(), path.name)


def _written(literal: str, where: str) -> str:
    if literal.startswith("'''"):
        return literal[3:-3].removeprefix("\n")
    if "${" in literal:
        raise ValueError(f"{where} makes a query of pieces: {literal}. Put it into a .kql file")
    # Source: Bicep's documentation, data types, strings: these escapes and \u{…}, which no query here has.
    escapes = {"n": "\n", "r": "\r", "t": "\t"}
    return re.sub(r"\\(.)", lambda m: escapes.get(m[1], m[1]), literal[1:-1])


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


