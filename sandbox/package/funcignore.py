"""Which of the repository's files are the app: what `.funcignore` leaves.

The Azure Functions Core Tools and `azd` read the same file, whose lines are those of a `.gitignore`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from sandbox.package.problem import PackageError

APP = frozenset({"function_app.py", "host.json", "onboarding", "requirements.txt"})
"""What may stand at the top of the package. Anything else was forgotten in `.funcignore`, and may be a secret."""


def app_files(root: Path) -> list[Path]:
    """The app's files, relative to `root`, sorted.

    Raises:
        PackageError: `.funcignore` leaves what is no part of the app, or lacks a part of it.
    """
    spec = GitIgnoreSpec.from_lines((root / ".funcignore").read_text(encoding="utf-8").splitlines())
    files = sorted(_walk(root, Path(), spec))
    top = {file.parts[0] for file in files}
    if stray := sorted(top - APP):
        raise PackageError(
            f"{', '.join(stray)} in {root} would become part of the package, and only {', '.join(sorted(APP))} are"
            " the app. Name it in .funcignore."
        )
    if missing := sorted(APP - top):
        raise PackageError(f".funcignore leaves {', '.join(missing)} out of the package, which the app needs.")
    return files


def _walk(root: Path, folder: Path, spec: GitIgnoreSpec) -> Iterator[Path]:
    with os.scandir(root / folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if entry.is_dir():
                # An ignored folder is not entered: .venv alone has fifty thousand files.
                if not spec.match_file(f"{path.as_posix()}/"):
                    yield from _walk(root, path, spec)
            elif not spec.match_file(path.as_posix()):
                yield path
