"""axe-core, which the browser tests look for barriers with, at the version of `tests/browser/package-lock.json`."""

from __future__ import annotations

from pathlib import Path

from sandbox.setup.npm import NodeModules


class Axe(NodeModules):
    """The axe-core of one repository folder: `script` is run in a page."""

    def __init__(self, root: Path) -> None:
        super().__init__(
            root,
            "axe-core",
            source=root / "tests" / "browser",
            folder=root / ".sandbox" / "axe",
            main="axe-core/axe.min.js",
        )
