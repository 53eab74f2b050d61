"""What a control is: one thing that people may do with an onboarding, by the API and on a page.

The table of them is `onboarding/controls.py`.
Routes, their description, forms, `allowedActions` and both parsers derive from it; the documents are compared with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Any

from onboarding.core.answers import ANSWERS_LENGTH, MOST_ITEMS, AnswerKind, Field
from onboarding.core.certificate_chain import LONGEST_CHAIN_TEXT
from onboarding.core.events import AskedByPerson
from onboarding.core.parts import Part
from onboarding.core.record import Record, StepRecord
from onboarding.core.roles import Role

NOTE_LENGTH = 1000
"""Characters of a note or a reason that are kept."""
IS_NEEDED = "It is needed."


class Input(StrEnum):
    """How a field is filled in on a page."""

    TEXT = "text"
    """Some lines of a person's words."""
    LINE = "line"
    EMAIL = "email"
    EMAILS = "emails"
    """One a line; a list in JSON, so only of a control with a model."""
    PEM = "pem"
    """Certificates as text; only of a control with a model, which says what is wrong with them."""
    TICK = "tick"
    """True or false."""
    LINES = "lines"
    """Some, one a line; a list in JSON."""
    DATE = "date"
    URL = "url"
    CHOICE = "choice"
    HIDDEN = "hidden"
    """Known to the page; a program says it."""
    ANSWERS = "answers"
    """What its step asks for, by name: an object in JSON, and on a page a field each (`fields_for`)."""


_MOST = {
    Input.TEXT: NOTE_LENGTH,
    Input.LINE: 200,
    Input.EMAIL: 254,
    Input.EMAILS: 6000,
    Input.PEM: LONGEST_CHAIN_TEXT,
    Input.TICK: 2,
    Input.HIDDEN: 64,
    Input.ANSWERS: ANSWERS_LENGTH,
}
"""Characters that a form may send."""


@dataclass(frozen=True, slots=True, eq=False)
class ControlField:
    """One thing that a control asks for."""

    name: str
    """In its form; and of its event, unless the control has a model."""
    label: str
    """Beside its input."""
    at: str = ""
    """Where it stands in the JSON body, dots between; empty: as it is named."""
    input: Input = Input.TEXT
    legend: str = ""
    """What it stands under, together with its neighbours of the same legend."""
    _: KW_ONLY
    meaning: str = ""
    """For the API's description."""
    missing: str = ""
    """What is said when it is not filled in; empty: it may be left out."""
    hint: str = ""
    called: str = ""
    """By what name a refusal speaks of it, where its label is no name."""
    only_for: Callable[[StepRecord], bool] | None = None
    """The steps for which it must be given; None: it has nothing to do with the step."""
    example: Any = None
    """For the API's description; None: it is left out there."""
    known: Callable[[StepRecord], str] = lambda step: ""
    """Of a hidden one: what it is for a step, when its form is shown."""
    choices: tuple[str, ...] = ()
    """Of a choice."""
    length: int | None = None
    """Characters that a form may send, where its input does not say so."""
    outside: bool = False
    """Asked of the holder of a link alone: of whoever is signed in it is known."""

    @property
    def place(self) -> str:
        """Where it stands in the JSON body."""
        return self.at or self.name

    @property
    def most(self) -> int:
        """Characters."""
        return _MOST[self.input] if self.length is None else self.length


_INPUTS = {AnswerKind.DATE: Input.DATE, AnswerKind.LINK: Input.URL, AnswerKind.CHOICE: Input.CHOICE}


def fields_for(fields: Iterable[ControlField], asks: Sequence[Field]) -> Iterator[ControlField]:
    """The fields of a form, with one for each thing that its step asks for."""
    for field in fields:
        if field.input is Input.ANSWERS:
            yield from (_asking(field, asked) for asked in asks)
        else:
            yield field


