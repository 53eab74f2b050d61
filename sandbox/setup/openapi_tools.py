"""What the API's description is judged with, at the versions of `tests/api/package-lock.json`."""

from __future__ import annotations

from pathlib import Path

from sandbox.setup.npm import NodeModules


class OpenApiTools(NodeModules):
    """Redocly's linter, which `script` is, and Ajv.

    Redocly CLI 2.77 declares Node 20.19 or 22.12, and was seen to run on 20.13, 20.20, 22.11 and 24.19; on an older one
    it says so on stderr.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(
            root,
            "the tools for OpenAPI",
            source=root / "tests" / "api",
            folder=root / ".sandbox" / "openapi-tools",
            main="@redocly/cli/bin/cli.js",
        )
