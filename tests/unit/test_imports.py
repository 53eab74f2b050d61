"""Modules lean one way: none imports, at its head or in a function, what imports it. And what a cold start imports."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from sandbox.ports import Ports
from sandbox.settings import settings

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


LATER = {
    "OpenSSL",
    "aiohttp",
    "azure.core",
    "azure.data",
    "azure.identity",
    "azure.mgmt",
    "azure.monitor",
    "azure.servicebus",
    "certifi",
    "cryptography",
    "dns",
    "email_validator",
    "httpx",
    "jinja2",
    "kiota_abstractions",
    "kiota_http",
    "msal",
    "msgraph",
    "msgraph_core",
    "opentelemetry",
    "phonenumbers",
    "requests",
}
"""Packages that are imported by the first work that needs them."""
OF_PAGES = {"onboarding.pages", "onboarding.http.openapi"}
OF_THE_FRONT = {"onboarding.http", "onboarding.controls", "onboarding.timer"}


@pytest.mark.parametrize(
    ("chosen", "kept_out"), [("all", OF_PAGES), ("front", OF_PAGES), ("steps", OF_PAGES | OF_THE_FRONT)]
)
def test_a_cold_start_imports_what_it_needs(chosen: str, kept_out: set[str]) -> None:
    unwanted = LATER | kept_out
    assert {name for name in loaded("import function_app", chosen) if {name, *parents(name)} & unwanted} == set()


@pytest.mark.parametrize("chosen", ["front", "steps"])
def test_what_the_adapters_need_is_imported_by_their_first_call(chosen: str) -> None:
    """So the front, which never calls Graph, imports nothing of it, whatever it answers."""
    found = loaded("import function_app; from onboarding import app; app.engine()", chosen)
    # It checks the addresses among the settings.
    assert {name for name in found if {name, *parents(name)} & LATER - {"email_validator"}} == set()


OF_SETTINGS = {"Registration", "Settings", "UpdateServer", "MicrosoftTrust"}


def test_a_cold_start_builds_no_validators_but_of_settings_and_of_what_stands_as_a_default() -> None:
    """Each takes about half a millisecond, and a function needs some of them: the steps none of the API's answers."""
    code = """
import function_app
from pydantic import BaseModel
def below(kind):
    return {kind} | {inner for each in kind.__subclasses__() for inner in below(each)}
ours = [kind for kind in below(BaseModel) if kind.__module__.startswith("onboarding.")]
assert len(ours) > 40, ours
print(*(kind.__name__ for kind in ours if kind.__pydantic_complete__), file=sys.stderr)
"""
    assert told(code, "all") == OF_SETTINGS | {"Budget", "Addressees"}


def test_what_the_start_imported_is_no_work_for_the_collector_which_is_on_again() -> None:
    code = "import function_app, gc; print(gc.isenabled(), gc.get_freeze_count() > 50_000, file=sys.stderr)"
    assert told(code, "all") == {"True"}


def loaded(code: str, functions: str) -> set[str]:
    """The modules that a process has which ran the code, beyond those of azure.functions."""
    before = "before = set(sys.modules)"
    after = "print(*(set(sys.modules) - before), file=sys.stderr)"
    return told(f"{before}\n{code}\n{after}", functions)


def told(code: str, functions: str) -> set[str]:
    """The words that a process of the app writes to its stderr."""
    environment = {**os.environ, **settings(Ports.default()), "OTEL_SDK_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"import sys, azure.functions\n{code}"],
        cwd=ROOT,
        env={**environment, "ONBOARDING_FUNCTIONS": functions},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stderr.split())


def parents(name: str) -> Iterator[str]:
    """`a.b.c` → `a`, `a.b`."""
    parts = name.split(".")
    yield from (".".join(parts[:count]) for count in range(1, len(parts)))
