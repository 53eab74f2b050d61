"""Issue 17, item 12: whoever is woken at three is led to the dashboard, filtered, and to the section of the runbook."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from onboarding.http.routes import ROUTES
from onboarding.http.search import read_search
from tests.unit.test_runbook import anchors, document

RULES = (Path(__file__).parents[2] / "infra" / "modules" / "alerts.bicep").read_text(encoding="utf-8")
NAMED = re.findall(r"^    name: '([a-z-]+)'$", RULES, re.MULTILINE)
LOOKS = re.findall(r"^    look: '([^']+)'$", RULES, re.MULTILINE)


def test_every_rule_says_where_to_look_and_has_its_place_in_the_runbook() -> None:
    assert len(LOOKS) == len(NAMED) > 5
    assert {f"alert-{name}" for name in (*NAMED, "dead-letters-unread")} <= anchors(document("docs/runbook.md"))
    assert "Look at ${url}${each.look}. What to do: ${runbook}#alert-${each.name}" in RULES


@pytest.mark.parametrize("look", LOOKS)
def test_it_leads_to_a_page_that_takes_that_filter(look: str) -> None:
    asked = urlsplit(look)
    assert asked.path.removeprefix("/api/") in {route.path for route in ROUTES if route.method == "GET"}
    read_search(dict(parse_qsl(asked.query)))
