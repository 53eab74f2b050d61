"""What is said on each occasion, one row each: to the operator's people, and to those outside the tenant. Pure.

People outside are told nothing internal: no error, no note, no name and no address of the operator's people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from onboarding.core.instructions import Instructions, Value
from onboarding.core.notices import NoticeKind
from onboarding.core.plan import Party
from onboarding.core.record import Notice, Record, StepRecord
from onboarding.planning.by_hand import instructions_by_hand
from onboarding.ports import NO_SENDER, Sender
from onboarding.standing import OPERATOR
from onboarding.steps import definition_of
from onboarding.whom import whom


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A notice, and what it is about."""

    notice: Notice
    record: Record
    step: StepRecord | None
    sender: Sender = NO_SENDER
    yours: bool = False
    """It is told to whoever the step waits for."""

    @property
    def gateway(self) -> str:
        return self.record.request.gateway.name

    @property
    def lasted(self) -> str:
        """How long the step had been in its state."""
        return how_long(self.notice.owed_since - self.step.since) if self.step else ""

    @property
    def seen_for(self) -> str:
        """How long what is seen of a wait had been so."""
        seen = self.step.seen if self.step else None
        return how_long(self.notice.owed_since - seen.since) if seen else ""

    @property
    def how_it_ended(self) -> str:
        """What the step did, or why it was skipped."""
        if self.step and self.step.skipped_because:
            return f"It was skipped: {self.step.skipped_because}"
        return self.step.detail if self.step and self.step.detail else "It is done."

    @property
    def last_seen(self) -> str:
        return self.step.detail if self.step and self.step.detail else "nothing yet."

    @property
    def whom(self) -> str:
        """On whom the step waits, by name."""
        if self.yours:
            return "you"
        if self.step is None:
            return Party.US.value
        return OPERATOR if self.step.by_hand else whom(self.record, self.step).in_words

    @property
    def whose(self) -> str:
        """Whose turn it is, for who reads it: `your`, or a name."""
        on = whom(self.record, self.step) if self.step and not self.step.by_hand else None
        theirs = on is not None and not self.yours and on.party not in (Party.OPERATOR, Party.US)
        return f"{on.name or on.party}'s" if on and theirs else "your"

    @property
    def asked_outside(self) -> str:
        """The name of whoever outside the tenant is asked."""
        on = whom(self.record, self.step) if self.step else None
        return on.name if on and on.is_outside and on.name else self.record.request.onboarding_team.name

    @property
    def please(self) -> str:
        """What people outside are asked for, in a title."""
        words = definition_of(self.step).outside_of(self.step).please if self.step else ""
        return f"please {words}" if words else "we need your help"

    @property
    def by(self) -> str:
        """In whose name people outside are asked, and for which gateway: in a title."""
        return f"{self.sender.name} ({self.gateway})" if self.sender.name else self.gateway

    @property
    def seen(self) -> str:
        problem = self.step.problem if self.step else None
        return problem.seen if problem else "nothing more is known by now."

    @property
    def advice(self) -> tuple[str, ...]:
        problem = self.step.problem if self.step else None
        return (problem.what_next,) if problem and problem.what_next else ()

    @property
    def way_on(self) -> str:
        """What makes a step that needs attention go on. What it proposes is for the page: it may hold numbers."""
        problem = self.step.problem if self.step else None
        return "See what would be changed, and say yes to it," if problem and problem.proposal else "Retry the step"

    @property
    def deviating(self) -> str:
        """What deviates, without its values: they may hold numbers."""
        return "; ".join(one.what for one in self.record.drifted) or "nothing by now"

    @property
    def to_see(self) -> tuple[str, ...]:
        """What makes a wait that can't be looked at visible again."""
        return definition_of(self.step).to_see if self.step else ()

    @property
    def _answered(self) -> tuple[Value, ...]:
        """What people answered at the steps: what comes afterwards begins with it."""
        return tuple(dict.fromkeys(value for step in self.record.steps for value in step.answered))

    @property
    def instructions(self) -> Instructions:
        """What a person does at the step; empty where there is nothing but to retry it."""
        if self.step is None:
            page = None if self.record.cancelled_because else self.record.request.words.afterwards_page
            pages = (Value("How to prepare for live traffic", page),) if page else ()
            return Instructions((), self._answered if self.notice.kind == NoticeKind.COMPLETED else (), pages)
        if self.step.by_hand:
            return instructions_by_hand(self.step)
        confirmable = self.step.plan.confirmable
        return definition_of(self.step).instructions_at(self.record, self.step) if confirmable else Instructions(())


