"""`confirm`, `retry` and `look`: what people do to an onboarding, or to many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from onboard.api import Api, Json, onboarding
from onboard.errors import CommandError
from onboard.exits import ExitCode
from onboard.output import Output, put_csv, put_json, put_table, talk
from onboard.session import ClientId, Form, Named, Url, Yes, ask, session

RETRIED_COLUMNS = ("onboarding", "gateway", "step", "outcome", "said")
_OPEN = "running,waiting-for-people,waiting-for-microsoft,needs-attention,paused"

StepName = Annotated[
    str | None, typer.Argument(metavar="[STEP]", help="Its name; may be left out where only one fits.")
]
NamedOrNot = Annotated[
    str | None, typer.Argument(metavar="[ONBOARDING]", help="Its id, or the name of its gateway.")
]
Answers = Annotated[
    list[str] | None,
    typer.Option("--answer", help="name=value, for what the step asks; several times, also for a list."),
]
Note = Annotated[str, typer.Option("--note", help="Kept with the confirmation.")]
Turn = Annotated[
    str, typer.Option("--turn", help="Of a checkpoint that goes back and forth: which turn is done. Else all of it is.")
]
Code = Annotated[
    str | None, typer.Option("--problem", help="Every step of every onboarding that stopped with this code.")
]
Words = Annotated[
    str | None, typer.Option("--text", help="With --problem: only where gateway or people hold these words.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --problem: only say which.")]


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
        action = _action(record, "confirm", step)
        asks = next(s["asks"] for s in record["steps"] if s["name"] == action["step"])
        body: Json = {"answers": _answers(pairs, asks)} if pairs else {}
        more = {name: text for name, text in (("note", note), ("turn", turn)) if text}
        record = api.act(action, {**body, **more})
    _tell(record, action["step"], output)


def retry(
    context: typer.Context,
    named: NamedOrNot = None,
    step: StepName = None,
    problem: Code = None,
    text: Words = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    output: Form = Output.TABLE,
    url: Url = None,
    client_id: ClientId = None,
) -> None:
    """Try a step again; or, with --problem, all that one cause has stopped."""
    with session(context, url, client_id) as api:
        if (named is None) is (problem is None):
            raise CommandError(ExitCode.USAGE, "Name an onboarding, or a code by --problem.")
        if named is not None:
            action = _action(api.find(named), "retry", step)
            _tell(api.act(action), action["step"], output)
            return
        stopped = _stopped(api, str(problem), text)
        if not dry_run and stopped:
            ask(context, f"Retry {len(stopped)} step{'s' * (len(stopped) != 1)} with {problem}?", yes=yes)
        rows = [s.row("would be retried") if dry_run else _retried(api, s) for s in stopped]
        match output:
            case Output.JSON:
                put_json(rows)
            case Output.CSV:
                put_csv(RETRIED_COLUMNS, rows)
            case Output.TABLE:
                put_table(
                    ("GATEWAY", "STEP", "OUTCOME", "WHAT WAS SAID"),
                    [(r["gateway"], r["step"], r["outcome"], r["said"]) for r in rows],
                )
        counts = Counter(r["outcome"] for r in rows)
        became = ", ".join(f"{number} {what}" for what, number in counts.items())
        talk(f"{became or f'Nothing to retry with {problem}'}.")
        worst = next((code for code, what in _OUTCOMES.items() if counts[what]), None)
    if worst is not None:
        raise typer.Exit(int(worst))


def look(
    context: typer.Context, named: Named, output: Form = Output.TABLE, url: Url = None, client_id: ClientId = None
) -> None:
    """Have a completed onboarding looked at now: is all as it was?"""
    with session(context, url, client_id) as api:
        record = api.act(_action(api.find(named), "look-for-drift", None))
    if output is Output.TABLE:
        talk("It is looked at, which takes some seconds; `onboard show` says when, and what is not as it was.")
    _tell(record, None, output)


_OUTCOMES = {
    ExitCode.FAILED: "failed",
    ExitCode.UNREACHABLE: "not reached",
    ExitCode.NOT_ALLOWED: "not allowed",
    ExitCode.REFUSED: "refused",
    ExitCode.NOT_FOUND: "gone",
}
"""Of a step that was not retried, by the exit status of its refusal; the gravest first."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A step that may be retried."""

    record: Json
    action: Json

    def row(self, became: str, said: str = "") -> dict[str, Any]:
        """Of the report."""
        return {
            "onboarding": self.record["id"],
            "gateway": self.record["gatewayName"],
            "step": self.action["step"],
            "outcome": became,
            "said": said,
        }


def _stopped(api: Api, code: str, text: str | None) -> list[Stopped]:
    """The list tells one error of each onboarding: another step of it may have this one."""
    search = {"state": _OPEN} | ({"text": text} if text else {})
    ids = [entry["id"] for entry in api.listed(search) if entry["lastErrorCode"] or entry["state"] == "needs-attention"]
    found: list[Stopped] = []
    lacking = 0
    for onboarding_id in ids:
        record = api.get(onboarding(onboarding_id))
        steps = {s["name"] for s in record["steps"] if (s["problem"] or {}).get("code") == code}
        mine = [a for a in record["allowedActions"] if a["name"] == "retry" and a["step"] in steps]
        found += [Stopped(record, action) for action in mine]
        lacking += len(steps) - len(mine)
    if lacking:
        talk(f"{lacking} more with {code} can't be retried now, or not by you.")
    return found


def _retried(api: Api, stopped: Stopped) -> dict[str, Any]:
    try:
        api.act(stopped.action)
    except CommandError as error:
        return stopped.row(_OUTCOMES.get(error.code, "failed"), " ".join((error.message, *error.reasons)))
    return stopped.row("retried")


def _action(record: Json, name: str, step: str | None) -> Json:
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


def _tell(record: Json, step: str | None, output: Output) -> None:
    """`step`: None for what is done to the whole."""
    now = next((s for s in record["steps"] if s["name"] == step), record)
    row = {"onboarding": record["id"], "gateway": record["gatewayName"], "step": step, "state": now["state"]}
    match output:
        case Output.JSON:
            put_json(record)
        case Output.CSV:
            put_csv(tuple(row), [row])
        case Output.TABLE:
            put_table(("GATEWAY", "STEP", "STATE"), [(row["gateway"], row["step"] or "", row["state"])])
