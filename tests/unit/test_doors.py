"""Issue 17, item 12: whoever knows the name of the application alone comes to the dashboard."""

from __future__ import annotations

import json
from pathlib import Path

import azure.functions as func
import pytest

from onboarding.http.doors import DOORS, to_the_dashboard
from onboarding.http.routes import ROUTES
from sandbox.functions_host.routes import RouteTable, Template

ROOT = Path(__file__).parents[2]
TABLE = RouteTable(
    [
        *((Template.parse(path), frozenset({"GET"}), name) for name, path in DOORS.items()),
        *((Template.parse(f"api/{r.path}"), frozenset({r.method}), r.name) for r in ROUTES),
    ]
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "door"),
        ("/api", "api_door"),
        ("/api/", "api_door"),
        ("/api/dashboard", "dashboard"),
        ("/api/onboardings", "list_onboardings"),
        ("/other", None),
    ],
)
def test_each_path_leads_where_it_should(path: str, expected: str | None) -> None:
    found = TABLE.find("GET", path)
    assert (found[0] if found else None) == expected


async def test_both_lead_to_the_dashboard() -> None:
    answer = await to_the_dashboard(func.HttpRequest("GET", "https://onboarding.example.com/", body=b""))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/api/dashboard")


def test_no_prefix_keeps_the_host_from_serving_the_root() -> None:
    assert json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]["http"]["routePrefix"] == ""
