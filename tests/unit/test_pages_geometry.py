"""The picture of the steps, and the timeline: nothing overlaps, nothing is missing, lengths are to scale."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import combinations

import pytest

from onboarding.core.decide import create, decide
from onboarding.core.events import (
    CancelRequested,
    Confirmed,
    Looked,
    PauseRequested,
    Postponed,
    ResumeRequested,
    Started,
    Stopped,
    Succeeded,
)
from onboarding.core.record import Problem, Record, StepState
from onboarding.pages.graph import GAP_X, HEIGHT, WIDTH, graph
from onboarding.pages.timeline import LEAST_SHARE, Phase, Timeline, timeline
from tests.support import records, requests
from tests.support.records import NOW
from tests.support.steps import STEPS

HOUR = timedelta(hours=1)
PROBLEM = Problem(code="denied", seen="Not allowed.")


# -- the picture ----------------------------------------------------------------------------------------------


def test_every_step_has_a_box_inside_the_picture_and_every_need_a_line() -> None:
    drawn = graph(records.new().record, NOW)
    assert [b.name for b in drawn.boxes] == [s.name for s in STEPS]
    assert {(line.start, line.end) for line in drawn.lines} == {(n, s.name) for s in STEPS for n in s.needs}
    for box in drawn.boxes:
        assert 0 <= box.x <= drawn.width - WIDTH
        assert 0 <= box.y <= drawn.height - HEIGHT


def test_boxes_do_not_overlap_and_stand_right_of_what_they_need() -> None:
    boxes = {b.name: b for b in graph(records.new().record, NOW).boxes}
    for one, other in combinations(boxes.values(), 2):
        assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT, f"{one.name} covers {other.name}"
    for step in STEPS:
        assert all(boxes[n].x + WIDTH + GAP_X <= boxes[step.name].x for n in step.needs)


def test_no_line_runs_through_a_box() -> None:
    drawn = graph(records.new().record, NOW)
    for line in drawn.lines:
        # Between layers a line bends; along a layer it runs straight, from where a bend ends to its H.
        for left, y, right in re.findall(r"([\d.]+) ([\d.]+)H([\d.]+)", line.path):
            for box in drawn.boxes:
                beside = float(right) <= box.x or float(left) >= box.x + WIDTH
                assert beside or not box.y <= float(y) <= box.y + HEIGHT, (
                    f"{line.start} → {line.end} through {box.name}"
                )


def test_a_box_says_its_state_in_words_and_how_long_it_waits() -> None:
    record = records.after("provisioning-complete")
    boxes = {b.name: b for b in graph(record, NOW + timedelta(days=9)).boxes}
    assert boxes["enable-services"].told == "Done"
    assert boxes["provisioning-complete"].told == "Waiting 9 d"
    assert boxes["verify-domain"].told == "Not begun"


def test_titles_are_broken_to_fit() -> None:
    for box in graph(records.new().record, NOW).boxes:
        assert 1 <= len(box.lines) <= 4
        assert "".join("".join(box.lines).split()).rstrip("…") in "".join(box.title.split())


def test_skipped_steps_are_told_apart() -> None:
    record = create(requests.parsed(requests.operator_connect(alreadyOnboarded=True)), "ada", NOW).record
    boxes = {b.name: b for b in graph(record, NOW).boxes}
    assert (boxes["add-project-synergy"].told, boxes["add-project-synergy"].badge.tone) == ("Skipped", "off")


def test_what_a_cancelled_onboarding_never_did_is_not_shown_as_going_on() -> None:
    record = decide(records.new().record, CancelRequested("ada", "wrong gateway"), NOW).record
    assert all(b.told == "Not done" for b in graph(record, NOW + HOUR).boxes)


# -- the timeline ---------------------------------------------------------------------------------------------


def drawn(record: Record, hours: float) -> Timeline:
    """At that many hours after the request."""
    return timeline(record, record.tail, NOW + hours * HOUR)


def provisioned(hours: float) -> Record:
    record = records.after("provisioning-complete")
    return decide(record, Looked("provisioning-complete", True, "complete"), NOW + hours * HOUR).record


def test_bars_are_to_scale_and_the_longest_is_marked() -> None:
    bars = {b.name: b for b in drawn(provisioned(75), 100).bars}
    wait = bars["provisioning-complete"].stretches[0]
    assert (wait.left, wait.width, wait.phase) == (0.0, 75.0, Phase.WAITING)
    assert bars["provisioning-complete"].longest
    assert bars["provisioning-complete"].told == "3 days 3 hours"
    assert sum(b.longest for b in bars.values()) == 1
    # What became due then has been so for the last quarter.
    assert (bars["add-domain"].stretches[0].left, bars["add-domain"].stretches[0].width) == (75.0, 25.0)


def test_what_took_a_moment_can_still_be_seen() -> None:
    bar = next(b for b in drawn(provisioned(75), 100).bars if b.name == "enable-services")
    assert bar.stretches[0].width == LEAST_SHARE
    assert bar.told == "under 1 second"


def test_steps_that_have_not_begun_have_no_bar() -> None:
    assert "verify-domain" not in {b.name for b in drawn(provisioned(75), 100).bars}


def test_attempts_are_one_stretch_and_attention_another() -> None:
    record = records.new().record
    ticket = record.step("enable-services").ticket
    record = decide(record, Started("enable-services", ticket), NOW).record
    record = decide(record, Postponed("enable-services", ticket, PROBLEM), NOW + HOUR).record
    ticket = record.step("enable-services").ticket
    record = decide(record, Started("enable-services", ticket), NOW + 2 * HOUR).record
    record = decide(record, Stopped("enable-services", ticket, PROBLEM), NOW + 3 * HOUR).record
    bar = drawn(record, 4).bars[0]
    assert [(s.phase, s.left, s.width) for s in bar.stretches] == [
        (Phase.WORKING, 0.0, 75.0),
        (Phase.ATTENTION, 75.0, 25.0),
    ]


def test_a_closed_onboarding_ends_its_timeline_when_it_closed() -> None:
    record = decide(records.new().record, CancelRequested("ada", "wrong gateway"), NOW + 5 * HOUR).record
    shown = drawn(record, 500)
    assert shown.end == NOW + 5 * HOUR
    assert shown.bars[0].stretches[0].width == 100.0


def test_a_second_run_begins_anew() -> None:
    first = decide(records.new().record, CancelRequested("ada", "wrong gateway"), NOW + 50 * HOUR).record
    record = create(first.request, "ada", NOW + 100 * HOUR, previous=first).record
    shown = drawn(record, 101)
    assert shown.start == NOW + 100 * HOUR
    assert [b.name for b in shown.bars] == ["enable-services"]
    assert shown.bars[0].told == "1 hour"


@pytest.mark.parametrize("hours", [0, 0.001, 0.03, 0.04, 0.09, 1, 3, 24, 24 * 14, 24 * 400])
def test_the_scale_is_readable_at_any_length(hours: float) -> None:
    shown = drawn(records.new().record, hours)
    assert 1 <= len(shown.ticks) <= 8
    assert len({t.label for t in shown.ticks}) == len(shown.ticks)
    assert all(0 <= t.left <= 100 for t in shown.ticks)
    assert all(s.left >= 0 and s.left + s.width <= 100.001 for b in shown.bars for s in b.stretches)


def test_a_completed_onboarding_shows_every_step() -> None:
    record = records.finish_all(records.new().record)
    assert record.closed
    assert {b.name for b in timeline(record, record.tail, NOW).bars} == {s.name for s in STEPS}


def test_a_reopened_checkpoint_adds_to_its_own_bar() -> None:
    record = records.after("portal-access")
    record = decide(record, Confirmed("portal-access", "ada"), NOW + HOUR).record
    assert record.step("portal-access").state is StepState.DONE
    bar = next(b for b in timeline(record, record.tail, NOW + 2 * HOUR).bars if b.name == "portal-access")
    assert bar.took == HOUR


def test_succeeding_ends_a_bar() -> None:
    record = records.new().record
    ticket = record.step("enable-services").ticket
    record = decide(record, Started("enable-services", ticket), NOW).record
    record = decide(record, Succeeded("enable-services", ticket, "done"), NOW + HOUR).record
    assert drawn(record, 2).bars[0].took == HOUR


def paused(hours: float, until: float) -> Record:
    """Waits for Microsoft, and was paused between these hours."""
    record = records.after("provisioning-complete")
    record = decide(record, PauseRequested("ada", "a change freeze"), NOW + hours * HOUR).record
    return decide(record, ResumeRequested("ada"), NOW + until * HOUR).record


def test_a_pause_is_drawn_as_one_and_is_no_time_that_a_step_took() -> None:
    record = decide(paused(25, 75), Looked("provisioning-complete", True, "complete"), NOW + 100 * HOUR).record
    shown = drawn(record, 100)
    bar = next(b for b in shown.bars if b.name == "provisioning-complete")
    assert [(s.phase, s.left, s.width) for s in bar.stretches] == [
        (Phase.WAITING, 0.0, 25.0),
        (Phase.PAUSED, 25.0, 50.0),
        (Phase.WAITING, 75.0, 25.0),
    ]
    assert bar.took == 50 * HOUR
    assert shown.paused == 50 * HOUR


def test_what_goes_on_in_a_pause_is_no_pause() -> None:
    record = records.new().record
    record = decide(record, Started("enable-services", record.step("enable-services").ticket), NOW).record
    record = decide(record, PauseRequested("ada", "a change freeze"), NOW + HOUR).record
    ticket = record.step("enable-services").ticket
    record = decide(record, Succeeded("enable-services", ticket, "done"), NOW + 2 * HOUR).record
    shown = drawn(record, 4)
    assert [(s.phase, s.end - s.start) for b in shown.bars for s in b.stretches] == [(Phase.WORKING, 2 * HOUR)]
    # It lasts: what it holds up has not begun, and has no bar.
    assert shown.paused == 3 * HOUR


def test_a_pause_ends_with_the_onboarding_and_is_forgotten_by_the_next_run() -> None:
    record = records.after("operator-information")
    record = decide(record, PauseRequested("ada", "a change freeze"), NOW + HOUR).record
    record = decide(record, CancelRequested("ada", "wrong gateway"), NOW + 3 * HOUR).record
    assert drawn(record, 50).paused == 2 * HOUR
    again = create(record.request, "ada", NOW + 10 * HOUR, previous=record).record
    assert drawn(again, 11).paused == 0 * HOUR
