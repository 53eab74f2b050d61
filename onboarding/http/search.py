"""What of the list is asked for: filters, words, order, and how many."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from onboarding.columns import named
from onboarding.core.patterns import GUID, fits
from onboarding.core.record import OnboardingState
from onboarding.core.request import Environment
from onboarding.core.services import Service
from onboarding.http.problems import ProblemError
from onboarding.ports import Row

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
TEXT_LENGTH = 200
CURSOR_LENGTH = 1000

CLOSED_STATES = {OnboardingState.COMPLETED, OnboardingState.DRIFTED, OnboardingState.CANCELLED}

SEARCHED = named("Gateway", "People", "WaitingOn")
"""Columns that are searched for words."""
(_LATE_FROM,) = named("LateFrom")
_FILTERED = named("State", "SubscriptionId", "Environment", "Services")
_Choice = TypeVar("_Choice", bound=StrEnum)


class Sort(StrEnum):
    """What the list is sorted by; `gateway` needs no sorting at all."""

    GATEWAY = "gateway"
    UPDATED = "updated"
    WAITING = "waiting"
    """Since when it waits: ascending shows the longest wait first."""
    STATE = "state"
    """By urgency: what needs attention first."""


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
    late: bool = False
    """Only those that are late."""
    text: str = ""
    """Words that the gateway's name, the people named in the request, or who is waited for must hold."""
    sort: Sort = Sort.GATEWAY
    order: Order = Order.ASCENDING
    limit: int = DEFAULT_LIMIT
    after: str | None = None
    """Where the page before ended, as it said in `next`."""
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
        return self.late or bool(self.words)

    def holds(self, row: Row, now: datetime) -> bool:
        """Whether a row has every word, and is late if that is asked for."""
        if self.late and not is_late_row(row, now):
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
            "late": "true" if self.late else None,
            "text": self.text,
            "sort": self.sort if self.sort is not Sort.GATEWAY else None,
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


def is_late_row(row: Row, now: datetime) -> bool:
    """Whether the onboarding of a row is late."""
    late_from: datetime | None = row.columns.get(_LATE_FROM)
    return late_from is not None and now >= late_from


PARAMETERS = ("state", "subscription", "environment", "service", "late", "text", "sort", "order", "limit", "next")


def read_search(given: Mapping[str, str]) -> Search:
    """The search of a query string; an empty value is one that wasn't given. Raises ProblemError 400."""
    values = {name: given[name] for name in PARAMETERS if given.get(name)}
    states = values["state"].split(",") if "state" in values else []
    subscription = values.get("subscription")
    if subscription and not fits(GUID, subscription):
        raise _wrong("subscription", subscription, "a subscription's id (a GUID)")
    for name, most in (("text", TEXT_LENGTH), ("next", CURSOR_LENGTH)):
        if len(values.get(name, "")) > most:
            raise _wrong(name, values[name], f"at most {most} characters")
    return Search(
        states=tuple(dict.fromkeys(_choice("state", state, OnboardingState) for state in states)),
        subscription=subscription,
        environment=_choice("environment", values["environment"], Environment) if "environment" in values else None,
        service=_choice("service", values["service"], Service) if "service" in values else None,
        late=_choice("late", values.get("late", YesOrNo.FALSE), YesOrNo) is YesOrNo.TRUE,
        text=values.get("text", "").strip(),
        sort=_choice("sort", values.get("sort", Sort.GATEWAY), Sort),
        order=_choice("order", values.get("order", Order.ASCENDING), Order),
        limit=_limit(values.get("limit", str(DEFAULT_LIMIT))),
        after=values.get("next"),
    )


def _choice(name: str, value: str, kind: type[_Choice]) -> _Choice:
    try:
        return kind(value)
    except ValueError:
        raise _wrong(name, value, f"one of {', '.join(kind)}") from None


def _limit(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 5 and 1 <= int(value) <= MAX_LIMIT):
        raise _wrong("limit", value, f"a number from 1 to {MAX_LIMIT}")
    return int(value)


def _wrong(name: str, value: str, expected: str) -> ProblemError:
    return ProblemError(400, "The request is invalid", f"?{name}= is '{value[:50]}'; {expected} was expected.")
