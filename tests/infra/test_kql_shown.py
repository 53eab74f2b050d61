"""Each tile of the workbook, and each query of the documents, shows what the application told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from onboarding.core.notices import NoticeKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.memory.directory import user_id
from onboarding.steps.operator_connect import ADMIN_ROLE, APPLICATION_ROLES
from onboarding.telemetry.calls import calling
from onboarding.telemetry.names import LOG_FIELDS
from onboarding.telemetry.work import dead, unfit_link
from tests.infra import queries
from tests.infra.life import Life, life
from tests.support import requests
from tests.support.steps import STEPS

WORKBOOK = Path(__file__).parents[2] / "infra" / "workbook" / "onboarding.json"
DOCUMENTED = {name: query for name, query in queries.found().items() if name.startswith("docs/telemetry.md")}
"""Those of docs/table.md ask something else: test_kql_table.py."""
WHOLE = timedelta(days=90)


class Answer:
    def __init__(self, status: int) -> None:
        self.status = status


@dataclass(frozen=True)
class Told:
    """What two onboardings and some troubles have left in a workspace."""

    life: Life
    onboarding: str

    def by(self, query: str) -> list[dict[str, Any]]:
        return self.life.workspace.ask(query, self.life.now - WHOLE, self.life.now)

    def tile(self, name: str, entered: str = "") -> list[dict[str, Any]]:
        return self.by(queries.workbook(WORKBOOK, entered)[name])


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with life() as it:
        yield Told(it, asyncio.run(_lived(it)))


async def _lived(it: Life) -> str:
    """One onboarding has ended, at last, another needs attention; the id of the first."""
    for status in (200, 429, 503):
        with calling("graph", "POST /domains/{id}/verify") as asked:
            asked.answered(Answer(status))
    dead("verify-domain")
    unfit_link("forged")
    it.requested("submit", 202, 404)
    it.requested("add_domain", 0)
    it.system.outside.notifier.faults.add("teams", TryLaterError(ProblemCode.OUTAGE, "down"))
    request = requests.parsed(requests.operator_connect())
    it.system.outside.deploy(request)
    onboarding = (await it.system.request(request)).record.id
    await it.goes_on(3)
    it.is_silent(60)
    await it.goes_on()
    await it.system.run(onboarding)
    # The line has no exporter here; the exporter of spans has shown how attributes arrive.
    about = dict(zip(map(str, LOG_FIELDS), (onboarding, "contoso-acg", "verify-domain", "1", "1f0e9d8c"), strict=True))
    await it.goes_on()
    line = {"Message": "told", "Properties": about, "ItemCount": 1, "TimeGenerated": it.now}
    it.workspace.add("AppTraces", line)

    missing = requests.operator_connect()
    missing["gateway"]["name"] = "fabrikam-acg"
    await it.system.request(requests.parsed(missing))
    await it.goes_on()
    return onboarding


def test_each_tile_shows_something(told: Told) -> None:
    asked = queries.workbook(WORKBOOK, told.onboarding)
    assert {name for name in asked if not told.tile(name, told.onboarding)} == set()


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_query_of_a_document_shows_something(told: Told, name: str) -> None:
    assert told.by(DOCUMENTED[name])


def test_the_documents_queries_tell_of_what_failed(told: Told) -> None:
    rows = [row for query in DOCUMENTED.values() for row in told.by(query)]
    assert [(row["step"], row["problem"], row["attempts"]) for row in rows if "problem" in row] == [
        ("enable-services", "gateway-gone", 1)
    ]
    assert [(row["service"], row["calls"], row["failed"]) for row in rows if "calls" in row] == [("graph", 3, 2)]


def test_steps_and_the_oldest_waits(told: Told) -> None:
    assert told.tile("steps") == [{"step": "enable-services", "state": "needs-attention", "steps": 1.0}]
    assert max(row["days"] for row in told.tile("waits")) == pytest.approx(1 / 24, rel=0.1)


def test_the_time_in_a_step(told: Told) -> None:
    rows = told.tile("durations")
    done = {(step.name, "done", 1) for step in STEPS}
    assert {(row["step"], row["outcome"], row["runs"]) for row in rows} == {
        *done,
        ("enable-services", "needs-attention", 1),
    }
    assert max(row["longest"] for row in rows) >= 3600
    assert all(row["longest"] >= row["mean"] >= 0 for row in rows)


def test_calls_to_microsoft(told: Told) -> None:
    calls = {(row["service"], row["operation"], row["status"]): row["calls"] for row in told.tile("calls")}
    assert calls == {("graph", "POST /domains/{id}/verify", status): 1.0 for status in ("200", "429", "503")}
    assert [row["throttled"] for row in told.tile("throttled")] == [1.0]


def test_notices_by_their_kind_way_and_outcome(told: Told) -> None:
    rows = {(row["notice"], row["way"], row["outcome"]): row["notices"] for row in told.tile("notices")}
    assert {kind for kind, _, _ in rows} <= set(NoticeKind)
    assert [n for (_, way, outcome), n in rows.items() if (way, outcome) == ("teams", "failed")] == [1.0]
    assert rows["completed", "email", "sent"] == rows["completed", "teams", "sent"] == 1.0


def test_passes_dead_letters_and_links_that_were_no_good(told: Told) -> None:
    assert sum(row["passes"] for row in told.tile("timer")) == 6
    assert [(row["queue"], row["letters"]) for row in told.tile("dead-letters")] == [("verify-domain", 1.0)]
    assert [(row["refused"], row["links"]) for row in told.tile("links-refused")] == [("forged", 1.0)]


def test_roles_that_were_given_and_to_whom(told: Told) -> None:
    rows = told.tile("roles-given")
    assert sorted(row["role"] for row in rows) == sorted((ADMIN_ROLE, *APPLICATION_ROLES))
    assert {row["principal"] for row in rows} == {"principal-of-contoso-acg", user_id("voice.admin@contoso.com")}
    assert {row["given"] for row in rows} == {1.0}


def test_functions_and_their_failures(told: Told) -> None:
    rows = {row["function"]: (row["runs"], row["failed"], row["median"]) for row in told.tile("functions")}
    assert rows == {"add_domain": (1, 1, 12.5), "submit": (2, 0, 12.5)}


def test_one_onboarding_from_its_request_on_and_no_other(told: Told) -> None:
    rows = told.tile("one", told.onboarding)
    assert {row["what"] for row in rows} >= {"onboarding", "step verify-domain", "told", "notice completed"}
    assert {row["step"] for row in rows} >= {step.name for step in STEPS if step.queue}
    assert [row["TimeGenerated"] for row in rows] == sorted(row["TimeGenerated"] for row in rows)
    assert told.tile("one", "") == told.tile("one", "another") == []
