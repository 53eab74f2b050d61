"""What must hold of every change of a record, checked as it is committed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from onboarding import records
from onboarding.core.notices import NoticeKind
from onboarding.core.record import Event, Record, StepRecord, StepState
from onboarding.core.steps import Kind
from onboarding.ports import Row
from onboarding.records import Loaded, Records
from onboarding.rows import OPEN, waiting_for
from tests.simulation.journal import SUBJECT, Subject

if TYPE_CHECKING:
    from tests.simulation.world import World

CANDIDATE: ContextVar[Record | None] = ContextVar("CANDIDATE", default=None)
"""The record that is being written: the row's own JSON need not be read to look at it."""

BEGUN = (StepState.DUE, StepState.RUNNING, StepState.WAITING)
OF_OPEN_CHECKPOINTS = (NoticeKind.CHECKPOINT_OPENED, NoticeKind.REMINDER, NoticeKind.ESCALATION)
OUTCOMES = ("step-postponed", "step-stopped", "notice-failed")
SKEW = timedelta(seconds=2)


class WatchedRecords(Records):
    """The application's own records; what is being written is remembered until the table has it."""

    async def create(self, record: Record) -> None:
        CANDIDATE.set(record)
        await super().create(record)

    async def save(self, loaded: Loaded, record: Record) -> Any:
        CANDIDATE.set(record)
        return await super().save(loaded, record)


@contextmanager
def remembered() -> Iterator[None]:
    """A row that was read once is not parsed again: a third of all the time would go there.

    That a row reads back as the record that was written is checked at the end, without this.
    """
    read = records.from_row
    known = dict[str, Record]()

    def cached(row: Row) -> Record:
        record = known.get(row.etag)
        if record is None or record.id != row.key:
            record = known[row.etag] = read(row)
        return record

    records.from_row = cached
    try:
        yield
    finally:
        records.from_row = read


class History:
    """Every committed version of every record."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.commits = 0
        self._taken: set[tuple[str, str, int]] = set()

    def written(self, operation: str, row: Row) -> None:
        """The table of onboardings was written. Only a write in `open` commits anything."""
        if row.partition != OPEN or operation == "delete":
            return
        after = CANDIDATE.get()
        assert after is not None
        before = self.world.records.get(row.key)
        self.commits += 1
        self._version(row, before, after)
        self.world.records[row.key] = after
        self.world.due_changed(row)
        event, subject = after.tail[-1], SUBJECT.get()
        did = f"{event.what} {event.step} {after.id}"
        again = did in subject.commits
        subject.commits.append(did)
        self.world.journal.note(
            f"{self.world.stamp()} [{subject}] v{after.version} {event.what} {event.step or ''} {event.detail[:100]}"
        )
        self._claim(event, after, subject)
        if event.what in OUTCOMES:
            self.world.invariants.outcome_committed(subject)
        self._stands(after)
        if event.what == "step-started":
            self._hold("nothing begins while it is not to", before is not None and before.active, f"[{subject}] {event}")
        if before is not None and before.run == after.run:
            self._steps(before, after, event, subject, again=again)

    def _hold(self, name: str, holds: bool, what: str) -> None:
        self.world.invariants.hold(name, holds, what)

    def _version(self, row: Row, before: Record | None, after: Record) -> None:
        expected = before.version + 1 if before else 1
        seen = row.columns["Version"]
        what = f"{row.key}: version {seen}, event {after.tail[-1].version}, expected {expected}"
        self._hold("versions strictly rise", seen == after.version == after.tail[-1].version == expected, what)

    def _claim(self, event: Event, after: Record, subject: Subject) -> None:
        """Each ticket is taken up once at most, and by whoever holds the message with it."""
        if event.what not in ("step-started", "notice-started"):
            return
        ticket = (after.id, subject.name, subject.ticket)
        self._hold(
            "a duplicated message changes nothing",
            ticket not in self._taken,
            f"[{subject}] took it up at version {after.version}, which somebody had done",
        )
        self._taken.add(ticket)
        subject.claimed = True
        if event.what == "notice-started":
            notice = next((n for n in after.notices if n.id == subject.name), None)
            if notice and notice.step and notice.kind in OF_OPEN_CHECKPOINTS:
                state = after.step(notice.step).state
                told = f"[{subject}] begun, but {notice.step} is {state}"
                self._hold("no notice of a closed checkpoint", state is StepState.WAITING, told)

    def _stands(self, record: Record) -> None:
        """Open: in a named state with an owner, and something is due at a time. Nothing settled is open."""
        if record.closed:
            return
        owner = record.pause.by if record.pause else waiting_for(record)[1]
        who = f"{record.id} v{record.version} is {record.state}"
        self._hold("no silent stop", owner is not None, f"{who}, and waits on nobody")
        self._hold("no silent stop", record.next_due_at is not None, f"{who}, and nothing is due at any time")
        for step in record.steps if record.active else ():
            self._step_stands(record, step, who)

    def _step_stands(self, record: Record, step: StepRecord, who: str) -> None:
        if step.state is StepState.PENDING:
            waits = any(not record.step(n).ended for n in step.definition.needs)
            self._hold("no silent stop", waits, f"{who}, and {step.name} is pending, though all that it needs has ended")
        elif not step.ended:
            has_time = step.next_attempt_at is not None
            self._hold("no silent stop", has_time, f"{who}, and {step.name} is {step.state} without a next time")

    def _steps(self, before: Record, after: Record, event: Event, subject: Subject, *, again: bool) -> None:
        for old, new in zip(before.steps, after.steps, strict=True):
            if new is old:
                continue
            if old.state not in BEGUN and new.state in BEGUN:
                missing = [n for n in new.definition.needs if not after.step(n).ended]
                self._hold("no step before its needs", not missing, f"{new.name} began, but {missing} have not ended")
            opened = new.ticket != old.ticket and new.state is StepState.WAITING
            if opened and new.definition.kind is Kind.CHECKPOINT:
                self._told(after, new)
            # One whose answer was lost is decided again: that is not a second look.
            if event.what == "looked" and new.name == event.step and not again:
                self._looked(old, new, subject)

    def _told(self, after: Record, step: StepRecord) -> None:
        """Whoever opens a checkpoint owes people a notice of it."""
        owed = any(
            n.step == step.name and n.kind == NoticeKind.CHECKPOINT_OPENED and n.ticket == after.version
            for n in after.notices
        )
        self._hold("a notice for each checkpoint", owed, f"{step.name} of {after.id} opened, and nobody is told")

    def _looked(self, old: StepRecord, new: StepRecord, subject: Subject) -> None:
        """A wait is not looked at before its time, nor again before a Retry-After that the look met."""
        now = self.world.now()
        early = old.next_attempt_at is not None and old.next_attempt_at > now + SKEW
        self._hold("no call before Retry-After", not early, f"{new.name} looked at before {old.next_attempt_at}")
        until = subject.told.get("arm")
        if until is None or new.problem is None or new.problem.code != "throttled" or new.next_attempt_at is None:
            return
        told = f"{new.name} is looked at again at {new.next_attempt_at}, was told not before {until}"
        self._hold("no call before Retry-After", new.next_attempt_at >= until - SKEW, told)
