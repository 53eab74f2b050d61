"""Modules of the product lean one way: none imports, at its head or in a function, what imports it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imported(node: ast.AST) -> Iterator[str]:
    """What is imported in it when it runs."""
    if isinstance(node, ast.Import):
        yield from (name.name for name in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{name.name}" for name in node.names)
    elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
        for inner in ast.iter_child_nodes(node):
            yield from imported(inner)


def test_there_is_no_circle_of_imports() -> None:
    paths = (ROOT / "onboarding").rglob("*.py")
    modules = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in paths}
    assert len(modules) > 100
    found = {name: set(imported(ast.parse(path.read_text(encoding="utf-8")))) for name, path in modules.items()}
    graph = {name: (names & modules.keys()) - {name} for name, names in found.items()}
    # Raises CycleError, which names the circle.
    TopologicalSorter(graph).prepare()
