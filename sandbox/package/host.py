"""The sandbox's Functions host, with a package as its app and the package's libraries as its own. A program:

    python -I -S host.py PACKAGE SITE [arguments of sandbox.functions_host]

Libraries come from the package only. The host needs two things that no package has, itself and croniter; those, and
nothing else, come from this repository and from SITE. So the app finds what it would find in Azure.
"""

from __future__ import annotations

import importlib.machinery
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
OF_THE_REPOSITORY = frozenset({"sandbox"})
OF_THE_HOST = frozenset({"croniter", "dateutil"})


class HostsOwn:
    """A finder, asked last, that finds the host's own modules and no others."""

    def __init__(self, site: Path) -> None:
        self._site = str(site)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name in OF_THE_REPOSITORY:
            return importlib.machinery.PathFinder.find_spec(name, [str(ROOT)], target)
        if name in OF_THE_HOST:
            return importlib.machinery.PathFinder.find_spec(name, [self._site], target)
        return None


def isolate(package: Path, site: Path) -> None:
    """From now on, import from the package, and the host's own modules from where they are."""
    sys.path[:0] = [str(package / ".python_packages" / "lib" / "site-packages"), str(package)]
    sys.meta_path.append(HostsOwn(site))
    sys.dont_write_bytecode = True


def main(package: Path, site: Path, arguments: Sequence[str]) -> None:
    """Run the Functions host until it is stopped."""
    isolate(package, site)
    sys.argv = ["sandbox.functions_host", *arguments]
    runpy.run_module("sandbox.functions_host", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), sys.argv[3:])
