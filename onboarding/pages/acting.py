"""What the form of a control asks for, as its event; and what is wrong with a form, beside each of its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from onboarding.core.answers import Field
from onboarding.core.control import Control, ControlField, Input, body, fields_for
from onboarding.core.events import AskedByPerson
from onboarding.core.patterns import ADDRESS_EXAMPLE
from onboarding.core.reasons import InvalidRequestError, Reason, read_part
from onboarding.core.request import MAX_ADDRESSEES
from onboarding.core.rules.controls import NotInsistedError
from onboarding.core.written_request import TICKED
from onboarding.engine import Expected, OvertakenError
from onboarding.http.problems import ProblemError
from onboarding.pages.controls import RefusedForm, seen
from onboarding.pages.forms import FieldError, note

FormRefusal = FieldError | InvalidRequestError | NotInsistedError
"""Why a form is shown again: something in it is to be put right."""
FORM_REFUSALS = (FieldError, InvalidRequestError, NotInsistedError)
_TICK_IT = "If you know that it was done in another way, tick “I insist”."


def read_form_of(
    control: Control,
    fields: Mapping[str, str],
    actor: str,
    step: str,
    asks: Sequence[Field] = (),
    *,
    outside: bool = False,
) -> AskedByPerson:
    """Whether the state allows it is for the rules to say, and whether what was answered to `asks` is right.

    `outside`: it comes from the holder of a link.
    """
    if control.model is None:
        said = {f.name: _value(f, fields, asks) for f in (control.fields if outside else control.of_signed_in)}
        return control.asked(actor, step, {**said, "outside": True} if outside else said)
    return control.asked(
        actor, step, dict(read_part(control.model, body((f, _part(f, fields)) for f in control.fields)))
    )


def refused_form(
    control: Control, fields: Mapping[str, str], asks: Sequence[Field], error: FormRefusal
) -> RefusedForm:
    """A form that was refused, with what is wrong beside each field; what people don't see is wrong with the whole."""
    shown = {f.place: f for f in fields_for(control.fields, asks) if f.input is not Input.HIDDEN}
    if isinstance(error, FieldError):
        seen = any(f.name == error.name for f in shown.values())
        return RefusedForm(control, fields, {error.name if seen else "": error.detail})
    if isinstance(error, NotInsistedError):
        return RefusedForm(control, fields, {"insist": f"{error.why} {_TICK_IT}"})
    wrong: dict[str, list[str]] = {}
    for reason in error.reasons:
        field = shown.get(reason.field.partition("[")[0])
        wrong.setdefault(field.name if field else "", []).append(_told([*shown.values()], reason))
    wrong.setdefault("", []).extend(filter(None, [error.more]))
    return RefusedForm(control, fields, {name: " ".join(told) for name, told in wrong.items()})


@contextmanager
def as_shown(control: Control, fields: Mapping[str, str]) -> Iterator[Expected | None]:
    """What the form was filled with, for the engine to expect, whatever else has happened meanwhile.

    Inside, a refusal speaks of the form: ProblemError 409 when it was overtaken.
    """
    today, shown, step = control.today, fields.get("seen", ""), fields.get("step", "")
    try:
        yield (
            None
            if today is None
            else lambda record: record is None or seen(today(record, record.find_step(step))) == shown
        )
    except OvertakenError:
        raise ProblemError(
            409,
            "Somebody else was faster",
            f"Nothing was changed: {control.shows} was changed by somebody else after you opened the page, so your form"
            " would undo it (the audit trail says who it was). Note what you typed, open the page again, and change"
            " what stands there now.",
        ) from None


def _value(field: ControlField, fields: Mapping[str, str], asks: Sequence[Field]) -> Any:
    if field.input is Input.ANSWERS:
        given = body((f, _part(f, fields)) for f in fields_for([field], asks))
        return given.get(field.place, {})
    if field.input is Input.TICK:
        return fields.get(field.name) == TICKED
    return note(fields, field.name, required=field.missing, most=field.most)


def _part(field: ControlField, fields: Mapping[str, str]) -> Any:
    given = fields.get(field.name, "")
    match field.input:
        case Input.TICK:
            return given == TICKED
        case Input.EMAILS:
            return [line for line in (each.strip(" \t,;") for each in given.splitlines()) if line]
        case Input.LINES:
            return [line for line in map(str.strip, given.splitlines()) if line]
    return given.strip() or ("" if field.missing else None)


def _name_of(field: ControlField) -> str:
    return field.called or (
        f"{field.legend}'s {field.label[0].lower()}{field.label[1:]}" if field.legend else field.label
    )


def _told(fields: Sequence[ControlField], reason: Reason) -> str:
    line = re.fullmatch(r"(.+)\[(\d+)\]", reason.field)
    field = next((f for f in fields if f.place == (line[1] if line else reason.field)), None)
    if reason.field == "answers":
        return f"The answers {reason.message}."
    if field and reason.field.startswith("answers."):
        return f"{_name_of(field)}{f': “{reason.value}”' if line and reason.value else ''} {reason.message}."
    what = f"Addressee {int(line[2]) + 1}" if line else _name_of(field) if field else reason.field
    if not reason.value:
        return f"{what} is missing."
    if reason.rule == "too_long":
        return f"{what} has too many lines; {MAX_ADDRESSEES} fit."
    if field and field.input is Input.PEM:
        return f"{what}: the text {reason.message}."
    if reason.rule == "string_too_long":
        return f"{what} is too long."
    if reason.rule == "email_address":
        return f"{what}, “{reason.value}”, {reason.message.rstrip('.')}."
    if field and field.input in (Input.EMAIL, Input.EMAILS):
        return f"{what} is “{reason.value}”, which is no e-mail address, such as {ADDRESS_EXAMPLE}."
    return f"{what} is “{reason.value}”: {reason.message}."