def _asking(field: ControlField, asked: Field) -> ControlField:
    return ControlField(
        f"{field.name}.{asked.name}",
        f"{asked.label}, one a line" if asked.many else asked.label,
        input=Input.LINES if asked.many else _INPUTS.get(asked.kind, Input.LINE),
        missing=IS_NEEDED if asked.required else "",
        hint=asked.hint,
        called=asked.label,
        choices=asked.choices,
        length=asked.most * MOST_ITEMS if asked.many else asked.most,
    )


def body(values: Iterable[tuple[ControlField, Any]]) -> dict[str, Any]:
    """The JSON body with these values, each where its field stands."""
    made: dict[str, Any] = {}
    for field, value in values:
        *parts, last = field.place.split(".")
        inner = made
        for part in parts:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return made


class ControlPlace(StrEnum):
    """Where people find a control."""

    LIST = "list"
    """Among what can be done, on the onboarding's page."""
    BANNER = "banner"
    """Beside what is told of the onboarding's state, in one press."""
    CHECKPOINT = "checkpoint"
    """On the page of its step, inside and outside the tenant; its form goes to the control's own route."""


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """One row of the table."""

    name: str
    """In `allowedActions`, in forms, and in the runbook."""
    label: str
    """For `allowedActions`; followed by the step's title where it is one of a step."""
    summary: str = ""
    """For the API's description, in a line."""
    explained: str = ""
    """What it does, for its form and for the API's description."""
    _: KW_ONLY
    role: Role
    """That one needs for it."""
    of_step: Callable[[Record, StepRecord], bool] | None = None
    """For a control of one step: whether it is possible now. The rules have the last word."""
    of_whole: Callable[[Record], bool] | None = None
    """For a control of the whole onboarding: the same."""
    whom: Callable[[Record, str], bool] = lambda record, actor: True
    """Whether somebody who holds the role may, by their name."""
    of_closed: bool = False
    """It is for closed onboardings, and for them only."""
    of_completed: bool = False
    """It is for completed onboardings too."""

    event: Callable[..., AskedByPerson] | None = None
    """What it makes happen, from the actor, the step and the fields. None: the onboarding is requested again."""
    fields: tuple[ControlField, ...] = ()
    model: type[Part] | None = None
    """What its JSON body as a whole is; its parts are then the event's fields."""
    today: Callable[[Record, StepRecord | None], Mapping[str, Any]] | None = None
    """What its JSON body would be now, which its form shows: what somebody else changed since is not undone."""
    shows: str = ""
    """What that is, in words."""

    function: str = ""
    """Of its route, and its operation's id; empty: by its name. Controls of the same one differ by their bodies."""
    method: str = "POST"
    path: str = ""
    """Of its route, below `/api/`; empty: by its name."""

    place: ControlPlace = ControlPlace.LIST
    button: str = ""
    """Its words; empty: as it is labelled."""
    button_at: Callable[[StepRecord], str] = lambda step: ""
    """Its words at a step, where they are others there."""
    grave: bool = False
    """It can't be undone, or is nothing good: in the colour of a warning."""
    where_stopped: bool = False
    """Where a step that needs attention is told of, it is offered there."""
    under: Callable[[StepRecord], str] | None = None
    """One form for all steps, with a choice: under which heading a step stands."""
    thanks: str = ""
    """What is said to somebody outside the tenant after it."""

    @property
    def operation(self) -> str:
        return self.function or f"{self.name}_{'step' if self.of_step else 'onboarding'}".replace("-", "_")

    @property
    def route(self) -> str:
        """Its path, with `{id}` and `{step}`."""
        return self.path or f"onboardings/{{id}}/{'steps/{step}/' if self.of_step else ''}{self.name}"

    @property
    def of_signed_in(self) -> tuple[ControlField, ...]:
        """What it asks whoever is signed in, and so a program."""
        return tuple(field for field in self.fields if not field.outside)

    def asked(self, actor: str, step: str, said: Mapping[str, Any]) -> AskedByPerson:
        """The event of somebody who uses it; `said` is what its fields, or the parts of its model, hold."""
        assert self.event is not None
        return self.event(actor=actor, **({"step": step} if self.of_step else {}), **said)
