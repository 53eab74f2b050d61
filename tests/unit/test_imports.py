"""Modules lean one way: none imports, at its head or in a function, what imports it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def modules(package: str) -> dict[str, Path]:
    """Name → file."""
    files = (ROOT / package).rglob("*.py")
    return {".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): f for f in files}


def imported(node: ast.AST, known: dict[str, Path]) -> Iterator[str]:
    """The modules of the package that are imported in it when it runs."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            names = (f"{node.module}.{alias.name}", node.module)
            yield from [name for name in names if name in known][:1]
    elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
        for inner in ast.iter_child_nodes(node):
            yield from imported(inner, known)


@pytest.mark.parametrize("package", ["onboarding", "sandbox"])
def test_there_are_no_circles_of_imports(package: str) -> None:
    known = modules(package)
    assert len(known) > 10
    trees = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in known.items()}
    imports = {name: set(imported(tree, known)) - {name} for name, tree in trees.items()}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' → '.join(reversed(error.args[1]))}")


def test_the_core_imports_nothing_of_ours_but_itself() -> None:
    known = modules("onboarding")
    core = {name: file for name, file in known.items() if name.startswith("onboarding.core")}
    trees = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in core.items()}
    outside = {(name, other) for name, tree in trees.items() for other in imported(tree, known) if other not in core}
    assert outside == set()
