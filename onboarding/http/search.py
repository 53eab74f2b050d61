"""What of the list is asked for: filters, words, order, and how many."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode

from onboarding.columns import named
from onboarding.core.patterns import GUID, fits
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import OnboardingState
from onboarding.core.request import Environment
from onboarding.core.services import Service
from onboarding.http.problems import ProblemError
from onboarding.kinds import KINDS, kind_of_key
from onboarding.ports import Row
from onboarding.standing import WaitsOn

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
TEXT_LENGTH = 200
CURSOR_LENGTH = 1000

CLOSED_STATES = {OnboardingState.COMPLETED, OnboardingState.DRIFTED, OnboardingState.CANCELLED}

SEARCHED = named("Gateway", "People", "WaitingOn")
"""Columns that are searched for words."""
_LATE_FROM, _KIND, _KEY, _WAITS_ON, _CODES = named("LateFrom", "Kind", "GatewayId", "WaitsOn", "ProblemCodes")
_FILTERED = named("State", "SubscriptionId", "Environment", "Services")
_Choice = TypeVar("_Choice", bound=StrEnum)


class Sort(StrEnum):
    """What the list is sorted by; `gateway` needs no sorting at all."""

    GATEWAY = "gateway"
    UPDATED = "updated"
    WAITING = "waiting"
    """Since when it waits: ascending shows the longest wait first."""
    STATE = "state"
    """What needs attention first, then what waits for people, then the rest."""
    URGENCY = "urgency"
    """What should be seen to first: besides the state, by what was escalated, is overdue, and waits for people."""


class Order(StrEnum):
    """Which end comes first."""

    ASCENDING = "asc"
    DESCENDING = "desc"


class YesOrNo(StrEnum):
    """Whether something is asked for."""

    TRUE = "true"
    FALSE = "false"


@dataclass(frozen=True, slots=True)
class Search:
    """One question to the list."""

    states: tuple[OnboardingState, ...] = ()
    subscription: str | None = None
    environment: Environment | None = None
    service: Service | None = None
    kind: str | None = None
    """Of gateway."""
    waits_on: WaitsOn | None = None
    """Only those that wait on them for anything."""
    problem: ProblemCode | None = None
    """Only those that wait for a step with this problem."""
    late: bool = False
    """Only those that are late."""
    text: str = ""
    """Words that the gateway's name, the people named in the request, or who is waited for must hold."""
    sort: Sort = Sort.GATEWAY
    order: Order = Order.ASCENDING
    limit: int = DEFAULT_LIMIT
    after: str | None = None
    """Where the page before ended, as it said in `next`."""
    usual_sort: Sort = Sort.GATEWAY
    """What is sorted by where nothing is said."""
    more: tuple[str, ...] = ()
    """Columns that are read besides those of the list."""

    @property
    def descending(self) -> bool:
        return self.order is Order.DESCENDING

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.text.lower().split())

    @property
    def equals(self) -> Mapping[str, tuple[str, ...]]:
        """What Table Storage itself can compare: columns and the values that fit."""
        both = ",".join(s.value for s in Service)
        asked: tuple[tuple[str, ...], ...] = (
            tuple(s.value for s in self.states),
            (self.subscription.lower(),) if self.subscription else (),
            (self.environment.value,) if self.environment else (),
            (self.service.value, both) if self.service else (),
        )
        return {column: values for column, values in zip(_FILTERED, asked, strict=True) if values}

    @property
    def narrows(self) -> bool:
        """Whether there is something that Table Storage can't compare: then `holds` does."""
        return bool(self.compared)

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns that `holds` looks at."""
        asked = (
            ((_KIND, _KEY), self.kind),
            ((_WAITS_ON,), self.waits_on),
            ((_CODES,), self.problem),
            ((_LATE_FROM,), self.late),
            (SEARCHED, self.words),
        )
        return tuple(column for columns, value in asked if value for column in columns)

    def holds(self, row: Row, now: datetime) -> bool:
        """Whether a row is what Table Storage could not compare."""
        cells = row.columns
        if self.late and not is_late_row(row, now):
            return False
        if self.kind and (cells.get(_KIND) or kind_of_key(str(cells[_KEY]))) != self.kind:
            return False
        if self.waits_on and self.waits_on not in listed_in(row, _WAITS_ON):
            return False
        if self.problem and self.problem not in listed_in(row, _CODES):
            return False
        text = " ".join(str(row.columns.get(column) or "") for column in SEARCHED).lower()
        return all(word in text for word in self.words)

    @property
    def parameters(self) -> dict[str, str]:
        """As a query string has them, without those that are as usual."""
        given = {
            "state": ",".join(self.states),
            "subscription": self.subscription,
            "environment": self.environment,
            "service": self.service,
            "kind": self.kind,
            "waitsOn": self.waits_on,
            "problem": self.problem,
            "late": "true" if self.late else None,
            "text": self.text,
            "sort": self.sort if self.sort is not self.usual_sort else None,
            "order": self.order if self.descending else None,
            "limit": str(self.limit) if self.limit != DEFAULT_LIMIT else None,
            "next": self.after,
        }
        return {name: str(value) for name, value in given.items() if value}

    def query_string(self, *, after: str | None = None) -> str:
        """Of the address of this page, or of the one that begins at `after`."""
        return urlencode(replace(self, after=after or self.after).parameters)

    @property
    def digest(self) -> str:
        """The same for all pages of one search, whatever their limit."""
        mine = {n: v for n, v in self.parameters.items() if n not in ("next", "limit")}
        return hashlib.sha256(json.dumps(mine, sort_keys=True).encode()).hexdigest()[:8]

    @property
    def filters(self) -> Search:
        """What narrows it alone, whatever state the onboardings are in: of these the cards at the top are."""
        return replace(self, states=(), sort=self.usual_sort, order=Order.ASCENDING, limit=DEFAULT_LIMIT, after=None)


def listed_in(row: Row, column: str) -> list[str]:
    """The names that a column holds, with commas between them."""
    return str(row.columns.get(column) or "").split(",")


def is_late_row(row: Row, now: datetime) -> bool:
    """Whether the onboarding of a row is late."""
    late_from: datetime | None = row.columns.get(_LATE_FROM)
    return late_from is not None and now >= late_from


@dataclass(frozen=True, slots=True)
class WrongParameter:
    """A parameter of a query string that can't be one."""

    name: str
    value: str
    expected: str
    """As the rest of a sentence: one of …"""

    def __str__(self) -> str:
        return f"?{self.name}= is '{self.value[:50]}'; {self.expected} was expected."


