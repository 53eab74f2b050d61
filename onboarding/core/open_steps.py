"""The steps of an onboarding that are going on, as one short column: what is measured of it needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from onboarding.core.record import Record, StepState

GOING_ON = (StepState.DUE, StepState.RUNNING, StepState.WAITING, StepState.NEEDS_ATTENTION)


class OpenStep(NamedTuple):
    """One of them."""

    name: str
    state: StepState
    since: datetime


def written_open_steps(record: Record) -> str:
    """`name:state:seconds since 1970`, with spaces between; nothing of a closed onboarding is going on."""
    steps = () if record.closed else record.steps
    return " ".join(f"{s.name}:{s.state}:{s.since.timestamp():.0f}" for s in steps if s.state in GOING_ON)


def read_open_steps(column: str | None) -> Iterator[OpenStep]:
    """The steps of a column. One that another version of the application wrote otherwise is passed over."""
    for part in (column or "").split():
        try:
            name, state, since = part.split(":")
            yield OpenStep(name, StepState(state), datetime.fromtimestamp(int(since), UTC))
        except ValueError:
            continue
