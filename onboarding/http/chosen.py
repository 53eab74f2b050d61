"""Which onboardings a call about many means: by their ids, by what the list can filter, by the code of a problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from onboarding.columns import flat, named
from onboarding.core.expected import no_such_field
from onboarding.core.many import MOST_AT_ONCE, concerns
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import OnboardingState, Record
from onboarding.http.listing import MAX_READ, listed
from onboarding.http.problems import ProblemError
from onboarding.http.search import CLOSED_STATES, PARAMETERS, Order, Search, Sort, read_search
from onboarding.ports import Row
from onboarding.records import Records
from onboarding.rows import OPEN

FILTERS = tuple(name for name in PARAMETERS if name not in ("sort", "order", "limit", "next"))
"""What of the list's parameters says which onboardings are meant."""
OPEN_STATES = tuple(state for state in OnboardingState if state not in CLOSED_STATES)
_LEAST_PAGE = 50
"""Rows: with less room than this, what follows is left to the next call."""
(_CODE,) = named("LastErrorCode")


@dataclass(frozen=True, slots=True)
class Selection:
    """What fits, as it stands in the table: whether it still does, the onboarding itself says."""

    ids: tuple[str, ...]
    next: str | None
    """Where the next call goes on; None: that was all."""


def read_filter(given: Mapping[str, Any]) -> Search:
    """The filter of a body: named and valued as the list's parameters. Raises ProblemError 400."""
    for name, value in given.items():
        if name not in FILTERS:
            raise ProblemError(400, "The request is invalid", f"filter.{name[:50]}: {no_such_field(name, FILTERS)}.")
        if not isinstance(value, str):
            raise ProblemError(400, "The request is invalid", f"filter.{name}: must be a text, as in the list's query.")
    return read_search(given)


def open_only(search: Search, after: str | None = None) -> Search:
    """The open ones of those, in the order in which calls go through them."""
    states = tuple(state for state in OPEN_STATES if not search.states or state in search.states)
    return replace(search, states=states, sort=Sort.GATEWAY, order=Order.ASCENDING, after=after)


async def select(records: Records, search: Search, code: ProblemCode | None, now: datetime) -> Selection:
    """The first MOST_AT_ONCE, or somewhat fewer, that fit, from where `search` says on. With a code: all that have any
    problem, as a row tells only one of several.

    Raises ProblemError 400 when `search.after` is of another search.
    """
    found: list[str] = []
    after, read = search.after, 0
    while search.states:
        page = await listed(records, replace(search, limit=MOST_AT_ONCE - len(found), after=after), now)
        found += [row.key for row in page.rows if code is None or row.columns.get(_CODE)]
        after, read = page.next, read + max(len(page.rows), 1)
        if after is None or len(found) > MOST_AT_ONCE - _LEAST_PAGE or read >= MAX_READ:
            break
    return Selection(tuple(found), after)


def still_chosen(
    search: Search | None, code: ProblemCode | None, now: Callable[[], datetime]
) -> Callable[[Record], bool]:
    """Whether an onboarding fits, as it is."""

    def holds(record: Record) -> bool:
        if not concerns(record, code):
            return False
        if search is None:
            return True
        columns = flat(record)
        equal = all(columns.get(column) in values for column, values in search.equals.items())
        return equal and search.holds(Row(OPEN, record.id, columns), now())

    return holds
