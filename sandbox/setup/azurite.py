"""Azurite, installed by npm at the versions of `sandbox/package-lock.json`."""

from __future__ import annotations

from pathlib import Path

from sandbox.setup.npm import NodeModules


class Azurite(NodeModules):
    """The Azurite of one repository folder."""

    def __init__(self, root: Path) -> None:
        super().__init__(
            root,
            "Azurite",
            source=root / "sandbox",
            folder=root / ".sandbox" / "azurite",
            main="azurite/dist/src/azurite.js",
            takes="about half a minute",
            installed_by="python3 dev.py up",
        )
