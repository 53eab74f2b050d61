"""Each KQL query of docs/table.md, over onboardings in every state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.infra import queries
from tests.infra.copied import Copy
from tests.support import crowd
from tests.support.records import NOW

RECORDS = list(crowd.crowd(40, NOW))
BY_STEP, BY_DURATION, BY_WEEK, EXPECTED, BY_MONTH = (
    query for name, query in queries.found().items() if name.startswith("docs/table.md")
)


@pytest.fixture
def copy() -> Iterator[Copy]:
    made = Copy(RECORDS)
    yield made
    made.close()


def test_what_open_onboardings_wait_for(copy: Copy) -> None:
    answer = copy.ask(BY_STEP)
    assert sum(row["gateways"] for row in answer) == sum(not record.closed for record in RECORDS)
    assert {"provisioning-complete", "operator-information"} <= {row["WaitingForStep"] for row in answer}


def test_how_long_each_step_takes(copy: Copy) -> None:
    answer = {row["step"]: row for row in copy.ask(BY_DURATION)}
    assert answer["provisioning-complete"]["median"] > 24
    assert all(row["slow"] >= row["median"] >= 0 for row in answer.values())


def test_how_many_were_completed_each_week(copy: Copy) -> None:
    answer = copy.ask(BY_WEEK)
    assert sum(row["completed"] for row in answer) == sum(r.completed for r in RECORDS)
    assert all(row["days"] > 0 for row in answer)


def test_how_many_are_expected_each_week(copy: Copy) -> None:
    answer = copy.ask(EXPECTED)
    assert 0 < sum(row["gateways"] for row in answer) <= sum(not record.closed for record in RECORDS)
    assert all(row["late"] <= row["gateways"] for row in answer)


def test_how_many_were_completed_each_month(copy: Copy) -> None:
    answer = copy.ask(BY_MONTH)
    assert sum(row["gateways"] for row in answer) == sum(r.completed for r in RECORDS)
    assert all(row["days"] > 0 for row in answer)
