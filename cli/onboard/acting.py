"""`confirm` and `look`: what people do to an onboarding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from onboard.api import Json
from onboard.errors import CommandError
from onboard.exits import ExitCode
from onboard.output import Output, put_csv, put_json, put_table, talk
from onboard.session import ClientId, Form, Named, Url, session

StepName = Annotated[
    str | None, typer.Argument(metavar="[STEP]", help="Its name; may be left out where only one fits.")
]
Answers = Annotated[
    list[str] | None,
    typer.Option("--answer", help="name=value, for what the step asks; several times, also for a list."),
]
Note = Annotated[str, typer.Option("--note", help="Kept with the confirmation.")]
Turn = Annotated[
    str, typer.Option("--turn", help="Of a checkpoint that goes back and forth: which turn is done. Else all of it is.")
]


def confirm(
    context: typer.Context,
    named: Named,
    step: StepName = None,
    answer: Answers = None,
    note: Note = "",
    turn: Turn = "",
    output: Form = Output.TABLE,
    url: Url = None,
    client_id: ClientId = None,
) -> None:
    """Say that a checkpoint is done, or one turn of it, with what it asks for."""
    with session(context, url, client_id) as api:
        pairs = [_pair(text) for text in answer or ()]
        record = api.find(named)
        action = action_of(record, "confirm", step)
        asks = next(s["asks"] for s in record["steps"] if s["name"] == action["step"])
        body: Json = {"answers": _answers(pairs, asks)} if pairs else {}
        more = {name: text for name, text in (("note", note), ("turn", turn)) if text}
        record = api.act(action, {**body, **more})
    tell(record, action["step"], output)


def look(
    context: typer.Context, named: Named, output: Form = Output.TABLE, url: Url = None, client_id: ClientId = None
) -> None:
    """Have a completed onboarding looked at now: is all as it was?"""
    with session(context, url, client_id) as api:
        record = api.act(action_of(api.find(named), "look-for-drift", None))
    if output is Output.TABLE:
        talk("It is looked at, which takes some seconds; `onboard show` says when, and what is not as it was.")
    tell(record, None, output)


def action_of(record: Json, name: str, step: str | None) -> Json:
    """The one of the record's `allowedActions` that is meant. Raises CommandError."""
    able = [a for a in record["allowedActions"] if a["name"] == name]
    meant = [a for a in able if step in (None, a["step"])]
    if len(meant) == 1:
        return dict(meant[0])
    if len(meant) > 1:
        raise CommandError(ExitCode.USAGE, f"Several steps can be meant. Name the one to {name}:", _steps(meant))
    if step is not None and step not in {s["name"] for s in record["steps"]}:
        raise CommandError(ExitCode.NOT_FOUND, f"The onboarding has no step {step[:100]}.")
    now = {s["name"]: s["state"] for s in record["steps"]}.get(step or "", record["state"])
    here = f"There is nothing to {name}" if step is None else f"{step} can't be a step to {name}"
    raise CommandError(
        ExitCode.REFUSED,
        f"{here} now, or not by you: it is {now}.{' Possible is:' if able else ''}",
        _steps(able),
    )


def _steps(actions: Sequence[Json]) -> list[str]:
    return [f"{a['step']} ({a['label']})" for a in actions]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        # Not repeated: it may be a value.
        raise CommandError(ExitCode.USAGE, "--answer is name=value, such as --answer operatorId=contoso-1.")
    return name.strip(), value


def _answers(pairs: Sequence[tuple[str, str]], asks: Sequence[Json]) -> dict[str, str | list[str]]:
    """By name; a list where the step asks for one. Raises CommandError."""
    lists = {a["name"] for a in asks if a["many"]}
    made: dict[str, str | list[str]] = {}
    for name, value in pairs:
        if name in lists:
            kept = made.setdefault(name, [])
            assert isinstance(kept, list)
            kept.append(value)
        elif name in made:
            raise CommandError(ExitCode.USAGE, f"--answer {name[:100]} is given twice, and is no list.")
        else:
            made[name] = value
    return made


def tell(record: Json, step: str | None, output: Output) -> None:
    """Where it stands after it. `step`: None for what is done to the whole."""
    now = next((s for s in record["steps"] if s["name"] == step), record)
    row = {"onboarding": record["id"], "gateway": record["gatewayName"], "step": step, "state": now["state"]}
    match output:
        case Output.JSON:
            put_json(record)
        case Output.CSV:
            put_csv(tuple(row), [row])
        case Output.TABLE:
            put_table(("GATEWAY", "STEP", "STATE"), [(row["gateway"], row["step"] or "", row["state"])])
