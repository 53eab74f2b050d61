"""Where people come who know the name of this application alone: `/` and `/api` lead to the dashboard."""

from __future__ import annotations

from collections.abc import Mapping

import azure.functions as func

from onboarding.http.entrance import guarded

DASHBOARD = "/api/dashboard"
DOORS: Mapping[str, str] = {"door": "{ignored:maxlength(0)?}", "api_door": "api"}
"""Function → its route. The host takes an empty one for none, and would name it after the function; this one fits
nothing but `/`."""


async def to_the_dashboard(request: func.HttpRequest) -> func.HttpResponse:
    """GET / and GET /api → 302. Says nothing about anybody, so nobody need be signed in."""
    return guarded(request, func.HttpResponse(status_code=302, headers={"Location": DASHBOARD}))
