"""Kusto's language service finds nothing wrong with any query, and does find what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.infra import queries
from tests.infra.kusto import problems

ROOT = Path(__file__).parents[2]
QUERIES = queries.found()


WRONG = {
    "AppMetrics | where Nam == 'x'": "'Nam' does not refer to any known column",
    "AppMetrics | where Sum > 'x'": "",
    "AppMetrics | extend kind = tostring(Properties.kind)": "'kind' needs to be bracketed",
    "AppMetrics | summarize total(Sum) by Name": "'total' does not refer to any known function",
    "AppMetrics | summarize sum(Sum) by Properties.step": "",
    "AppMetrics\n| where Sum > 0\n| summarise sum(Sum)": "line 3",
    "AppMetrics | where (Sum > 0": "",
    "AppMetrics | project Sum | where Name == 'x'": "'Name' does not refer to any known column",
    "AppTraces | project DurationMs": "'DurationMs' does not refer to any known column",
    "AppMetrics | where Sum == ": "",
}


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    """Of every query, of every query with each of its tables misspelt, and of wrong ones. Node starts once."""
    misspelt = {
        f"misspelt {name}": re.sub(r"\bApp(?=[A-Z])", "Ap", query.replace("Onboardings", "Onbordings"))
        for name, query in QUERIES.items()
    }
    return problems({**QUERIES, **misspelt, **{query: query for query in WRONG}})


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_right(said: dict[str, list[str]], name: str) -> None:
    assert said[name] == []


@pytest.mark.parametrize("name", QUERIES)
def test_it_would_be_wrong_of_a_table_that_is_not_there(said: dict[str, list[str]], name: str) -> None:
    assert any("does not refer to any known table" in problem for problem in said[f"misspelt {name}"])


@pytest.mark.parametrize("query", WRONG)
def test_a_mistake_is_found(said: dict[str, list[str]], query: str) -> None:
    assert any(WRONG[query] in problem for problem in said[query]), said[query]


def test_the_queries_are_all_of_them() -> None:
    """By the plainest of searches."""
    infra, documents = sorted((ROOT / "infra").rglob("*")), sorted((ROOT / "docs").glob("*.md"))
    tiles = count('"query":', [path for path in infra if path.suffix == ".json"])
    fences = sum(count(f"```{language}\n", documents) for language in queries.LANGUAGES)
    assert {path.relative_to(ROOT).as_posix() for path in infra if path.suffix == ".kql"} <= set(QUERIES)
    assert sum(".json: " in name for name in QUERIES) == tiles > 0
    assert sum(name.startswith("docs/") for name in QUERIES) == fences > 0


def count(what: str, files: Iterable[Path]) -> int:
    return sum(path.read_text(encoding="utf-8").count(what) for path in files)


WORKBOOK = {"items": [{"name": "tile", "content": {"query": "AppMetrics | where Name == '{Metric}'"}}]}
PARAMETER = {"name": "parameters", "content": {"parameters": [{"name": "Metric", "type": 1}]}}
HIDDEN = {
    "infra/book.json": (json.dumps(WORKBOOK), "book.json: tile asks with {Metric}, which is no text"),
    "infra/rule.bicep": ("var rule = {\n  query: 'AppTraces'\n}\n", "has query: 'AppTraces': put it into a .kql file"),
    "infra/more.bicep": ("var rule = {\n  query: '''\nAppTraces'''\n}\n", "infra/more.bicep has query: '''"),
    "docs/how.md": ("As follows:\n\n```\nAppRequests | count\n```\n", "docs/how.md:3 is code about AppRequests"),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_query_that_would_not_be_analysed_is_refused(name: str, tmp_path: Path) -> None:
    content, sentence = HIDDEN[name]
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(sentence)):
        queries.found(tmp_path)


def test_a_query_is_found_wherever_it_stands(tmp_path: Path) -> None:
    files = {
        "infra/deep/er/one.kql": "AppTraces",
        "infra/book.json": json.dumps({"items": [PARAMETER, *WORKBOOK["items"]]}),
        "docs/how.md": "1. So:\n\n   ```kusto\n   AppTraces\n   ```\n\n~~~KQL\nAppTraces\n~~~\n",
        "README.md": "```kql\nAppTraces\n```\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert queries.found(tmp_path) == {
        "infra/deep/er/one.kql": "AppTraces",
        "infra/book.json: tile": "AppMetrics | where Name == 'x'",
        "README.md:1": "AppTraces\n",
        "docs/how.md:3": "AppTraces\n",
        "docs/how.md:7": "AppTraces\n",
    }
