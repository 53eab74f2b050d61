"""Microsoft's renderer of Adaptive Cards, at the version of `sandbox/microsoft/cards/package-lock.json`."""

from __future__ import annotations

from pathlib import Path

from sandbox.setup.npm import NodeModules


class AdaptiveCards(NodeModules):
    """The renderer of one repository folder: `script` is run in the page of the simulated Teams channel."""

    def __init__(self, root: Path) -> None:
        super().__init__(
            root,
            "the renderer of Adaptive Cards",
            source=root / "sandbox" / "microsoft" / "cards",
            folder=root / ".sandbox" / "adaptive-cards",
            main="adaptivecards/dist/adaptivecards.min.js",
            installed_by="python3 dev.py up",
        )
