"""What people say of a checkpoint: it is done, or it can't be done; and links that are no good."""

from __future__ import annotations

from datetime import timedelta

from onboarding.core.answers import Answers, Field, in_one_text, read_answers
from onboarding.core.bounds import shorten
from onboarding.core.draft import Draft
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import AnswersCorrected, Confirmed, LinkRefused, ProblemReported
from onboarding.core.notices import NoticeKind
from onboarding.core.plan import Turn
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import OnboardingState, Problem, StepRecord, StepState, Word
from onboarding.core.rules.steps import NAME_SHOWN, because, expect_open, known_step, open_step, step_named
from onboarding.core.rules.transition import RefusedError, Rules, Transition

REFUSALS_EVERY = timedelta(hours=1)
"""Links that are no good any more are noted at most so often: whoever ever had one can send it for ever."""

NOTE_OF_TURN = 200
"""Characters that the record keeps of it; all of it stands in the audit trail."""


def confirmed(h: Confirmed, draft: Draft) -> Transition | None:
    step = _confirmable(draft, h.step, (StepState.WAITING, StepState.NEEDS_ATTENTION), "confirmed")
    turn = _turn_meant(h, step)
    if turn and turn is not step.plan.turns[-1]:
        return _turn_done(h, draft, step, turn)
    answers = read_answers(step.plan.asks, h.answers, draft.now)
    word = _word(h, draft, step, turn.name if turn else None)
    draft.end_step(h.step, "Confirmed by a person.", by=word.who, note=h.note, answers=answers)
    draft.set_step(h.step, words=_with(step, word))
    told = (f"{it.label}: {it.text}" for it in draft.record.step(h.step).answered)
    return Transition(EventKind.CONFIRMED, h.step, "\n".join(filter(None, (*told, h.note))), word.who)


def _turn_meant(h: Confirmed, step: StepRecord) -> Turn | None:
    """The turn that is said to be done; None: the whole step is. Raises RefusedError when it is not that turn's.

    A link is for the turn that it was made for, whatever its holder sends.
    """
    now, name = step.turn, h.turn
    if not name:
        return now if h.outside else None
    if now and now.name == name:
        return now
    names = [turn.name for turn in step.plan.turns]
    if now is None:
        raise RefusedError(f"'{step.name}' has no turns: leave `turn` out.")
    if name not in names:
        raise RefusedError(f"'{step.name}' has no turn '{name[:NAME_SHOWN]}'; its turns are {', '.join(names)}.")
    done = names.index(name) < names.index(now.name)
    when = "is done already" if done else "is not open yet"
    raise RefusedError(f"The turn '{name}' of '{step.name}' {when}: now it is '{now.name}', on {now.waits_on}.")


def _turn_done(h: Confirmed, draft: Draft, step: StepRecord, turn: Turn) -> Transition:
    """The next turn is another opening of the checkpoint: its own notice, links, reminders and deadline."""
    read_answers((), h.answers, draft.now)
    word = _word(h, draft, step, turn.name, h.note)
    draft.set_step(
        h.step,
        state=StepState.WAITING,
        since=draft.now,
        problem=None,
        reminders=0,
        escalated=False,
        words=_with(step, word),
    )
    draft.open(h.step)
    return Transition(EventKind.TURN_DONE, h.step, "\n".join(filter(None, (turn.name, h.note))), word.who)


def _word(
    h: Confirmed | ProblemReported, draft: Draft, step: StepRecord, turn: str | None = None, note: str = ""
) -> Word:
    """For the page of its turns, and for whoever comes with the same link again."""
    name = " ".join(h.name.split()) or None
    kept = shorten(note, NOTE_OF_TURN) or None
    return Word(opening=step.ticket, at=draft.now, by=h.actor, outside=h.outside, name=name, turn=turn, note=kept)


def _with(step: StepRecord, word: Word) -> tuple[Word, ...]:
    return (*(each for each in step.words if each.turn is not None), word)


def answers_corrected(h: AnswersCorrected, draft: Draft) -> Transition | None:
    """What was done with the answers since is not done again. Of a completed onboarding they are still read."""
    step = step_named(draft.record, h.step)
    if draft.record.state is not OnboardingState.COMPLETED:
        expect_open(draft, "its answers can't be corrected any more")
    if not correctable(step):
        raise RefusedError(
            f"'{h.step}' has no answers that can be corrected: it is a {step.plan.kind} that is"
            f" {step.state}{because(draft, step)}; only those of a step that is done, and asks for something, can be."
        )
    fields = [field for field in step.plan.asks if field.correctable]
    answers = read_answers(fields, h.answers, draft.now, step.answers)
    told = [_told(field, step.answers, answers) for field in fields if _differs(field, step.answers, answers)]
    if not told:
        raise RefusedError(f"There is nothing to correct: these are the answers of '{h.step}' already.")
    draft.set_step(h.step, answers=answers)
    return Transition(EventKind.ANSWERS_CORRECTED, h.step, "\n".join((*told, h.reason)), h.actor)


def correctable(step: StepRecord) -> bool:
    """Whether what was answered can be put right, or answered afterwards."""
    return step.state is StepState.DONE and any(field.correctable for field in step.plan.asks)


def _differs(field: Field, before: Answers, after: Answers) -> bool:
    return before.get(field.name) != after.get(field.name)


def _told(field: Field, *answers: Answers) -> str:
    before, after = (in_one_text(each.get(field.name, "nothing")) for each in answers)
    return f"{field.label}: {after} (before: {before})"


def problem_reported(h: ProblemReported, draft: Draft) -> Transition | None:
    step = _confirmable(draft, h.step, (StepState.WAITING,), "reported as a problem")
    word = _word(h, draft, step)
    draft.set_step(h.step, words=_with(step, word))
    seen = shorten(f"{word.who} reports: {h.note}")
    what_next = "Talk to them; when it is put right, retry the step: the checkpoint opens again."
    problem = Problem(code=ProblemCode.REPORTED, seen=seen, what_next=what_next)
    draft.stop_step(h.step, problem, NoticeKind.PROBLEM_REPORTED)
    return Transition(EventKind.PROBLEM_REPORTED, h.step, h.note, word.who)


def link_refused(h: LinkRefused, draft: Draft) -> Transition | None:
    step = open_step(draft, h.step)
    if step is None or (step.link_refused_at and draft.now < step.link_refused_at + REFUSALS_EVERY):
        return None
    draft.set_step(h.step, link_refused_at=draft.now)
    return Transition(EventKind.LINK_REFUSED, h.step, h.why, "the holder of a link")


def _confirmable(draft: Draft, name: str, states: tuple[StepState, ...], verb: str) -> StepRecord:
    """A step that a person may end by their word, now. Raises RefusedError."""
    step = known_step(draft, name)
    if not step.plan.confirmable:
        raise RefusedError(
            f"'{name}' is a {step.plan.kind}, which nobody can confirm; these can be confirmed: "
            + ", ".join(s.name for s in draft.record.steps if s.plan.confirmable)
            + "."
        )
    if step.state not in states:
        raise RefusedError(
            f"'{name}' cannot be {verb} now: it is {step.state}{because(draft, step)}."
            f" Only a step that is {' or '.join(s.replace('-', ' ') for s in states)} can be."
        )
    return step


PEOPLE_RULES: Rules = {
    Confirmed: confirmed,
    AnswersCorrected: answers_corrected,
    ProblemReported: problem_reported,
    LinkRefused: link_refused,
}