def read_search(given: Mapping[str, str]) -> Search:
    """The search of a query string; an empty value is one that wasn't given. Raises ProblemError 400."""
    search, wrong = read_what_fits(given)
    if wrong:
        raise ProblemError(400, "The request is invalid", str(wrong[0]))
    return search


def read_what_fits(
    given: Mapping[str, str], usual_sort: Sort = Sort.GATEWAY
) -> tuple[Search, tuple[WrongParameter, ...]]:
    """The search of those parameters that can be such, and the others."""
    values = {name: given[name] for name in _READERS if given.get(name)}
    wrong: list[WrongParameter] = []
    read: dict[str, Any] = {}
    for name, value in values.items():
        field, reader = _READERS[name]
        try:
            read[field] = reader(value)
        except ValueError as error:
            wrong.append(WrongParameter(name, value, str(error)))
    return Search(**{"sort": usual_sort, **read}, usual_sort=usual_sort), tuple(wrong)


def _one_of(kind: type[_Choice]) -> Callable[[str], _Choice]:
    def read(value: str) -> _Choice:
        try:
            return kind(value)
        except ValueError:
            raise ValueError(f"one of {', '.join(kind)}") from None

    return read


def _states(value: str) -> tuple[OnboardingState, ...]:
    return tuple(dict.fromkeys(map(_one_of(OnboardingState), value.split(","))))


def _subscription(value: str) -> str:
    if not fits(GUID, value):
        raise ValueError("a subscription's id (a GUID)")
    return value


def _kind(value: str) -> str:
    if value not in KINDS:
        raise ValueError(f"one of {', '.join(KINDS)}")
    return value


def _limit(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 5 and 1 <= int(value) <= MAX_LIMIT):
        raise ValueError(f"a number from 1 to {MAX_LIMIT}")
    return int(value)


def _at_most(length: int) -> Callable[[str], str]:
    def read(value: str) -> str:
        if len(value) > length:
            raise ValueError(f"at most {length} characters")
        return value.strip()

    return read


_READERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "state": ("states", _states),
    "subscription": ("subscription", _subscription),
    "environment": ("environment", _one_of(Environment)),
    "service": ("service", _one_of(Service)),
    "kind": ("kind", _kind),
    "waitsOn": ("waits_on", _one_of(WaitsOn)),
    "problem": ("problem", _one_of(ProblemCode)),
    "late": ("late", lambda value: _one_of(YesOrNo)(value) is YesOrNo.TRUE),
    "text": ("text", _at_most(TEXT_LENGTH)),
    "sort": ("sort", _one_of(Sort)),
    "order": ("order", _one_of(Order)),
    "limit": ("limit", _limit),
    "next": ("after", _at_most(CURSOR_LENGTH)),
}
"""Parameter → the field of Search, and what reads it. Each raises ValueError, which says what was expected."""
PARAMETERS = tuple(_READERS)
