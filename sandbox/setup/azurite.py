"""Azurite, installed by npm at the versions of `sandbox/package-lock.json`."""

from __future__ import annotations

from pathlib import Path

from sandbox.setup import stamp
from sandbox.setup.npm import NodeModules
from sandbox.setup.problem import SetupError


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
        )

    def command(self) -> list[str]:
        """How to run it.

        Raises:
            SetupError: it is not installed.
        """
        if not self.ready():
            raise SetupError(f"Azurite is not installed in {self.folder}; `python3 dev.py up` installs it.")
        return [stamp.read(self.stamp)["node"], str(self.script)]
