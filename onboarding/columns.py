"""The flat columns of table `onboardings`: a contract with the dashboards of others, which read nothing else of a row.

The row, the list of the API and docs/table.md derive from COLUMNS or are compared with it. A column stays what it is:
its name, its type and its meaning change for nobody; what means something else is another column. No column holds a
phone number; who is named where is said in its meaning.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from onboarding.core.bounds import utf16_units
from onboarding.core.expected_ends import expected_end, late_from
from onboarding.core.phone_numbers import without
from onboarding.core.record import Record
from onboarding.standing import ended_steps, last_problem, open_waits, progress, written_open_steps

COLUMN_LENGTH = 32_000
"""UTF-16 units that a string column holds are 32 Ki (Table Storage); a little less is used."""

Cell = str | int | datetime | None


class Shown:
    """A record, and what several columns need of it, derived once."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.waits = open_waits(record)
        self.first = self.waits[0] if self.waits else None
        self.problem = last_problem(record)
        self.ended, self.total = progress(record)
        self.expected = expected_end(record)


class ColumnType(StrEnum):
    """As Table Storage names them (Microsoft Learn, "Understanding the Table service data model")."""

    STRING = "String"
    INTEGER = "Int32"
    TIME = "DateTime"
    """In UTC."""


@dataclass(frozen=True, slots=True)
class Column:
    """One of them. A value of None is not written: the row then has no such column."""

    name: str
    type: ColumnType
    meaning: str
    """For docs/table.md."""
    value: Callable[[Shown], Cell]
    since: str = "0.1.0"
    """The version of the application that wrote it first. A row has it from its next change after the upgrade on."""
    listed: bool = True
    """Whether the list of the API shows it."""


def _open_waits(shown: Shown) -> str | None:
    return _json(
        [
            {
                "step": w.step,
                "waitingFor": w.what,
                "waitingOn": w.on,
                "name": w.name,
                "state": w.state,
                "since": _time(w.since),
            }
            for w in shown.waits
        ]
    )


def _completed_steps(shown: Shown) -> str | None:
    return _json(
        [
            {"step": e.step, "state": e.state.value, "endedAt": _time(e.at), "seconds": e.seconds}
            for e in ended_steps(shown.record)
        ]
    )


