"""Where plans are kept: table `plans`, a row each, for 30 days. They can be made anew at any time: no backup has them.

A row's key begins with when the plan was asked for, so what is old is found by its key. Beside it stands a row for the
checksum of its changes, by which an onboarding that is posted with it finds the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from pydantic import AwareDatetime, ValidationError

from onboarding.core.change_plan import ChangePlan, PlanDifference
from onboarding.core.record import AskedFor
from onboarding.core.stored import DetailText, Stored
from onboarding.hourly import HourlyLimit
from onboarding.kinds import STORED
from onboarding.ports import Query, Row, Table

PLANS_TABLE = "plans"
KEPT_FOR = timedelta(days=30)
LOST_AFTER = timedelta(minutes=15)
"""A plan takes seconds. One that is not made by then has lost its message, or its function fails time and again."""
_PLANS, _CHECKSUMS = "plans", "checksums"
_PART = 15_000
"""Characters of a column: 32 Ki UTF-16 units fit, and a character has two at most."""
_DROPPED_AT_ONCE = 100


_LOST = (
    f"It was not made within {LOST_AFTER.seconds // 60} minutes: its message was lost, or waits for the steps' app."
    " Look whether that runs (docs/runbook.md), and ask for a plan again."
)


class PlanState(StrEnum):
    """How far a plan is."""

    COMING = "coming"
    READY = "ready"
    FAILED = "failed"
    """It was given up."""


class Start(Stored):
    """The onboarding is to start, if its changes are still these."""

    checksum: str
    again: bool = False
    """A closed one is started anew."""
    onboarding_id: str | None = None
    """It did."""
    refused: DetailText = ""
    """Why it did not."""
    differences: tuple[PlanDifference, ...] = ()
    """What is not as it was planned."""


class KeptPlan(Stored):
    """A plan that was asked for."""

    id: str
    state: PlanState = PlanState.COMING
    request: AskedFor
    asked_by: str
    asked_at: AwareDatetime
    made_at: AwareDatetime | None = None
    plan: ChangePlan | None = None
    """None: it is not made yet."""
    failed: DetailText = ""
    """Why it was given up."""
    start: Start | None = None
    """None: it is for reading alone."""
    usual: Mapping[str, float] = {}
    """How long steps usually take, as was known where it was asked for: definition → seconds."""

    def as_of(self, now: datetime) -> KeptPlan:
        """The same; one that should have come long ago counts as given up. It may come all the same."""
        if self.state is not PlanState.COMING or now < self.asked_at + LOST_AFTER:
            return self
        return self.model_copy(update={"state": PlanState.FAILED, "failed": _LOST})

    @property
    def expires_at(self) -> datetime:
        """Until when it is kept."""
        return self.asked_at + KEPT_FOR


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of this application."""

    table: Table
    per_caller: HourlyLimit | None = None
    """Of plans that one caller may ask for: each reads what an onboarding would."""

    @staticmethod
    def new_id(now: datetime) -> str:
        """Such as `20261127-101500-1f0e9d8c7b6a`."""
        return f"{now:%Y%m%d-%H%M%S}-{uuid4().hex[:12]}"

    async def load(self, plan_id: str) -> KeptPlan | None:
        """The plan of that id; None when there is none (any more)."""
        row = await self.table.get(_PLANS, plan_id)
        return _read(row) if row else None

    async def keep(self, plan: KeptPlan) -> None:
        """Write it, whatever stands there: whoever makes a plan twice makes it as good."""
        text = plan.model_dump_json(by_alias=True)
        parts = [text[at : at + _PART] for at in range(0, len(text), _PART)]
        columns = {"Parts": len(parts), **{f"Part{n}": part for n, part in enumerate(parts)}}
        await self.table.upsert([Row(_PLANS, plan.id, columns)])
        if plan.plan is not None:
            await self.table.upsert([Row(_CHECKSUMS, plan.plan.checksum, {"Plan": plan.id})])

    async def drop(self, plan_id: str) -> None:
        """It was never asked for."""
        await self.table.delete(_PLANS, plan_id)

    async def with_checksum(self, checksum: str) -> KeptPlan | None:
        """The latest plan with just these changes; None when none is kept."""
        row = await self.table.get(_CHECKSUMS, checksum)
        return await self.load(str(row.columns["Plan"])) if row else None

    async def drop_old(self, now: datetime) -> int:
        """Delete some of those that were kept for long enough; how many."""
        until = f"{now - KEPT_FOR:%Y%m%d-%H%M%S}"
        old = await self.table.page(Query(_PLANS, keys=("0", until)), _DROPPED_AT_ONCE)
        for row in old.rows:
            plan = _read(row)
            if plan is not None and plan.plan is not None:
                await self._forget(plan.plan.checksum, plan.id)
            await self.table.delete(_PLANS, row.key)
        return len(old.rows)

    async def _forget(self, checksum: str, plan_id: str) -> None:
        """Unless another plan has the same one."""
        row = await self.table.get(_CHECKSUMS, checksum)
        if row and row.columns["Plan"] == plan_id:
            await self.table.delete(_CHECKSUMS, checksum)


def _read(row: Row) -> KeptPlan | None:
    """None for one that this version can't read: a plan is asked for anew."""
    try:
        text = "".join(row.columns[f"Part{n}"] for n in range(row.columns["Parts"]))
        return KeptPlan.model_validate_json(text, context=STORED)
    except (KeyError, TypeError, ValidationError):
        return None
