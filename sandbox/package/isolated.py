"""Running a Python that sees a package and nothing else: no virtual environment, no user's packages, no variables."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox.package.problem import PackageError

REACH = Path(__file__).with_name("reach.py")
SITE = Path(".python_packages") / "lib" / "site-packages"
"""Where the Functions host looks for libraries, in the app's folder."""


@dataclass(frozen=True)
class Reached:
    """What `reach.py` found."""

    functions: frozenset[str]
    modules: frozenset[str]


def interpreter(python: str) -> str | None:
    """An interpreter of that version on this machine; None when there is none."""
    if python == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{python}")
    if found is None:
        return None
    # A launcher such as pyenv's has the name, and may not have the version.
    asked = [found, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return found if answer.stdout.strip() == python else None


def reached(python: str, app: Path, site: Path) -> Reached:
    """What the app reaches of the libraries in `site`, seen by that interpreter.

    Raises:
        PackageError: it can't import what it needs.
    """
    command = [python, "-I", "-S", str(REACH), str(app), str(site)]
    # A setting chooses which functions an app has; a package has them all.
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("ONBOARDING_")}
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PackageError(f"With the libraries in {site} alone, the app can't be imported:\n{done.stderr.strip()}")
    found = json.loads(done.stdout)
    return Reached(frozenset(found["functions"]), frozenset(found["modules"]))
