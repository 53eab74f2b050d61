"""What of a completed onboarding is not any more as its steps left it. Pure.

A deviation has an id that is the same as long as nothing of it changes: so people are told of it once, and what they
have accepted stays accepted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from onboarding.core.stored import Stored

DEVIATION_SHOWN = 200
"""Characters of a text of a deviation that the record keeps."""
DEVIATIONS_KEPT = 9_000
"""Characters of all deviations of an onboarding as JSON, a name of other scripts counted as two: they stand in the
column of the steps. What is more is seen when some of these are dealt with."""
_ID_LENGTH = 32


class Acceptance(Stored):
    """Somebody's word that a deviation is meant so."""

    by: str
    because: str
    at: AwareDatetime


class Deviation(Stored):
    """One value that is not as it was."""

    id: str
    """Of the step, what it is about, and how it was expected and found."""
    what: str
    expected: str
    """As the step left it."""
    found: str
    """As it is."""
    since: AwareDatetime
    """When it was first seen."""
    repair: str = ""
    """Id of the proposal of all that the step would change back; empty: this application can't."""
    accepted: Acceptance | None = None
    sure: bool = True
    """It was seen twice, some time apart: the copies of a directory may differ for a while. Until then it counts for
    nothing."""


def deviation(
    step: str, what: str, expected: str, found: str, since: AwareDatetime, *, repair: str = "", same: str | None = None
) -> Deviation:
    """One that is seen now. `same`: what of it tells whether it is another one; None: how it was found."""
    whole = json.dumps([step, what, expected, found] if same is None else [step, what, same])
    return Deviation(
        id=_digest(whole),
        what=what[:DEVIATION_SHOWN],
        expected=expected[:DEVIATION_SHOWN],
        found=found[:DEVIATION_SHOWN],
        since=since,
        repair=repair,
        sure=False,
    )


def as_known(
    seen: Sequence[Deviation], known: Sequence[Deviation], now: datetime, sure_after: timedelta
) -> tuple[Deviation, ...]:
    """What is seen; what was seen before is as it was told then, since then, and accepted by whoever accepted it. It is
    sure when it was first seen so long ago."""
    before = {one.id: one for one in known}
    return tuple(_as_before(one, before.get(one.id), now - sure_after) for one in seen)


def _as_before(seen: Deviation, known: Deviation | None, until: datetime) -> Deviation:
    if known is None:
        return seen
    return known.model_copy(update={"repair": seen.repair, "sure": known.sure or known.since <= until})


def unaccepted(deviations: Sequence[Deviation]) -> tuple[Deviation, ...]:
    """Those that are sure, and that nobody has accepted."""
    return tuple(one for one in deviations if one.sure and one.accepted is None)


def deviations_id(deviations: Sequence[Deviation]) -> str:
    """Tells exactly these, so that nobody accepts what they have not seen; empty when there are none."""
    return _digest(json.dumps(sorted(one.id for one in deviations))) if deviations else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]