def _json(items: Sequence[Mapping[str, Any]]) -> str | None:
    """A compact list of as many of the items, from the first one, as the column holds; None for an empty one."""
    text = _COMPACT(items)
    while utf16_units(text) > COLUMN_LENGTH:
        # About as many as will do, then one by one.
        items = items[: min(len(items) - 1, len(items) * COLUMN_LENGTH // utf16_units(text) + 1)]
        text = _COMPACT(items)
    return text if items else None


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _time(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _notice_error(shown: Shown) -> str | None:
    return next((n.problem.seen for n in shown.record.notices if n.owed and n.problem), None)


def _people(shown: Shown) -> str:
    """Everybody whom a request names, to search by."""
    asked = shown.record.request
    named = (asked.admin_user, asked.onboarding_team.name, asked.onboarding_team.email, asked.notify.escalate_to)
    return " ".join((*(name for name in named if name), *asked.notify.emails)).lower()


def _rest(shown: Shown) -> int | None:
    return round(shown.expected.rest.total_seconds()) if shown.expected else None


_SECOND = "0.2.0"
_STRING, _INTEGER, _TIME = ColumnType.STRING, ColumnType.INTEGER, ColumnType.TIME

COLUMNS: tuple[Column, ...] = (
    Column("Version", _INTEGER, "Goes up by one with each change of the onboarding", lambda s: s.record.version),
    Column("Gateway", _STRING, "The gateway's name", lambda s: s.record.request.gateway.name),
    Column(
        "GatewayId",
        _STRING,
        "What makes it this gateway and no other, as requested: of a resource in Azure its id",
        lambda s: s.record.request.gateway.key,
    ),
    Column(
        "SubscriptionId",
        _STRING,
        "Its Azure subscription, in lower case",
        lambda s: s.record.request.gateway.subscription,
    ),
    Column(
        "Environment",
        _STRING,
        "`production` or `lab`",
        lambda s: s.record.request.environment and s.record.request.environment.value,
    ),
    Column(
        "Services",
        _STRING,
        "`operatorConnect`, `teamsPhoneMobile`, or both in this order with a comma",
        lambda s: ",".join(service.value for service in s.record.request.selected),
    ),
    Column(
        "State",
        _STRING,
        "Where it stands: a [state](runbook.md#what-an-onboarding-says)",
        lambda s: s.record.state.value,
    ),
    Column(
        "WaitingFor",
        _STRING,
        "What it waits for, in words: the first of `OpenWaits`. None once it is closed",
        lambda s: s.first.what if s.first else None,
    ),
    Column(
        "WaitingForStep",
        _STRING,
        "The step behind `WaitingFor`, by its name; none when it is paused",
        lambda s: s.first.step if s.first else None,
        since=_SECOND,
    ),
    Column(
        "WaitingOn",
        _STRING,
        "On whom: `Microsoft`, `the onboarding team`, `the admin user`, `this application`,"
        " `your team (role Operate)`",
        lambda s: s.first.on if s.first else None,
    ),
    Column(
        "WaitingOnName",
        _STRING,
        "That person or team as the request names them: the team's name, or the admin user's sign-in name or object id."
        " None where the request names nobody",
        lambda s: s.first.name if s.first else None,
        since=_SECOND,
    ),
    Column("WaitingSince", _TIME, "Since when", lambda s: s.first.since if s.first else None),
    Column(
        "OpenWaitCount",
        _INTEGER,
        "How many things are waited for at once; 0 once it is closed",
        lambda s: len(s.waits),
        since=_SECOND,
    ),
    Column("OpenWaits", _STRING, "All of them, as [JSON](#openwaits)", _open_waits, since=_SECOND, listed=False),
    Column(
        "NextDueAt",
        _TIME,
        "When something happens by itself next: an attempt, a reminder, or the first look at a wait after its last"
        " change; the looks after that are on schedule, and are not written here. None when nothing will",
        lambda s: s.record.next_due_at,
    ),
    Column("StepsEnded", _INTEGER, "Steps that are done or were skipped", lambda s: s.ended),
    Column("StepsTotal", _INTEGER, "Steps of its plan", lambda s: s.total),
    Column(
        "CompletedSteps",
        _STRING,
        "The steps that have ended, when, and how long each took, as [JSON](#completedsteps)",
        _completed_steps,
        since=_SECOND,
        listed=False,
    ),
    Column(
        "ExpectedAt",
        _TIME,
        "When it will be complete, if what is open and all that follows take as long as usual. None while it is paused,"
        " once it is closed, and for one requested before this was kept",
        lambda s: s.expected.at if s.expected else None,
        since=_SECOND,
    ),
    Column(
        "ExpectedRest",
        _INTEGER,
        "Seconds that usually follow once what is open now has ended. It is not complete before the time of your"
        " question and these: the later of that and `ExpectedAt` is what the pages show",
        _rest,
        since=_SECOND,
    ),
    Column(
        "LateFrom",
        _TIME,
        "From when on it is late, if nothing changes until then: expected more than a day later than it was when it"
        " was requested. None where `ExpectedAt` is none",
        lambda s: late_from(s.record, s.expected),
        since=_SECOND,
    ),
    Column(
        "LastError",
        _STRING,
        "What was last seen to be wrong, in words: of a step that needs attention, else of one that is tried again."
        " Its wording may change, and it may name people; phone numbers are masked",
        lambda s: s.problem.seen if s.problem else None,
    ),
    Column(
        "LastErrorCode",
        _STRING,
        "The same as a stable [error code](runbook.md#error-codes)",
        lambda s: s.problem.code if s.problem else None,
        since=_SECOND,
    ),
    Column("NoticeError", _STRING, "Why people could not be told something yet, in words", _notice_error),
    Column("Domain", _STRING, "The gateway's domain, once it is found", lambda s: s.record.findings.get("domain")),
    Column(
        "ApplicationId",
        _STRING,
        "The application id of the gateway's identity, once it is found",
        lambda s: s.record.findings.get("applicationId"),
    ),
    Column(
        "RequestedBy",
        _STRING,
        "Who posted the request (or started it again), by sign-in name, or the name of a program. None for one"
        " requested before 0.2.0",
        lambda s: s.record.requested_by,
        since=_SECOND,
    ),
    Column("CreatedAt", _TIME, "When it was requested, or last started again", lambda s: s.record.created_at),
    Column("UpdatedAt", _TIME, "When it last changed", lambda s: s.record.updated_at),
    Column(
        "DeviationCount",
        _INTEGER,
        "How much of a completed one is not any more as it was, that nobody has accepted; 0 while all is",
        lambda s: len(s.record.drifted),
        since=_SECOND,
    ),
    Column("ClosedAt", _TIME, "When it was completed or cancelled", lambda s: s.record.closed_at),
    Column(
        "People",
        _STRING,
        "Everybody whom the request names, in lower case with spaces between, to search in: names, sign-in names,"
        " mail addresses",
        _people,
        listed=False,
    ),
    Column(
        "OpenSteps",
        _STRING,
        "The steps that are going on, as `name:state:seconds since 1970` with spaces between; what metrics were made of"
        " in 0.1.0. Use `OpenWaits`",
        lambda s: written_open_steps(s.record),
        listed=False,
    ),
)

_BY_NAME: Mapping[str, Column] = {column.name: column for column in COLUMNS}


def named(*names: str) -> tuple[str, ...]:
    """These names of columns, for whoever reads single ones of a row. Raises KeyError where there is no such column."""
    return tuple(_BY_NAME[name].name for name in names)


LISTED: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.listed)
"""Of a row in the list. Not the record itself, which is twenty times as large."""


def flat(record: Record) -> dict[str, Cell]:
    """Each column's value of a record."""
    shown = Shown(record)
    return {column.name: _masked(column.value(shown)) for column in COLUMNS}


def _masked(value: Cell) -> Cell:
    """Free text may hold anything: what Microsoft said of a number, what somebody took for a name."""
    return without(value) if isinstance(value, str) else value
