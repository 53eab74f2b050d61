"""The record of one onboarding: the truth about where a gateway stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, BeforeValidator, SerializeAsAny, ValidationInfo

from onboarding.core.answers import AnswerValue, Field, shown_answers
from onboarding.core.deviation import Deviation, unaccepted
from onboarding.core.instructions import Value
from onboarding.core.plan import Party, Planned, StepKind, Turn
from onboarding.core.proposal import Call, Proposal
from onboarding.core.request import Contacts, OnboardingRequest
from onboarding.core.sight import Seen
from onboarding.core.stored import DETAIL_LENGTH as DETAIL_LENGTH
from onboarding.core.stored import DetailText, Stored

SCHEMA_VERSION = 3
"""Goes up when an older version of the application would lose or misread what this one writes: docs/upgrade.md."""


class StepState(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    """Something it needs is not done."""
    DUE = "due"
    """To be done at `next_attempt_at`; a message says so to its function."""
    RUNNING = "running"
    """Its function is at it; `next_attempt_at` is when it is taken for dead."""
    WAITING = "waiting"
    """For the world (polled at `next_attempt_at`) or for a person."""
    NEEDS_ATTENTION = "needs-attention"
    """Stopped; a person must act, and is reminded at `next_attempt_at`."""
    DONE = "done"
    SKIPPED = "skipped"


class MadeBy(StrEnum):
    """Who made it so that what a task makes true is true."""

    ONBOARDING = "onboarding"
    """This application, in this run of the onboarding or in one before."""
    PERSON = "person"
    """Somebody by hand, with this onboarding's commands."""
    OTHERS = "others"
    """It was there when the task first looked."""
    UNSURE = "unsure"
    """An attempt that began to write did not come to its end; the next one may have found its work, or others'."""


class OnboardingState(StrEnum):
    """Where a whole onboarding stands, derived from its steps."""

    RUNNING = "running"
    WAITING_FOR_PEOPLE = "waiting-for-people"
    WAITING_FOR_MICROSOFT = "waiting-for-microsoft"
    NEEDS_ATTENTION = "needs-attention"
    PAUSED = "paused"
    """Nothing is begun until somebody resumes it."""
    CANCELLING = "cancelling"
    """Nothing is begun any more; it is cancelled as soon as what runs has ended."""
    COMPLETED = "completed"
    DRIFTED = "drifted"
    """Completed, and something is not any more as it was then, which nobody has accepted."""
    CANCELLED = "cancelled"


class Problem(Stored):
    """What went wrong, for a person to read. `code` is stable, the sentences are not."""

    code: str
    seen: DetailText
    what_next: DetailText = ""
    proposal: Proposal | None = None
    """What is done when a person says yes to it."""


class Word(Stored):
    """What a person said of an open step: that it is done, or one turn of it, or that it can't be."""

    opening: int
    """The ticket that the step had then: links that were made for it are used up."""
    at: AwareDatetime
    by: str
    outside: bool = False
    """By a signed link."""
    name: str | None = None
    """Of the holder of a link, as they gave it."""
    turn: str | None = None
    """Which turn is done. None: all of them are, or it can't be."""
    note: DetailText | None = None
    """Of a turn that is not the last."""

    @property
    def who(self) -> str:
        """For people: whoever holds a link may say who they are; nobody has looked whether it is true."""
        return f"{self.by}, who gave the name {self.name}" if self.name else self.by


