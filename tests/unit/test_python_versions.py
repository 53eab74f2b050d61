"""Python 3.11, 3.12 and 3.13: what can be told without having all three."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from sandbox.package.libraries import environment
from sandbox.package.lock import locked
from sandbox.package.options import AZURE, SUPPORTED
from sandbox.package.reach import named

ROOT = Path(__file__).parents[2]
GONE_IN_3_12 = {"asynchat", "asyncore", "distutils", "imp", "smtpd"}
GONE_IN_3_13 = {
    "aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap", "msilib", "nis", "nntplib",
    "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib",
}  # fmt: skip
"""PEP 594."""


def sources() -> Iterator[Path]:
    yield from (ROOT / "function_app.py", ROOT / "dev.py")
    for folder in ("onboarding", "sandbox"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def test_the_versions_stand_in_three_places_that_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    oldest = SUPPORTED[0]
    assert project["project"]["requires-python"] == f">={oldest}"
    assert project["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert project["tool"]["mypy"]["python_version"] == oldest
    assert AZURE in SUPPORTED


def test_the_code_is_python_3_11_and_imports_nothing_that_is_gone_in_3_13() -> None:
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path), feature_version=(3, 11))
        gone = {module.partition(".")[0] for module, _ in named(tree)} & (GONE_IN_3_12 | GONE_IN_3_13)
        assert not gone, path


def test_azure_functions_is_of_the_line_that_each_versions_worker_has() -> None:
    """Version 2 needs Python 3.13, and its worker is another one."""
    lock = ROOT / "requirements.txt"
    versions = {p: {pin.name: pin.version for pin in locked(lock, environment(p))} for p in SUPPORTED}
    major = {python: pins["azure-functions"].split(".")[0] for python, pins in versions.items()}
    assert major == {"3.11": "1", "3.12": "1", "3.13": "2"}
