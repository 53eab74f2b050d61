"""Compiles what the app reaches, by the Python that will run it.

A package is mounted read-only in Azure, so that what is not compiled here is compiled at every cold start anew.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from sandbox.package import compiling
from sandbox.package.isolated import SITE
from sandbox.package.problem import PackageError

KEEP = "# Nothing: all of this folder is wanted. Without this file azd would leave __pycache__ out of its zip.\n"
"""A `.funcignore` for the package itself (Microsoft Learn, "Configure service packaging file exclusions")."""


def compile_reached(folder: Path, modules: Iterable[str], python: str) -> int:
    """Compile the app and those modules of its libraries; how many bytes that adds. Raises PackageError."""
    site = folder / SITE
    files = [file for file in folder.rglob("*.py") if site not in file.parents]
    for module in modules:
        path = site.joinpath(*module.split("."))
        files += [f for f in (path.with_name(f"{path.name}.py"), path / "__init__.py") if f.is_file()]
    command, names = [python, "-I", "-S", compiling.__file__], "\n".join(map(str, files))
    done = subprocess.run(command, input=names, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PackageError(f"{python} could not compile the package:\n{done.stderr.strip()}")
    (folder / ".funcignore").write_text(KEEP, encoding="utf-8")
    return sum(file.stat().st_size for file in folder.rglob("*.pyc"))
