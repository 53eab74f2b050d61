"""What must hold of every change of a record, checked as it is committed."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from onboarding import records
from onboarding.core.notices import NoticeKind
from onboarding.core.plan import StepKind
from onboarding.core.record import Event, Record, StepRecord, StepState
from onboarding.ports import Row
from onboarding.rows import COMMIT, OPEN
from onboarding.standing import waiting_for
from tests.simulation.journal import SUBJECT, Subject

if TYPE_CHECKING:
    from tests.simulation.world import World

BEGUN = (StepState.DUE, StepState.RUNNING, StepState.WAITING)
OF_OPEN_CHECKPOINTS = (NoticeKind.CHECKPOINT_OPENED, NoticeKind.REMINDER, NoticeKind.ESCALATION)
OUTCOMES = ("step-postponed", "step-stopped", "notice-failed")
KEPT = 8
"""Rows of an onboarding whose record is kept; an older one is parsed."""
SKEW = timedelta(seconds=2)


@contextmanager
def remembered() -> Iterator[dict[str, Record]]:
    """Commit → the record that it wrote. Such a row is not parsed when it is read: most of all time would go there.

    That a row reads back as the record that was written is checked at the end, without this. Only the latest are
    kept: each object that is alive is one more for Python's garbage collector to look at, again and again.
    """
    write, read = records.to_row, records.from_row
    known: dict[str, Record] = {}
    of_each: defaultdict[str, deque[str]] = defaultdict(deque)

    def to_row(
        record: Record, partition: str, etag: str = "", commit: str = "", due_row: datetime | None = None
    ) -> Row:
        row = write(record, partition, etag, commit, due_row)
        if _name(row) not in known:
            known[_name(row)] = record
            of_each[record.id].append(_name(row))
            if len(of_each[record.id]) > KEPT:
                del known[of_each[record.id].popleft()]
        return row

    def from_row(row: Row) -> Record:
        return known.get(_name(row)) or read(row)

    records.to_row, records.from_row = to_row, from_row
    try:
        yield known
    finally:
        records.to_row, records.from_row = write, read


def _name(row: Row) -> str:
    """Its commit; a copy in `closed` has none, but there is only one committed record of its version."""
    return str(row.columns[COMMIT] or f"{row.key} {row.columns['Version']}")


class History:
    """Every committed version of every record."""

    def __init__(self, world: World, written: Mapping[str, Record]) -> None:
        self.world = world
        self.commits = 0
        self._written = written
        self._taken: set[tuple[str, str, int]] = set()

    def written(self, operation: str, row: Row) -> None:
        """The table of onboardings was written. Only a write in `open` commits anything."""
        if row.partition != OPEN or operation == "delete":
            return
        after = self._written[row.columns[COMMIT]]
        before = self.world.records.get(row.key)
        self.commits += 1
        self._version(row, before, after)
        self.world.records[row.key] = after
        if before is None or before.request is not after.request:
            self.world.invariants.named(after.id, after.request)
        event, subject = after.tail[-1], SUBJECT.get()
        did = f"{event.what} {event.step} {after.id}"
        again = did in subject.commits
        subject.commits.append(did)
        if self.world.journal.keep:
            what = f"v{after.version} {event.what} {event.step or ''} {event.detail[:100]}"
            self.world.journal.note(f"{self.world.stamp()} [{subject}] {what}")
        self._claim(event, after, subject)
        if event.what in OUTCOMES:
            self.world.invariants.outcome_committed(subject)
        self._stands(after)
        if event.what == "step-started":
            goes_on = before is not None and before.pause is None and before.cancelled_because is None
            self._hold("nothing begins while it is not to", goes_on, f"[{subject}] took it up")
        if before is not None and before.run == after.run:
            self._steps(before, after, event, subject, again=again)

    def _hold(self, name: str, holds: bool, what: str) -> None:
        self.world.invariants.hold(name, holds, what)

    def _version(self, row: Row, before: Record | None, after: Record) -> None:
        expected = before.version + 1 if before else 1
        seen = row.columns["Version"]
        if not seen == after.version == after.tail[-1].version == expected:
            what = f"{row.key}: version {seen}, event {after.tail[-1].version}, expected {expected}"
            self._hold("versions strictly rise", False, what)

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
        waiting = waiting_for(record)
        owner = record.pause.by if record.pause else waiting and waiting.on
        if not owner:
            self._silent(record, "it waits on nobody")
        if record.next_due_at is None:
            self._silent(record, "nothing is due at any time")
        not_ended = {step.name for step in record.steps if not step.ended}
        for step in record.steps if record.active else ():
            if step.state is StepState.PENDING:
                if not_ended.isdisjoint(step.plan.needs):
                    self._silent(record, f"{step.name} is pending, though all that it needs has ended")
            elif not step.ended and step.next_attempt_at is None:
                self._silent(record, f"{step.name} is {step.state} without a next time")

    def _silent(self, record: Record, what: str) -> None:
        self._hold("no silent stop", False, f"{record.id} v{record.version} is {record.state}, and {what}")

    def _steps(self, before: Record, after: Record, event: Event, subject: Subject, *, again: bool) -> None:
        for old, new in zip(before.steps, after.steps, strict=True):
            if new is old:
                continue
            if old.state not in BEGUN and new.state in BEGUN:
                missing = [n for n in new.plan.needs if not after.step(n).ended]
                self._hold("no step before its needs", not missing, f"{new.name} began, but {missing} have not ended")
            opened = new.ticket != old.ticket and new.state is StepState.WAITING
            if opened and new.plan.kind is StepKind.CHECKPOINT:
                self._told(after, new)
            # One whose answer was lost is decided again: that is not a second look.
            if event.what == "looked" and new.name == event.step and not again:
                self._looked(old, new, subject)

    def _told(self, after: Record, step: StepRecord) -> None:
        """Whoever opens a checkpoint owes people a notice of it; in a pause it is opened once more when that ends."""
        owed = (after.pause is not None and step.next_attempt_at is None) or any(
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