Words = Callable[[Occurrence], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is said on one."""

    title: Callable[[Occurrence], str]
    why: Words
    """Paragraphs: why it is sent."""
    actions: Words
    """What to do, in order."""
    outside_title: Callable[[Occurrence], str]
    outside_why: str
    outside_actions: tuple[str, ...] = field(
        default=("Nothing is needed from you now. The operator will get in touch, should that change.",)
    )
    asks: bool = False
    """Something is asked of whoever can do the step, inside and outside."""
    shows: bool = False
    """Whoever can do the step is told outside what is seen of it, and needs no page: it is watched."""


def _checkpoint_opened(o: Occurrence) -> tuple[str, ...]:
    return (f"This step can only be done by people, and it can be done now. It waits for {o.whom}.",)


def _reminder(o: Occurrence) -> tuple[str, ...]:
    open_for = f"The checkpoint has been open for {o.lasted}."
    return (f"{open_for} It waits for {o.whom}, and the onboarding can't be completed without it.",)


def _escalation(o: Occurrence) -> tuple[str, ...]:
    past = f"The checkpoint has been open for {o.lasted}, which is past its deadline."
    return (f"{past} It waits for {o.whom}. You are told once, so that somebody can step in.",)


def _needs_attention(o: Occurrence) -> tuple[str, ...]:
    since = f" It has stood still for {o.lasted}." if o.step and o.step.reminders else ""
    return (f"The step stopped because of this: {o.seen}", f"It does not go on by itself.{since}")


def _long_wait(o: Occurrence) -> tuple[str, ...]:
    lasted = f"This wait has lasted {o.lasted}, on {o.whom}. What was last seen: {o.last_seen}"
    return (lasted, "It goes on being watched, however long it takes.")


def _read_failed(o: Occurrence) -> tuple[str, ...]:
    return (
        f"How far this gateway is can't be read at Microsoft: {o.seen}",
        "The same read serves other onboardings, so they may stand still as this one does. You are told on this one for"
        " all of them, and again while it lasts.",
    )


def _held_up(o: Occurrence) -> tuple[str, ...]:
    so_far = f" for {o.seen_for}" if o.seen_for else ""
    return (f"This was seen{so_far}, and the wait does not end while it is so: {o.last_seen}", _WATCHED)


def _cannot_see(o: Occurrence) -> tuple[str, ...]:
    so_far = f" for {o.seen_for}" if o.seen_for else ""
    return (f"This application has seen nothing{so_far}, which is its own network's fault first of all: {o.last_seen}",)


def _paused(o: Occurrence) -> tuple[str, ...]:
    pause = o.record.pause
    if pause is None:
        return ("It was paused, and is not any more.",)
    return (
        f"It has been paused for {how_long(o.notice.owed_since - pause.since)}, by {pause.by}: {pause.because}",
        "Nothing is begun, and nobody is asked for anything, until it is resumed.",
    )


def _go_on(o: Occurrence) -> tuple[str, ...]:
    go_on = "Resume the onboarding on the page below; or cancel it there."
    return (go_on if o.record.pause else "Nothing is to be done about the pause.",)


_WATCHED = "It goes on being watched: when it is mended, nothing else is needed."
_DELAYED = "One step of that is delayed; the operator is looking after it."
_STILL = "One step of that still waits for you. Should it be done already, please say so."

OCCASIONS: Mapping[NoticeKind, Occasion] = {
    NoticeKind.REQUESTED: Occasion(
        lambda o: f"{o.gateway}: an onboarding was requested",
        lambda o: ("It has begun.",),
        lambda o: (),
        lambda o: f"{o.gateway}: an onboarding has begun",
        "The operator connects a gateway.",
    ),
    NoticeKind.STEP_ENDED: Occasion(
        lambda o: f"{o.gateway}: a step has ended",
        lambda o: (o.how_it_ended,),
        lambda o: (),
        lambda o: f"{o.gateway}: a step has ended",
        "One step of it has ended.",
    ),
    NoticeKind.CHECKPOINT_OPENED: Occasion(
        lambda o: f"{o.gateway}: {o.whose} turn",
        _checkpoint_opened,
        lambda o: o.instructions.actions,
        lambda o: f"{o.by}: {o.please}",
        "One step of that needs you, and you can do it now.",
        asks=True,
    ),
    NoticeKind.REMINDER: Occasion(
        lambda o: f"{o.gateway}: still {o.whose} turn",
        _reminder,
        lambda o: o.instructions.actions,
        lambda o: f"{o.by}, a reminder: {o.please}",
        _STILL,
        asks=True,
    ),
    NoticeKind.ESCALATION: Occasion(
        lambda o: f"{o.gateway} is held up",
        _escalation,
        lambda o: (
            f"Ask {o.whom} what holds this up, or see that somebody else does it:",
            *o.instructions.actions,
        ),
        lambda o: f"{o.by}, a reminder: {o.please}",
        _STILL,
        asks=True,
    ),
    NoticeKind.NEEDS_ATTENTION: Occasion(
        lambda o: f"{o.gateway} needs attention",
        _needs_attention,
        lambda o: (*o.advice, f"{o.way_on} on the page below; or cancel the onboarding there."),
        lambda o: f"{o.by}: a step is delayed",
        _DELAYED,
    ),
    NoticeKind.LONG_WAIT: Occasion(
        lambda o: f"{o.gateway}: a long wait",
        _long_wait,
        lambda o: (f"Ask {o.record.request.onboarding_team.name} what holds it up.", *o.instructions.actions),
        lambda o: f"{o.by}: a step is delayed",
        _DELAYED,
    ),
    NoticeKind.READ_FAILED: Occasion(
        lambda o: f"{o.gateway}: Microsoft refuses to be asked",
        _read_failed,
        lambda o: (*o.advice, "Nothing need be retried: every wait goes on being tried."),
        lambda o: f"{o.by}: a step is delayed",
        _DELAYED,
    ),
    NoticeKind.HELD_UP: Occasion(
        lambda o: f"{o.gateway} is held up",
        _held_up,
        lambda o: (f"See that {o.whom} mends it.", *o.instructions.actions),
        lambda o: f"{o.by}: please have a look at this",
        "One step of that waits for something that you can mend. Nothing else is needed: it is watched.",
        shows=True,
    ),
    NoticeKind.CANNOT_SEE: Occasion(
        lambda o: f"{o.gateway}: this application can't see",
        _cannot_see,
        lambda o: (*o.to_see, "Nothing else is needed: it is looked at again and again."),
        lambda o: f"{o.by}: a step is delayed",
        _DELAYED,
    ),
    NoticeKind.PAUSED: Occasion(
        lambda o: f"{o.gateway} is still paused" if o.record.pause else f"{o.gateway} was paused",
        _paused,
        _go_on,
        lambda o: f"{o.by}: the onboarding is delayed",
        _DELAYED,
    ),
    NoticeKind.PROBLEM_REPORTED: Occasion(
        lambda o: f"{o.gateway}: a problem was reported",
        lambda o: (f"Somebody can't do this step. {o.seen}", "The step stands still until it is retried or confirmed."),
        lambda o: (*o.advice, *o.instructions.actions),
        lambda o: f"{o.by}: a step is delayed",
        _DELAYED,
    ),
    NoticeKind.COMPLETED: Occasion(
        lambda o: f"{o.gateway} is connected",
        lambda o: ("All steps are done: the gateway is connected. The next step is to prepare for live traffic.",),
        lambda o: o.record.request.words.afterwards,
        lambda o: f"{o.by} is connected",
        "All steps are done. Thank you for your help.",
        ("Please go on with the operator to prepare for live traffic.",),
    ),
    NoticeKind.DRIFTED: Occasion(
        lambda o: f"{o.gateway} has drifted",
        lambda o: (
            f"The gateway is connected, and was inspected again. Not any more as it was: {o.deviating}.",
            "Nothing is changed back unless you ask for it. You are told once, and again only when it changes.",
        ),
        lambda o: (
            "Compare what was found with what was expected, on the page below.",
            "Accept there what is meant so, with a reason; have the step repaired, which is shown before; or put it"
            " right where it is.",
        ),
        lambda o: f"{o.by}: the operator looks after something",
        "Something of the connected gateway has changed; the operator is looking after it.",
    ),
    NoticeKind.REPAIRED: Occasion(
        lambda o: f"{o.gateway} was repaired",
        lambda o: ("What had drifted was changed back as somebody asked for it.",),
        lambda o: ("Nothing more is needed.",),
        lambda o: f"{o.by}: all is as it was",
        "What had changed of the connected gateway is as it was again.",
    ),
    NoticeKind.CANCELLED: Occasion(
        lambda o: f"{o.gateway}: the onboarding was cancelled",
        lambda o: (f"The onboarding was cancelled for this reason: {o.record.cancelled_because or 'none was given.'}",),
        lambda o: (
            "Read below what was done at Microsoft already: nothing of it is undone.",
            "Undo by hand what you do not want to keep.",
            "To take it up again, start the onboarding again: it goes on from what it finds.",
        ),
        lambda o: f"{o.by}: the onboarding has ended",
        "The operator has ended this onboarding before it was complete.",
    ),
}
"""Of every kind. That it is owed, a rule in `core/rules` says; to whom it goes, `deliveries.py`."""


def how_long(time: timedelta) -> str:
    """A time for people, in the largest unit of which there is at least one: `3 days`."""
    seconds = max(0, int(time.total_seconds()))
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if count := seconds // size:
            return f"{count} {unit}" + ("s" if count > 1 else "")
    return "less than a minute"
