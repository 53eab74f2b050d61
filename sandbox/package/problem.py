"""Why no package was made: one sentence or a few, shown without a traceback."""

from __future__ import annotations


class PackageError(Exception):
    """The package would be wrong. The message says what was seen, what was expected, and what to do."""
