"""What the caller may do with an onboarding, as forms of its pages. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from onboarding.controls import CONTROLS, Action, actions
from onboarding.core.control import Control, ControlField, ControlPlace, Input, fields_for
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.core.roles import Role
from onboarding.steps import definition_of


@dataclass(frozen=True, slots=True)
class Filled:
    """A field of a form, with what stands in it."""

    field: ControlField
    id: str
    value: str | bool
    must: bool
    hint: str
    wrong: str = ""
    """Why what stands in it was refused."""
    focused: bool = False
    """It is the first that was refused: people are taken there."""

    @property
    def described_by(self) -> str:
        """Ids of what is said of it."""
        parts = (f"{self.id}-wrong" if self.wrong else "", f"{self.id}-hint" if self.hint else "")
        return " ".join(filter(None, parts))

    @property
    def rows(self) -> int:
        return max(3, str(self.value).count("\n") + 2) if self.value else 3


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """A form that was sent and refused: it is shown again as it was filled in."""

    control: Control
    typed: Mapping[str, str]
    wrong: Mapping[str, str]
    """Name of a field of it → what is wrong with it; empty: with all together."""


@dataclass(frozen=True, slots=True)
class Form:
    """A control as a form."""

    control: Control
    id: str
    step: str
    """Chosen already; empty: the whole onboarding, or to be chosen."""
    button: str
    fields: tuple[Filled, ...]
    choices: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """Heading → the steps under it, by name and title."""
    preselected: str = ""
    seen: str = ""
    """Which values it was filled with."""
    refused: bool = False
    """It was sent, and nothing was taken."""
    wrong: str = ""
    """What is wrong with all its fields together."""
    about: str = ""
    """What its button says besides to whoever does not see what stands above it."""

    @property
    def to_mend(self) -> tuple[Filled, ...]:
        """The fields that were refused."""
        return tuple(it for it in self.fields if it.wrong)

    @property
    def sections(self) -> Iterator[tuple[str, Iterator[Filled]]]:
        """Legend → the fields under it."""
        return groupby(self.fields, key=lambda it: it.field.legend)


Allowed = Callable[[Role], bool]
"""Whether the caller holds a role."""


def forms(record: Record, may: Allowed, actor: str | None = None) -> tuple[Form, ...]:
    """Those of the whole onboarding, and of steps that go on by themselves; what many steps share is one form."""
    stopped, offered = _stopped(record), _allowed(record, may, ControlPlace.LIST, actor)
    found: list[Form] = []
    for control in CONTROLS.values():
        mine = [a for a in offered if a.control is control]
        if mine and control.under:
            found.append(_of_many(control, control.under, [record.step(a.step or "") for a in mine]))
        else:
            found += [_of_one(record, a) for a in mine if not (control.where_stopped and a.step in stopped)]
    return tuple(found)


def step_forms(record: Record, may: Allowed, actor: str | None = None) -> dict[str, tuple[Form, ...]]:
    """Step that needs attention → what can be done about it at once."""
    offered = [a for a in _allowed(record, may, ControlPlace.LIST, actor) if a.control.where_stopped]
    return {name: tuple(_below(_of_one(record, a)) for a in offered if a.step == name) for name in _stopped(record)}


def _below(form: Form) -> Form:
    """Under its step's title: who sees that need not read it again."""
    about = form.button.removeprefix(f"{form.control.label}: ")
    return form if about == form.button else replace(form, button=form.control.label, about=about)


def banner_forms(record: Record, may: Allowed) -> tuple[Form, ...]:
    """What ends the state that is told of, in one press."""
    return tuple(_of_one(record, a) for a in _allowed(record, may, ControlPlace.BANNER))


def answer_forms(
    record: Record, step: str, may: Allowed, refused: RefusedForm | None = None, *, outside: bool = False
) -> tuple[Form, ...]:
    """The answers to a checkpoint. `outside`: for the holder of a link."""
    offered = [a for a in _allowed(record, may, ControlPlace.CHECKPOINT) if a.step == step]
    return tuple(
        _of_one(record, a, refused if refused and refused.control is a.control else None, outside=outside)
        for a in offered
    )


def with_refused(forms: Iterable[Form], refused: RefusedForm | None) -> tuple[Form, ...]:
    """Forms, the one that was sent and refused as it was filled in."""
    if refused is None:
        return tuple(forms)
    return tuple(_with_what_was_typed(form, refused) if _was_sent(form, refused) else form for form in forms)


