"""A public name is one thing: no two modules of the product define the same one."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2] / "onboarding"


def defined(file: Path) -> Iterator[str]:
    """The public names that a module makes, but its logger."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = [t.id for t in targets if isinstance(t, ast.Name)]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        yield from (name for name in names if not name.startswith("_") and name != "log")


def test_no_public_name_is_defined_twice() -> None:
    where: dict[str, list[str]] = defaultdict(list)
    for file in sorted(ROOT.rglob("*.py")):
        for name in set(defined(file)):
            where[name].append(str(file.relative_to(ROOT)))
    assert len(where) > 500
    assert not {name: files for name, files in where.items() if len(files) > 1}
