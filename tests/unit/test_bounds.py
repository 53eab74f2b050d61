"""A record always fits into its row, whatever people and Microsoft say: one that did not could never change again."""

from __future__ import annotations

import pytest

from onboarding.core.bounds import TEXTS_LENGTH
from onboarding.core.decide import decide
from onboarding.core.events import Confirmed, Looked, Postponed, ReopenRequested, SkipRequested, Started, Stopped
from onboarding.core.plan import StepKind
from onboarding.core.record import DETAIL_LENGTH, Event, Problem, Record, StepState
from onboarding.rows import OPEN, to_row
from onboarding.upgrade import rebuild_record as rebuild
from tests.support.records import NOW, after, new
from tests.support.steps import STEPS

LAST = "verify-domain"


def fits(record: Record) -> bool:
    """Whether the row can be written, its audit trail being elsewhere. Raises RowTooLargeError."""
    return bool(to_row(record.model_copy(update={"tail": ()}), OPEN))


def skipped_but_the_last(reason: str) -> tuple[Record, list[Event]]:
    """Every step but the last was skipped for that reason; with the events so far."""
    record = new().record
    for step in STEPS:
        if step.name != LAST:
            record = decide(record, SkipRequested(step.name, "ada", reason, insist=True), NOW).record
            assert fits(record)
    return record, list(record.tail)


@pytest.mark.parametrize("mark", ['"', "\n", "é", "電", "😀"])
def test_a_step_that_stops_after_many_long_reasons_can_still_say_why(mark: str) -> None:
    text = mark * DETAIL_LENGTH
    record, events = skipped_but_the_last(text)
    record = decide(record, Started(LAST, record.step(LAST).ticket), NOW).record
    why = Problem(code="refused", seen=text, what_next=text)
    record = decide(record, Stopped(LAST, record.step(LAST).ticket, why), NOW).record
    assert fits(record)
    assert record.step(LAST).problem == why, "what a person must read now is whole"
    assert {len(e.detail) for e in events if e.what == "skipped"} == {DETAIL_LENGTH}, "whole in the audit trail"
    assert rebuild(list(record.tail)) == record.model_copy(update={"tail": ()})


def test_the_reasons_of_steps_that_have_ended_are_cut_first_and_no_more_than_needed() -> None:
    record, _ = skipped_but_the_last("x" * DETAIL_LENGTH)
    because = [s.skipped_because or "" for s in record.steps if s.state is StepState.SKIPPED]
    assert all(len(b) == DETAIL_LENGTH for b in because), "13,000 characters fit"
    record, _ = skipped_but_the_last('"' * DETAIL_LENGTH)
    because = [s.skipped_because or "" for s in record.steps if s.state is StepState.SKIPPED]
    assert all(len(b) >= DETAIL_LENGTH // 2 for b in because)
    assert sum(b.endswith("…") for b in because) >= 9


# Earlier versions took control characters from forms, which JSON writes as six.
@pytest.mark.parametrize("mark", ["😀", "\x01"])
def test_steps_that_go_on_are_cut_when_nothing_else_helps(mark: str) -> None:
    """All that can go on at a time, each with as much to say as there can be."""
    text = mark * DETAIL_LENGTH
    record = after("txt-record-visible", after("portal-access"))
    trouble = Problem(code="refused", seen=text, what_next=text)
    for step in record.steps:
        if step.state is StepState.DUE:
            record = decide(record, Started(step.name, step.ticket), NOW).record
            record = decide(record, Postponed(step.name, record.step(step.name).ticket, trouble), NOW).record
        elif step.state is StepState.WAITING and step.plan.kind is StepKind.WAIT:
            record = decide(record, Looked(step.name, False, text, problem=trouble), NOW).record
        elif step.state is StepState.WAITING:
            record = decide(record, Confirmed(step.name, "ada", text), NOW).record
        assert fits(record)
    for step in record.steps:
        if step.state is StepState.DONE and step.ended_by == "ada":
            record = decide(record, ReopenRequested(step.name, "ada", text), NOW).record
    swollen = tuple(s.model_copy(update={"detail": text, "note": text, "problem": trouble}) for s in record.steps)
    record = record.model_copy(update={"steps": swollen})
    record = decide(record, SkipRequested(LAST, "ada", text, insist=True), NOW).record
    assert fits(record)
    assert sum(len(s.detail) + len(s.note or "") for s in record.steps) * 2 <= TEXTS_LENGTH
