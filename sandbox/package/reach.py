"""What the app can reach of its libraries, found by importing it. A program of its own, standard library only:

    python -I -S reach.py APP SITE

sees only the app's folder and one folder of libraries. It imports every module of the app and every module that one
of them names, also inside of functions; then it walks msgraph's request builders, which import each other when they
are first asked for. It prints what was imported as JSON, or fails with all that can't be imported. So the same program
tells what must be in a package, and whether it is.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BUILDER_SOURCES = ("msgraph", "graph_client")
"""A module of the app whose source names one of these may pick request builders."""


def app_modules(app: Path) -> Iterator[tuple[str, Path]]:
    """Name and file of each module of the app."""
    yield "function_app", app / "function_app.py"
    for path in sorted((app / "onboarding").rglob("*.py")):
        parts = path.relative_to(app).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def named(tree: ast.Module) -> Iterator[tuple[str, str | None]]:
    """Every import that may run: the module, and what is taken from it. Those for type checkers never run."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def load(module: str, name: str | None) -> None:
    """Import as the statement would. Raises ImportError."""
    imported = importlib.import_module(module)
    if name is not None and not hasattr(imported, name):
        importlib.import_module(f"{module}.{name}")


def attributes_of(tree: ast.Module) -> Iterator[str]:
    """Names that are asked of anything but `self`: a request builder is handed over, and kept nowhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            root: ast.AST = node
            while isinstance(root, ast.Attribute | ast.Call):
                root = root.value if isinstance(root, ast.Attribute) else root.func
            if not (isinstance(root, ast.Name) and root.id == "self"):
                yield node.attr


def walk_builders(names: set[str]) -> None:
    """Ask every request builder for every other one that the app's source names, starting at the client.

    Which chain of names the app follows is not looked at: any that it could follow is followed.
    """
    from kiota_abstractions.authentication.anonymous_authentication_provider import AnonymousAuthenticationProvider
    from kiota_abstractions.base_request_builder import BaseRequestBuilder
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph.graph_service_client import GraphServiceClient

    waiting: list[Any] = [GraphServiceClient(request_adapter=GraphRequestAdapter(AnonymousAuthenticationProvider()))]
    seen: set[type] = set()
    while waiting:
        builder = waiting.pop()
        if type(builder) in seen:
            continue
        seen.add(type(builder))
        for name in sorted(names):
            member = inspect.getattr_static(type(builder), name, None)
            if isinstance(member, property):
                found = getattr(builder, name)
            elif inspect.isfunction(member) and not inspect.iscoroutinefunction(member):
                needed = [p for p in inspect.signature(member).parameters.values() if p.default is p.empty]
                found = getattr(builder, name)(*("x" for _ in needed[1:]))
            else:
                continue
            if isinstance(found, BaseRequestBuilder):
                waiting.append(found)


def reach(app: Path, site: Path) -> dict[str, Any]:
    """Functions of the app, and modules imported from `site`. Raises ImportError with everything that is missing."""
    sys.path[:0] = [str(app), str(site)]
    sys.dont_write_bytecode = True
    # kiota and msgraph warn about themselves while they are imported.
    warnings.simplefilter("ignore")
    missing: list[str] = []
    attributes: set[str] = set()
    for module, path in app_modules(app):
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        if any(word in source for word in BUILDER_SOURCES):
            attributes |= set(attributes_of(tree))
        for wanted, name in ((module, None), *named(tree)):
            try:
                load(wanted, name)
            except ImportError as error:
                missing.append(f"{module} needs {wanted}{f' with {name}' if name else ''}: {error}")
    try:
        walk_builders(attributes)
    except ImportError as error:
        missing.append(f"a request builder of msgraph: {error}")
    if missing:
        raise ImportError("\n".join(missing))
    functions = [f.get_function_name() for f in importlib.import_module("function_app").app.get_functions()]
    below = f"{site.as_posix()}/"
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return {
        "functions": sorted(functions),
        "modules": sorted(name for name, file in files.items() if file and Path(file).as_posix().startswith(below)),
    }


if __name__ == "__main__":
    try:
        print(json.dumps(reach(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())))
    except ImportError as reason:
        sys.exit(str(reason))
