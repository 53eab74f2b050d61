"""The version of this application, as pyproject.toml has it (a test compares them): the package has no metadata."""

from __future__ import annotations

VERSION = "0.1.0"
