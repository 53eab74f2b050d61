"""Kusto's language service, which analyses queries of telemetry, at the version of `tests/infra/package-lock.json`."""

from __future__ import annotations

from pathlib import Path

from sandbox.setup.npm import NodeModules


class Kusto(NodeModules):
    """The language service of one repository folder: a library for Node, in `script`."""

    def __init__(self, root: Path) -> None:
        super().__init__(
            root,
            "Kusto's language service",
            source=root / "tests" / "infra",
            folder=root / ".sandbox" / "kusto",
            main="@kusto/language-service-next/Kusto.Language.Bridge.min.js",
            installed_by="python3 dev.py test infra",
        )
