"""Which onboardings have which numbers: a thin row a number and onboarding, written before the record that needs it.

The same test numbers in two requests are the likeliest copy-and-paste error, and Microsoft tells of it weeks later. A
row too many does no harm: whoever finds one compares it with the record. One too few is written by the hourly round.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from onboarding.core.bounds import shorten
from onboarding.core.phone_numbers import canonical
from onboarding.core.record import OnboardingState, Record
from onboarding.core.request import OnboardingRequest
from onboarding.ports import Query, Row, Table

NUMBERS = "numbers"
"""Partition, of table `waits`."""
_LOOKED_UP_AT_ONCE = 8
_LAST = "~"
_NAMED = 3
"""Onboardings that one number is looked up for: who has more is told of those."""


@dataclass(frozen=True, slots=True)
class SharedNumbers:
    """Numbers that another onboarding has too."""

    onboarding_id: str
    called: str
    """What people call its gateway."""
    state: OnboardingState
    numbers: tuple[str, ...]
    """As this request writes them."""

    @property
    def words(self) -> str:
        """A sentence, without what to do."""
        one = len(self.numbers) == 1
        listed = ", ".join(self.numbers)
        return shorten(
            f"{'The number' if one else 'The numbers'} {listed} {'stands' if one else 'stand'} in the onboarding"
            f" {self.onboarding_id} of '{self.called}' too, which is {self.state}."
        )


def numbers_of(request: OnboardingRequest) -> dict[str, str]:
    """Of verification lines and of integration testing: digits → as it is written."""
    settings = [found for found in map(request.settings_of, request.selected) if found is not None]
    lines = [line.phone_number for line in request.test_lines]
    tested = [number for found in settings for number in found.integration_test_numbers]
    return {canonical(number).removeprefix("+"): number for number in (*lines, *tested)}


def number_rows(old: Record | None, new: Record) -> list[Row]:
    """What a record's numbers need, before it is committed: of those that its last version has not."""
    before = numbers_of(old.request) if old else {}
    return [Row(NUMBERS, f"{number}|{new.id}", {}) for number in numbers_of(new.request) if number not in before]


async def others_with(table: Table, request: OnboardingRequest) -> Mapping[str, tuple[str, ...]]:
    """Ids of other onboardings that may have numbers of a request, each with these as they are written."""
    turns = asyncio.Semaphore(_LOOKED_UP_AT_ONCE)
    found: dict[str, list[str]] = defaultdict(list)

    async def look_up(number: str, written: str) -> None:
        async with turns:
            page = await table.page(Query(NUMBERS, keys=(f"{number}|", f"{number}|{_LAST}")), _NAMED + 1)
        for row in page.rows:
            found[row.key.partition("|")[2]].append(written)

    await asyncio.gather(*(look_up(*number) for number in numbers_of(request).items()))
    return {other: tuple(sorted(n)) for other, n in sorted(found.items()) if other != request.gateway.onboarding_id}


def shared_with(record: Record, written: tuple[str, ...]) -> SharedNumbers | None:
    """What that onboarding really shares; None: nothing, or it was cancelled, and uses none."""
    known = numbers_of(record.request)
    still = tuple(number for number in written if canonical(number).removeprefix("+") in known)
    if not still or record.state is OnboardingState.CANCELLED:
        return None
    return SharedNumbers(record.id, record.request.gateway.name, record.state, still)
