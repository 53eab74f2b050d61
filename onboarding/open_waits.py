"""What an onboarding waits for, as JSON in a column of its row: written with the record, read for the list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from onboarding.core.bounds import shorten
from onboarding.standing import NextKind, Waiting, WaitProblem, WaitsOn

WAIT_SEEN_LENGTH = 300
"""Characters of what is wrong with one of them; the record has all of it."""


def written_wait(wait: Waiting) -> dict[str, Any]:
    """One of them, as the column has it. Its names are a contract."""
    problem = wait.problem
    return {
        "step": wait.step,
        "waitingFor": wait.what,
        "waitingOn": wait.on,
        "name": wait.name,
        "state": wait.state,
        "since": utc_text(wait.since),
        "party": wait.party,
        "next": wait.next,
        "nextAt": utc_text(wait.next_at) if wait.next_at else None,
        "overdueFrom": utc_text(wait.overdue_from) if wait.overdue_from else None,
        "reminders": wait.reminders,
        "escalated": wait.escalated,
        "problem": {"code": problem.code, "seen": shorten(problem.seen, WAIT_SEEN_LENGTH)} if problem else None,
    }


def read_waits(text: str) -> tuple[Waiting, ...] | None:
    """All of a column; an earlier version wrote less of each. None: it holds something else."""
    try:
        return tuple(_read(item) for item in json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def utc_text(at: datetime) -> str:
    """A time, as JSON in a column has it."""
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _read(item: Mapping[str, Any]) -> Waiting:
    problem = item.get("problem")
    return Waiting(
        item["step"],
        item["waitingFor"],
        item["waitingOn"],
        item["name"],
        item["state"],
        datetime.fromisoformat(item["since"]),
        WaitsOn(item["party"]) if item.get("party") else None,
        NextKind(item["next"]) if item.get("next") else None,
        _time_of(item.get("nextAt")),
        _time_of(item.get("overdueFrom")),
        item.get("reminders", 0),
        item.get("escalated", False),
        WaitProblem(problem["code"], problem["seen"]) if problem else None,
    )


def _time_of(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