class StepRecord(Stored):
    """One step of one onboarding."""

    brief: ClassVar[bool] = True

    name: str
    plan: Planned
    state: StepState
    since: AwareDatetime
    found: Mapping[str, Any] = {}
    """What it found out, as JSON of its definition's model."""
    attempts: int = 0
    """Attempts started (task) or looks taken (wait) since it became possible, or was retried or reopened."""
    failures: int = 0
    """Looks at a wait that failed, or attempts with a problem that is tried only so often, one after another."""
    begun_at: AwareDatetime | None = None
    """When the first of these attempts was started: its budget of time counts from there, or from a resume on."""
    not_before: AwareDatetime | None = None
    """Until when Microsoft asked to be left alone."""
    held_since: AwareDatetime | None = None
    """Since when it has been held up by pauses, each time it came. None: it asked Microsoft when it last came."""
    next_attempt_at: AwareDatetime | None = None
    ticket: int = 0
    """The version of the record that made it due, or opened it: only the message with this number may start it, and
    only links made for this opening are good."""
    detail: DetailText = ""
    """What was last seen."""
    problem: Problem | None = None
    skipped_because: DetailText | None = None
    ended_by: str | None = None
    note: DetailText | None = None
    answers: Mapping[str, AnswerValue] = {}
    """What whoever ended it answered, of what it asks for."""
    reminders: int = 0
    """Sent while this checkpoint has been open, or has needed attention."""
    escalated: bool = False
    warned_at: AwareDatetime | None = None
    """When people were last told that this wait takes long."""
    asked: bool = False
    """Somebody wants this wait looked at: what is seen is noted also when it is nothing new."""
    absent_since: AwareDatetime | None = None
    """Since when each look at this wait has not found what it waits for. None: the last one has."""
    seen: Seen | None = None
    """What the last look saw of this wait, where it matters for how long that is so."""
    link_refused_at: AwareDatetime | None = None
    """When it was last noted that somebody came with a link that is not good any more."""
    approved: str | None = None
    """Id of the proposal that a person said yes to."""
    calls: tuple[Call, ...] = ()
    """What a person is to do by hand at Microsoft: calls of a task that is not to make them itself."""
    nudges: int = 0
    """Messages that the timer has sent since it was made due, because none arrived."""
    made_by: MadeBy | None = None
    """Of a task: who made what it makes true. None: nobody yet, or before this was kept."""
    uncounted: float = 0.0
    """Seconds since all that it needs had ended that count against nobody: of pauses, and until it was reopened."""
    deviations: tuple[Deviation, ...] = ()
    """What is not any more as it left it, as far as that was seen."""
    words: tuple[Word, ...] = ()
    """Of each turn that is done, and the last of any other word."""

    @property
    def ended(self) -> bool:
        """Done or skipped: what needs it may go on."""
        return self.state in (StepState.DONE, StepState.SKIPPED)

    @property
    def with_people(self) -> bool:
        """Open for a person to do: a checkpoint, or a task by hand."""
        return self.state is StepState.WAITING and self.plan.kind is not StepKind.WAIT

    @property
    def by_hand(self) -> bool:
        """A task that is open for a person to do."""
        return self.with_people and self.plan.kind is StepKind.TASK

    @property
    def turn(self) -> Turn | None:
        """Whose turn it is, or will be first; None when it has ended, or has no turns."""
        done = sum(word.turn is not None for word in self.words)
        return None if self.ended or done >= len(self.plan.turns) else self.plan.turns[done]

    @property
    def waits_on(self) -> Party:
        """On whom it waits now."""
        return self.turn.waits_on if self.turn else self.plan.waits_on

    @property
    def asks(self) -> tuple[Field, ...]:
        """What whoever confirms it now is asked for: in the last of its turns."""
        return self.plan.asks if self.turn is None or self.turn is self.plan.turns[-1] else ()

    @property
    def answered(self) -> tuple[Value, ...]:
        """Its answers, for people."""
        return shown_answers(self.plan.asks, self.answers)


class Delivered(Stored):
    """One way that a notice went."""

    way: str
    """`teams`, `email`, `digest`: e-mail that is gathered, or `events`: a program of the operator's."""
    to: tuple[str, ...] = ()
    outside: bool = False
    """To the onboarding team, with a signed link where they are asked to answer."""
    at: AwareDatetime


class Notice(Stored):
    """Something that people are to be told."""

    brief: ClassVar[bool] = True

    id: str
    kind: str
    step: str | None = None
    owed_since: AwareDatetime
    next_attempt_at: AwareDatetime | None
    """When it is sent, or tried again, or (`sending`) taken for lost. None: sent, or no longer owed."""
    ticket: int
    """Only the message with this number may send it."""
    attempts: int = 0
    sending: bool = False
    sent: tuple[Delivered, ...] = ()
    problem: Problem | None = None
    nudges: int = 0
    """As of a step."""
    not_before: AwareDatetime | None = None
    """As of a step."""
    held_since: AwareDatetime | None = None
    """As of a step."""

    @property
    def owed(self) -> bool:
        """Whether it is still to go out."""
        return self.next_attempt_at is not None


class Pause(Stored):
    """Nothing is begun meanwhile."""

    since: AwareDatetime
    by: str
    because: DetailText
    next_word_at: AwareDatetime
    """When people are reminded of it."""


class Repair(Stored):
    """A completed onboarding goes on with one step, which changes back what deviates; all others stay done."""

    step: str
    proposal: str
    """Id of exactly the changes that were shown."""
    by: str
    since: AwareDatetime
    completed_at: AwareDatetime
    """When the onboarding was completed, which it will have been again."""
    done_since: AwareDatetime
    """Since when the step was done: how long it took then is what it took."""


class Event(Stored):
    """One transition in the audit trail. `changes` maps a field's path to its value before and after."""

    version: int
    at: AwareDatetime
    actor: str
    what: str
    step: str | None = None
    detail: DetailText = ""
    changes: Mapping[str, tuple[Any, Any]] = {}


def _of_its_kind(value: Any, info: ValidationInfo) -> Any:
    """The context of what is read from a table, `kinds.STORED`, knows how to read a request of each kind."""
    if isinstance(value, OnboardingRequest):
        return value
    if not info.context or "request" not in info.context:
        raise ValueError("a stored record is read with the context `kinds.STORED`")
    return info.context["request"](value)


AskedFor = Annotated[SerializeAsAny[OnboardingRequest], BeforeValidator(_of_its_kind)]


