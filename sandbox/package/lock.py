"""A lock's lines: packages at one version each, and the hashes that their files may have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandbox.package.libraries import holds
from sandbox.package.problem import PackageError

HASH = "--hash="


@dataclass(frozen=True, slots=True)
class Pin:
    """One package, and the files of it that may be installed."""

    requirement: Requirement
    """With its marker, where it is not for every Python and platform."""
    version: str
    hashes: tuple[str, ...]
    """Such as `sha256:…`, one for each file."""

    @property
    def name(self) -> str:
        """The canonical one."""
        return canonicalize_name(self.requirement.name)

    def __str__(self) -> str:
        """The line without its marker, as pip reads it."""
        return " ".join((f"{self.requirement.name}=={self.version}", *(HASH + digest for digest in self.hashes)))


def locked(path: Path, where: Environment) -> list[Pin]:
    """The pins of a lock that hold there. Raises PackageError for a line that is no pin by hash."""
    return [pin for pin in pins(path) if holds(pin.requirement, where)]


def pins(path: Path) -> Iterator[Pin]:
    """All pins of a lock. Raises PackageError for a line that is none."""
    for line in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        text = line.partition("#")[0].strip()
        if not text:
            continue
        # A requirement may have spaces, so it ends where the first hash begins.
        before, found, after = text.partition(f" {HASH}")
        requirement = None if before.startswith("-") else Requirement(before)
        exact = [s.version for s in requirement.specifier if s.operator == "=="] if requirement else []
        if requirement is None or not found or len(exact) != 1 or requirement.url:
            raise PackageError(
                f"{path.name} has the line `{before}`, which is not one version of a package with the hashes of its"
                " files: it is written by `python3 dev.py lock`, not by hand."
            )
        yield Pin(requirement, exact[0], tuple((HASH + after).replace(HASH, " ").split()))