def _was_sent(form: Form, refused: RefusedForm) -> bool:
    step = refused.typed.get("step", "")
    chosen = any(step == name for _, steps in form.choices for name, _ in steps)
    return form.control is refused.control and (chosen or form.step == step)


def seen(today: Mapping[str, Any]) -> str:
    """Tells which values a form was filled with, so that nobody overwrites what they have not seen."""
    return hashlib.sha256(json.dumps(today, sort_keys=True).encode()).hexdigest()[:32]


def _allowed(record: Record, may: Allowed, place: ControlPlace, actor: str | None = None) -> list[Action]:
    return [a for a in actions(record, actor) if a.control.place is place and may(a.control.role)]


def _stopped(record: Record) -> set[str]:
    """Steps with a part of the page of their own."""
    return {s.name for s in record.steps if s.state is StepState.NEEDS_ATTENTION or s.by_hand or s.deviations}


def _of_one(
    record: Record, action: Action, refused: RefusedForm | None = None, *, outside: bool = False
) -> Form:
    control, step = action.control, record.step(action.step) if action.step else None
    today = control.today(record, step) if control.today else None
    id_ = f"{control.name}-{step.name}" if step else control.name
    button = (step and control.button_at(step)) or control.button or control.label
    if step and control.place is ControlPlace.LIST:
        button = f"{control.label} the step" if control.under else action.label
    filled = _filled(control, id_, [step] if step else [], today or {})
    fields = tuple(it for it in filled if outside or not it.field.outside)
    made = Form(control, id_, action.step or "", button, fields, seen="" if today is None else seen(today))
    return _with_what_was_typed(made, refused) if refused else made


def _with_what_was_typed(form: Form, refused: RefusedForm) -> Form:
    """What people don't see stays as it was; and so does with which values they were shown it. Certificates are to be
    given again: a text with a private key is refused, and nothing of it is shown."""
    first = next((it.field.name for it in form.fields if refused.wrong.get(it.field.name)), "")
    fields = tuple(
        it
        if it.field.input is Input.HIDDEN
        else replace(
            it,
            value="" if it.field.input is Input.PEM else refused.typed.get(it.field.name, ""),
            wrong=refused.wrong.get(it.field.name, ""),
            focused=it.field.name == first,
        )
        for it in form.fields
    )
    return replace(
        form,
        fields=fields,
        preselected=refused.typed.get("step", form.preselected),
        seen=refused.typed.get("seen", form.seen),
        refused=True,
        wrong=refused.wrong.get("", ""),
    )


def _of_many(control: Control, under: Callable[[StepRecord], str], steps: list[StepRecord]) -> Form:
    """Those for which nothing more must be given come first, under their headings."""
    headings = list(dict.fromkeys(map(under, steps)))
    ordered = sorted(steps, key=lambda s: (_must(control, s), headings.index(under(s))))
    choices = tuple(
        (heading, tuple((s.name, definition_of(s).title) for s in found))
        for heading, found in groupby(ordered, key=under)
    )
    chosen = next((s for s in steps if s.state is not StepState.PENDING), steps[0])
    fields = tuple(_filled(control, control.name, steps, {}))
    return Form(control, control.name, "", control.button or control.label, fields, choices, chosen.name)


def _must(control: Control, step: StepRecord) -> bool:
    return any(f.only_for and f.only_for(step) for f in control.fields)


def _filled(control: Control, form: str, steps: list[StepRecord], today: Mapping[str, Any]) -> Iterator[Filled]:
    for field in fields_for(control.fields, definition_of(steps[0]).asked_now(steps[0]) if len(steps) == 1 else ()):
        concerned = [s for s in steps if field.only_for and field.only_for(s)]
        if field.only_for and not concerned:
            continue
        must = bool(field.missing) or (bool(concerned) and len(concerned) == len(steps))
        hint = field.hint
        if control.under and concerned and len(steps) > 1:
            hint = f"Needed for the steps under “{control.under(concerned[0])}”. {hint}"
        value = field.known(steps[0]) if field.input is Input.HIDDEN else _value(field, today)
        yield Filled(field, f"{field.name}-{form}", value, must, hint)


def _value(field: ControlField, today: Mapping[str, Any]) -> str | bool:
    inner: Any = today
    for name in field.place.split("."):
        inner = (inner or {}).get(name)
    match field.input:
        case Input.TICK:
            return bool(inner)
        case Input.EMAILS | Input.LINES:
            return "\n".join(inner or ())
    return str(inner or "")
