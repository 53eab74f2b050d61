"""The description of the API, of all its routes."""

from __future__ import annotations

from typing import Any

from onboarding.http import openapi
from onboarding.http.routes import ROUTES


def description() -> dict[str, Any]:
    return openapi.description(ROUTES)


def written() -> tuple[bytes, str]:
    return openapi.written_description(ROUTES)
