"""The libraries that the app's requirements bring, and the files of each, in a folder that pip installed into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

from packaging.markers import Environment, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Requires = Callable[[str], Sequence[Requirement] | None]
"""By a distribution's canonical name: what it requires; None when it is not known."""


def environment(python: str | None = None) -> Environment:
    """What markers are compared with: Linux x86-64 with that version of Python; this machine when left out."""
    here = default_environment()
    if python is None:
        return here
    return {
        **here,
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }


def closure(roots: Iterable[Requirement], requires: Requires, where: Environment) -> tuple[set[str], set[str]]:
    """Canonical names of all that the roots need there, and those among them whose own needs are not known."""
    waiting = list(roots)
    extras: dict[str, set[str]] = {}
    unknown: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        wanted = {"", *requirement.extras}
        new = wanted - extras.get(name, set())
        if not new:
            continue
        extras.setdefault(name, set()).update(new)
        needs = requires(name)
        if needs is None:
            unknown.add(name)
            continue
        waiting += [need for need in needs if holds(need, where, new)]
    return set(extras), unknown


def holds(requirement: Requirement, where: Environment, extras: Iterable[str] = ("",)) -> bool:
    """Whether it is for that Python and platform, for one of those extras."""
    marker = requirement.marker
    if marker is None:
        return True
    return any(marker.evaluate({**_texts(where), "extra": extra}) for extra in extras)


def _texts(where: Environment) -> dict[str, str]:
    return {name: str(value) for name, value in where.items()}


@dataclass(frozen=True)
class Installed:
    """What is installed in one folder, by canonical name."""

    site: Path
    found: Mapping[str, Distribution]

    @classmethod
    def at(cls, site: Path) -> Installed:
        """Look into a folder such as `site-packages`, which need not be there yet."""
        return cls(site, {canonicalize_name(d.metadata["Name"]): d for d in distributions(path=[str(site)])})

    def requires(self, name: str) -> list[Requirement] | None:
        """What a distribution requires; None when it is not installed."""
        distribution = self.found.get(name)
        return None if distribution is None else [Requirement(r) for r in distribution.requires or ()]

    def files(self, name: str) -> list[PurePosixPath]:
        """A distribution's files below the folder, without bytecode and without scripts, which stand elsewhere."""
        listed = (PurePosixPath(file.as_posix()) for file in self.found[name].files or ())
        return [file for file in listed if ".." not in file.parts and file.parts[0] != "bin" and file.suffix != ".pyc"]
