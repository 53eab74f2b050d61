"""What is asked of a control in JSON, as its event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onboarding.core.control import Control, ControlField, Input
from onboarding.core.events import AskedByPerson
from onboarding.core.reasons import read_part
from onboarding.http.bodies import read_json, read_object
from onboarding.http.call import HttpCall
from onboarding.http.problems import ProblemError


def read_asked(call: HttpCall, controls: Sequence[Control]) -> AskedByPerson:
    """Of the controls of one operation, the one whose fields the body holds. Raises ProblemError 400, 413, 415.

    Raises InvalidRequestError for a body that is no such model. Whether the state allows it is for the rules to say.
    """
    step = str(call.request.route_params.get("step", ""))
    first = controls[0]
    if first.model:
        part = read_part(first.model, read_json(call.request))
        return first.asked(call.caller.name, step, dict(part))
    fields = [f for c in controls for f in c.of_signed_in]
    said = _said(call, fields)
    meant = [c for c in controls if said.keys() <= {f.place for f in c.of_signed_in}]
    if not meant:
        ways = " or ".join(_way(f) for f in fields)
        raise ProblemError(400, "The request is invalid", f"Send {ways}.")
    return meant[0].asked(call.caller.name, step, {f.name: _value(f, said) for f in meant[0].of_signed_in})


def _way(field: ControlField) -> str:
    what = field.place if field.input is Input.ANSWERS else f"a {field.place}"
    return f"{what} ({field.meaning[:1].lower()}{field.meaning[1:].rstrip('.')})"


def _said(call: HttpCall, fields: Sequence[ControlField]) -> dict[str, Any]:
    if not fields:
        return {}
    ticks = [f.place for f in fields if f.input is Input.TICK]
    objects = [f.place for f in fields if f.input is Input.ANSWERS]
    texts = (f.place for f in fields if f.place not in (*ticks, *objects))
    return read_object(call.request, *texts, flags=ticks, objects=objects)


def _value(field: ControlField, said: dict[str, Any]) -> Any:
    if field.input is Input.ANSWERS:
        # What of it is right, the rules know: it is the step that asks.
        return said.get(field.place, {})
    if field.input is Input.TICK:
        return bool(said.get(field.place, False))
    text = str(said.get(field.place, "")).strip()
    least = 1 if field.missing else 0
    if not least <= len(text) <= field.most:
        raise ProblemError(
            400,
            "The request is invalid",
            f"The {field.place} has {len(text)} characters; {least} to {field.most} were expected.",
        )
    return text
