"""The dashboard: rows of the table, counts, filters and the links between them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from onboarding.core.record import OnboardingState
from onboarding.http.listing import Listed
from onboarding.http.search import Order, Search, Sort
from onboarding.http.view import summary
from onboarding.pages.words import LATE, STATES, Badge
from onboarding.ports import Row

PATH = "/api/dashboard"
ERROR_LENGTH = 140
"""Characters of a last error that the table shows; the page of the onboarding has all of it."""


@dataclass(frozen=True, slots=True)
class OverviewRow:
    """One onboarding, in the table."""

    id: str
    gateway: str
    environment: str
    services: tuple[str, ...]
    badge: Badge
    done: int
    total: int
    waiting_for: str | None
    waiting_on: str | None
    waiting_since: datetime | None
    next_due_at: datetime | None
    error: str | None
    notice_error: str | None
    expected_at: datetime | None
    late: Badge | None
    """That it is late."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many onboardings are in a state: a link that shows them."""

    badge: Badge
    number: int
    link: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a column."""

    label: str
    link: str | None = None
    """Sorts by it; None: can't be sorted by."""
    order: str | None = None
    """`ascending`, `descending`; None: the table is not sorted by it."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the page shows."""

    search: Search
    state: str
    """The one chosen, or empty."""
    filtered: bool
    here: str
    cleared: str
    entries: tuple[OverviewRow, ...]
    counts: tuple[Count, ...]
    headings: tuple[Heading, ...]
    states: tuple[tuple[str, str], ...]
    """(value, label) of the choices."""
    next: str | None
    """Address of the page after this one."""
    first: str | None
    """Address of the first page, when this is another one."""
    total: int
    cut: bool


_COUNTED = tuple(state for state in OnboardingState if state is not OnboardingState.CANCELLED)
_PASSING = OnboardingState.CANCELLING
"""Lasts for seconds: counted only while there are any."""
_COLUMNS = (
    ("Gateway", Sort.GATEWAY),
    ("State", Sort.STATE),
    ("Progress", None),
    ("Waits for", None),
    ("For", Sort.WAITING),
    ("Next check", None),
    ("Last error", None),
)


def overview(search: Search, found: Listed, counts: Mapping[OnboardingState, int], now: datetime) -> Overview:
    """The page."""
    first = replace(search, after=None)
    return Overview(
        search=search,
        state=search.states[0].value if len(search.states) == 1 else "",
        filtered=any(name not in ("sort", "order", "limit", "next") for name in search.parameters),
        here=dashboard_link(search),
        cleared=dashboard_link(Search(sort=search.sort, order=search.order)),
        entries=tuple(_entry(row, now) for row in found.rows),
        counts=tuple(
            _count(first, state, counts.get(state, 0))
            for state in _COUNTED
            if state is not _PASSING or counts.get(state)
        ),
        headings=tuple(_heading(first, label, sort) for label, sort in _COLUMNS),
        states=tuple((state.value, STATES[state].label) for state in OnboardingState),
        next=dashboard_link(replace(search, after=found.next)) if found.next else None,
        first=dashboard_link(first) if search.after else None,
        total=sum(counts.values()),
        cut=found.cut,
    )


def dashboard_link(search: Search) -> str:
    """Address of the dashboard with that search."""
    query = urlencode(search.parameters)
    return f"{PATH}?{query}" if query else PATH


def _entry(row: Row, now: datetime) -> OverviewRow:
    shown = summary(row, now)
    return OverviewRow(
        shown.id,
        shown.gateway_name,
        shown.environment.value if shown.environment else "",
        tuple(s.label for s in shown.services),
        STATES[shown.state],
        shown.progress.done,
        shown.progress.total,
        shown.waiting_for,
        shown.waiting_on_name or shown.waiting_on,
        shown.waiting_since,
        shown.next_due_at,
        _short(shown.last_error),
        _short(shown.notice_error),
        shown.expected_at,
        LATE if shown.late else None,
    )


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= ERROR_LENGTH else text[: ERROR_LENGTH - 1] + "…"


def _count(search: Search, state: OnboardingState, number: int) -> Count:
    chosen = search.states == (state,)
    return Count(STATES[state], number, dashboard_link(replace(search, states=() if chosen else (state,))), chosen)


def _heading(search: Search, label: str, sort: Sort | None) -> Heading:
    if sort is None:
        return Heading(label)
    mine = search.sort is sort
    turned = Order.DESCENDING if mine and not search.descending else Order.ASCENDING
    order = ("descending" if search.descending else "ascending") if mine else None
    return Heading(label, dashboard_link(replace(search, sort=sort, order=turned)), order)