class Record(Stored):
    """One onboarding, whole: this is what one row of the table holds."""

    schema_version: int = SCHEMA_VERSION
    id: str
    version: int
    run: int = 1
    """How often it was started: `?again=true` counts on."""
    request: AskedFor
    """As it was posted, but with the contacts of now."""
    posted_contacts: Contacts | None = None
    """Whom it named when it was posted. None: whom it names now, or that was changed before this was kept."""
    requested_by: str | None = None
    """Who posted it, or started it again. None: before this was kept."""
    created_at: AwareDatetime
    updated_at: AwareDatetime
    closed_at: AwareDatetime | None = None
    first_expected_at: AwareDatetime | None = None
    """When it was expected to be complete when it was requested; pauses put that off. None: before this was kept."""
    cancelled_because: DetailText | None = None
    """Set when somebody cancels; `closed_at` follows when nothing runs any more."""
    pause: Pause | None = None
    repair: Repair | None = None
    steps: tuple[StepRecord, ...]
    notices: tuple[Notice, ...] = ()
    tail: tuple[Event, ...] = ()
    """Events not yet dropped from the row; the older ones stand in table `events`."""

    def step(self, name: str) -> StepRecord:
        """The step of that name. Raises KeyError when there is none."""
        step = self.find_step(name)
        if step is None:
            raise KeyError(name)
        return step

    def find_step(self, name: str) -> StepRecord | None:
        """The step of that name; None when the plan has none."""
        return next((step for step in self.steps if step.name == name), None)

    def of(self, definition: str) -> StepRecord | None:
        """The first step of that definition; None when the plan has none."""
        return next((step for step in self.steps if step.plan.definition == definition), None)

    def differences(self, request: OnboardingRequest) -> list[str]:
        """The field paths in which a request is another than this one's, as that was posted or as it is by now.

        Whoever posts the same body again means the same onboarding, whatever people have made of its contacts since.
        """
        differs = request.differences(self.request)
        if differs and self.posted_contacts is not None:
            posted = self.request.model_copy(update=dict(self.posted_contacts))
            return differs if request.differences(posted) else []
        return differs

    @property
    def findings(self) -> dict[str, Any]:
        """What all steps found out, as JSON; of two that found the same the later one counts."""
        return {name: value for step in self.steps for name, value in step.found.items()}

    def answer(self, name: str) -> AnswerValue | None:
        """What was answered to the field of that name; of two steps that ask for it the later one counts."""
        return next((step.answers[name] for step in reversed(self.steps) if name in step.answers), None)

    def open_needs(self, step: StepRecord) -> tuple[StepRecord, ...]:
        """What the step needs and has not ended yet."""
        needed = (self.find_step(name) for name in step.plan.needs)
        return tuple(s for s in needed if s is not None and not s.ended)

    def open_followers(self, step: StepRecord) -> tuple[StepRecord, ...]:
        """What needs the step and has not ended yet."""
        return tuple(s for s in self.steps if step.name in s.plan.needs and not s.ended)

    @property
    def closed(self) -> bool:
        return self.closed_at is not None

    @property
    def completed(self) -> bool:
        return self.closed and self.cancelled_because is None

    @property
    def drifted(self) -> tuple[Deviation, ...]:
        """What deviates and nobody has accepted."""
        return tuple(one for step in self.steps for one in unaccepted(step.deviations))

    @property
    def settled(self) -> bool:
        """Closed, and nothing more is owed to anybody."""
        return self.closed and self.next_due_at is None

    @property
    def cancelling(self) -> bool:
        """Cancelled by somebody, while a function is still at a step."""
        return self.cancelled_because is not None and not self.closed

    @property
    def active(self) -> bool:
        """Whether steps may be begun."""
        return not self.closed and not self.cancelling and self.pause is None

    @property
    def state(self) -> OnboardingState:
        if self.completed:
            return OnboardingState.DRIFTED if self.drifted else OnboardingState.COMPLETED
        if self.closed:
            return OnboardingState.CANCELLED
        if self.cancelling:
            return OnboardingState.CANCELLING
        if self.pause is not None:
            return OnboardingState.PAUSED
        states = {s.state for s in self.steps}
        if StepState.NEEDS_ATTENTION in states:
            return OnboardingState.NEEDS_ATTENTION
        if states & {StepState.DUE, StepState.RUNNING}:
            return OnboardingState.RUNNING
        if any(s.with_people for s in self.steps):
            return OnboardingState.WAITING_FOR_PEOPLE
        return OnboardingState.WAITING_FOR_MICROSOFT

    @property
    def next_due_at(self) -> datetime | None:
        """When something is to happen by itself next; None when nothing is."""
        steps = self.steps if self.active else (s for s in self.steps if s.state is StepState.RUNNING)
        times = [s.next_attempt_at for s in steps] + [n.next_attempt_at for n in self.notices]
        if self.pause is not None and not self.closed:
            times.append(self.pause.next_word_at)
        return min((t for t in times if t is not None), default=None)
