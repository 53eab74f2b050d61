"""The dashboard: rows of the table, counts, and the links between them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from onboarding.http.counts import Counts
from onboarding.http.listing import Listed
from onboarding.http.search import Order, Search, Sort, WrongParameter
from onboarding.http.urgency import BY_STATE
from onboarding.http.view import SummaryView, WaitView, summary
from onboarding.pages.filters import FilterField, filter_fields
from onboarding.pages.words import ESCALATED, EVERY_STATE, LATE, OVERDUE, STATES, Badge, begun
from onboarding.ports import Row
from onboarding.standing import WHOM, NextKind, WaitsOn

PATH = "/api/dashboard"
ERROR_LENGTH = 140
"""Characters of an error that the table shows; the page of the onboarding has all of it."""
_DUE: Mapping[NextKind, str] = {
    NextKind.REMINDER: "reminder due",
    # The first look is over: the next ones depend on the wait's age alone.
    NextKind.CHECK: "check on schedule",
    NextKind.ATTEMPT: "attempt due",
}
"""What is said once its time has come."""


@dataclass(frozen=True, slots=True)
class WaitLine:
    """One thing that an onboarding waits for."""

    what: str
    whom: str
    """By name, where the request names somebody."""
    since: datetime
    badges: tuple[Badge, ...]
    """That it is overdue, that it was escalated."""
    next: str | None
    """What happens next by itself; None: nothing."""
    next_at: datetime | None
    """When; None: its time has come."""
    code: str | None
    """Of what is wrong with this very step."""
    error: str | None


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
    wait: WaitLine | None
    """The most urgent."""
    more: tuple[WaitLine, ...]
    error: str | None
    """The last one, of an onboarding that waits for nothing or of whose row is not known of which step it is."""
    notice_error: str | None
    expected_at: datetime | None
    late: Badge | None
    """That it is late."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many onboardings there are of something: a link that shows them."""

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
    filtered: bool
    here: str
    cleared: str
    entries: tuple[OverviewRow, ...]
    counts: tuple[Count, ...]
    """By state, and of all: the others add up to the first."""
    waits: tuple[Count, ...]
    """By whom they wait on; one may wait on several."""
    headings: tuple[Heading, ...]
    fields: tuple[FilterField, ...]
    wrong: tuple[str, ...]
    """What can't be asked for, and has no field to say it at."""
    refused: bool
    """Something can't be asked for, so nothing is listed."""
    next: str | None
    """Address of the page after this one."""
    first: str | None
    """Address of the first page, when this is another one."""
    cut: bool


_COLUMNS: tuple[tuple[str, tuple[Sort, ...]], ...] = (
    ("Gateway", (Sort.GATEWAY,)),
    ("State", (Sort.URGENCY, Sort.STATE)),
    ("Progress", ()),
    ("Waits for", ()),
    ("For", (Sort.WAITING,)),
    ("Next", ()),
)
"""Each with the orders that it stands for: its link sorts by the first."""


def overview(
    search: Search,
    found: Listed,
    counts: Counts,
    among: Counts,
    now: datetime,
    wrong: Sequence[WrongParameter] = (),
    misplaced: str | None = None,
) -> Overview:
    """The page. `among`: what there is whatever is searched for, to choose from. `misplaced`: why it can't be the page
    of the list that was asked for."""
    first = replace(search, after=None)
    fields = filter_fields(search, among, wrong)
    said = {field.name for field in fields}
    return Overview(
        search=search,
        filtered=bool(wrong) or any(name not in ("sort", "order", "limit", "next") for name in search.parameters),
        here=dashboard_link(search),
        cleared=dashboard_link(Search(sort=search.sort, order=search.order, usual_sort=search.usual_sort)),
        entries=tuple(_entry(row, now) for row in found.rows),
        counts=tuple(_counts(first, counts)),
        waits=tuple(_waits(first, counts)),
        headings=tuple(_heading(first, label, sorts) for label, sorts in _COLUMNS),
        fields=fields,
        wrong=(*(str(one) for one in wrong if one.name not in said), *((misplaced,) if misplaced else ())),
        refused=bool(wrong) or misplaced is not None,
        next=dashboard_link(replace(search, after=found.next)) if found.next else None,
        first=dashboard_link(first) if search.after else None,
        cut=found.cut,
    )


def dashboard_link(search: Search) -> str:
    """Address of the dashboard with that search."""
    query = urlencode(search.parameters)
    return f"{PATH}?{query}" if query else PATH


def _entry(row: Row, now: datetime) -> OverviewRow:
    shown = summary(row, now)
    lines = [_line(wait, now) for wait in shown.waits or ()] or _known_of_old(shown)
    told = any(line.error for line in lines)
    return OverviewRow(
        shown.id,
        shown.gateway_name,
        shown.environment.value if shown.environment else "",
        tuple(s.label for s in shown.services),
        STATES[shown.state],
        shown.progress.done,
        shown.progress.total,
        lines[0] if lines else None,
        tuple(lines[1:]),
        None if told else _short(shown.last_error),
        _short(shown.notice_error),
        shown.expected_at,
        LATE if shown.late else None,
    )


def _line(wait: WaitView, now: datetime) -> WaitLine:
    badges = ((OVERDUE, wait.overdue), (ESCALATED, wait.escalated))
    coming = wait.next_at if wait.next_at and wait.next_at > now else None
    said = wait.next.value if wait.next and coming else wait.next and _DUE[wait.next]
    return WaitLine(
        wait.what,
        wait.waiting_on_name or wait.waiting_on,
        wait.since,
        tuple(badge for badge, so in badges if so),
        said,
        coming,
        wait.problem.code if wait.problem else None,
        _short(wait.problem.seen) if wait.problem else None,
    )


def _known_of_old(shown: SummaryView) -> list[WaitLine]:
    """What the row of an older version says of what it waits for: one thing, and no step of its error."""
    if not shown.waiting_for or not shown.waiting_since:
        return []
    whom = shown.waiting_on_name or shown.waiting_on or ""
    return [WaitLine(shown.waiting_for, whom, shown.waiting_since, (), None, None, None, None)]


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= ERROR_LENGTH else text[: ERROR_LENGTH - 1] + "…"


def _counts(search: Search, counts: Counts) -> Iterator[Count]:
    link = dashboard_link(replace(search, states=()))
    yield Count(EVERY_STATE, sum(counts.states.values()), link, not search.states)
    for state in BY_STATE:
        chosen = search.states == (state,)
        link = dashboard_link(replace(search, states=() if chosen else (state,)))
        yield Count(STATES[state], counts.states[state], link, chosen)


def _waits(search: Search, counts: Counts) -> Iterator[Count]:
    for party in WaitsOn:
        chosen = search.waits_on is party
        if counts.waits_on[party] or chosen:
            link = dashboard_link(replace(search, waits_on=None if chosen else party))
            yield Count(Badge(begun(WHOM[party]), "people"), counts.waits_on[party], link, chosen)


def _heading(search: Search, label: str, sorts: tuple[Sort, ...]) -> Heading:
    if not sorts:
        return Heading(label)
    mine = search.sort in sorts
    turned = Order.DESCENDING if mine and not search.descending else Order.ASCENDING
    order = ("descending" if search.descending else "ascending") if mine else None
    return Heading(label, dashboard_link(replace(search, sort=sorts[0], order=turned)), order)
