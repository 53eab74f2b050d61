"""Which files of the libraries stay: rules as data, and no list of modules, which would rot.

What is reached is found out by `reach.py` each time a package is made.
"""

from __future__ import annotations

import enum
from collections.abc import Set
from dataclasses import dataclass
from pathlib import PurePosixPath


class Grain(enum.Enum):
    """What of a library goes when nothing reaches it."""

    MODULE = "module"
    """Each module for itself."""
    FOLDER = "folder"
    """Only whole sub-packages: the library loads modules by names that it computes."""


@dataclass(frozen=True, slots=True)
class Thinned:
    """A library of which only a part is reached."""

    package: str
    grain: Grain
    why: str


THINNED = (
    Thinned("msgraph", Grain.MODULE, "a module for each path and each type of Microsoft Graph; we ask for a dozen"),
    Thinned("msrest", Grain.MODULE, "asked for by Application Insights' exporter, and imported by nothing in it"),
    Thinned("oauthlib", Grain.MODULE, "asked for by msrest"),
    Thinned("requests_oauthlib", Grain.MODULE, "asked for by msrest"),
    Thinned("phonenumbers", Grain.FOLDER, "places, carriers and time zones of numbers; we only parse and validate"),
)
_GRAINS = {thinned.package: thinned.grain for thinned in THINNED}

SUFFIXES = frozenset({".c", ".cpp", ".h", ".pxd", ".pxi", ".pyc", ".pyi", ".pyx"})
"""Types for editors, and the sources that extension modules were compiled from."""
RECORDS = frozenset({"direct_url.json", "INSTALLER", "RECORD", "REQUESTED", "WHEEL"})
"""What installers note in *.dist-info for themselves. The metadata stays (versions and entry points are looked up at
run time), and so do licences, which may not be taken away."""
TESTS = frozenset({"test", "tests"})


def stays(file: PurePosixPath, reached: Set[str]) -> bool:
    """Whether a library's file is part of the package. `reached` names modules, such as `msgraph.generated.users`."""
    if file.suffix in SUFFIXES or file.name == "py.typed" or TESTS & set(file.parts[:-1]):
        return False
    if file.parts[0].endswith(".dist-info"):
        return file.name not in RECORDS
    grain = _GRAINS.get(file.parts[0])
    if grain is None:
        return True
    if grain is Grain.MODULE and file.suffix == ".py":
        return module_of(file) in reached
    # Beside modules: data, which goes with the package that it belongs to.
    return ".".join(file.parent.parts) in reached


def module_of(file: PurePosixPath) -> str:
    """`a/b/__init__.py` → `a.b`, `a/b/c.py` → `a.b.c`."""
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
