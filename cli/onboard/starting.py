"""`plan` and `request`: before an onboarding, and its beginning."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from onboard.api import Api, Json, onboarding
from onboard.errors import CommandError
from onboard.exits import ExitCode
from onboard.listing import write
from onboard.output import Output, put_csv, put_json, put_table, say, talk
from onboard.session import ClientId, Form, Surroundings, Url, around, session
from onboard.texts import duration

LOOK_EVERY = 2.0
"""Seconds between two looks at a plan that is coming."""
CHANGE_COLUMNS = ("step", "outlook", "target", "words", "what", "before", "after")
STARTED_COLUMNS = ("id", "gateway", "state", "createdAt", "requestedBy")
_FORMS = ("markdown", "bash", "powershell")

RequestFile = Annotated[str, typer.Argument(metavar="FILE", help="A request as JSON; - is stdin.")]
Markdown = Annotated[Path | None, typer.Option("--markdown", help="Write it as Markdown too, for a change ticket.")]
Bash = Annotated[Path | None, typer.Option("--bash", help="Write it as commands of the Azure CLI too.")]
PowerShell = Annotated[Path | None, typer.Option("--powershell", help="Write it as PowerShell too.")]
Detailed = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Status 10 where there are changes, 0 where there are none.")
]
Checksum = Annotated[
    str | None, typer.Option("--plan-checksum", help="Only if exactly the changes of that plan would be made.")
]
Again = Annotated[bool, typer.Option("--again", help="Start a completed or cancelled one again.")]
ValidateOnly = Annotated[
    bool, typer.Option("--validate-only", help="Say whether it would be taken; start nothing.")
]
Timeout = Annotated[str, typer.Option("--timeout", help="How long to wait for the plan.")]


def plan(
    context: typer.Context,
    file: RequestFile,
    markdown: Markdown = None,
    bash: Bash = None,
    powershell: PowerShell = None,
    detailed_exitcode: Detailed = False,
    timeout: Timeout = "5m",
    output: Form = Output.TABLE,
    url: Url = None,
    client_id: ClientId = None,
) -> None:
    """What an onboarding of this request would change, and what would stop it. Nothing is changed."""
    with session(context, url, client_id) as api:
        body = read_file(file)
        made = _made(api, api.send("POST", "plans", body), around(context), duration(timeout))
        for form, to in zip(_FORMS, (markdown, bash, powershell), strict=True):
            if to is not None:
                write(to, api.text(f"plans/{made['id']}/{form}"))
    changes = [*_changes(made)]
    match output:
        case Output.JSON:
            put_json(made)
        case Output.CSV:
            put_csv(CHANGE_COLUMNS, changes)
        case Output.TABLE:
            _show(made)
    if any(finding["gravity"] == "blocker" for finding in made["findings"]):
        talk("As things stand, the onboarding would stop.")
        raise typer.Exit(int(ExitCode.BLOCKED))
    some = any(step["changes"] for step in made["steps"])
    talk("There are changes to make." if some else "There is nothing to change.")
    if some and detailed_exitcode:
        raise typer.Exit(int(ExitCode.CHANGES))


def request(
    context: typer.Context,
    file: RequestFile,
    plan_checksum: Checksum = None,
    again: Again = False,
    validate_only: ValidateOnly = False,
    timeout: Timeout = "5m",
    output: Form = Output.TABLE,
    url: Url = None,
    client_id: ClientId = None,
) -> None:
    """Start an onboarding; its id is put out. The same request again finds the same one."""
    with session(context, url, client_id) as api:
        body = read_file(file)
        asked = {"planChecksum": plan_checksum, "again": "true" if again else None}
        params = {name: value for name, value in asked.items() if value is not None}
        if validate_only:
            _validated(api.send("POST", "onboardings", body, {"validateOnly": "true"}), output)
            return
        record = api.send("POST", "onboardings", body, params)
        if plan_checksum is not None:
            record = _started(api, _made(api, record, around(context), duration(timeout)))
    match output:
        case Output.JSON:
            put_json(record)
        case Output.CSV:
            put_csv(STARTED_COLUMNS, [{**record, "gateway": record["gatewayName"]}])
        case Output.TABLE:
            say(record["id"])
    talk(f"{record['gatewayName']} is {record['state']}.")


def read_file(name: str) -> bytes:
    """A request that somebody wrote, as it is: the application says what is wrong with it. Raises CommandError."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(ExitCode.USAGE, f"{name} can't be read: {error.strerror}.") from None


def _validated(answer: Json, output: Output) -> None:
    if output is Output.JSON:
        put_json(answer)
    else:
        say(answer["onboardingId"])
    for warning in answer["warnings"]:
        talk(f"Worth a look: {warning}")
    there = f" There is one already, {answer['state']}." if answer["exists"] else ""
    differs = f" It differs in {', '.join(answer['differs'])}." if answer["differs"] else ""
    talk(f"The request would be taken.{there}{differs}")


def _made(api: Api, asked: Json, here: Surroundings, timeout: float) -> Json:
    """The plan, when it is made. Raises CommandError."""
    end = here.monotonic() + timeout
    path = f"plans/{asked['id']}"
    now, tag = asked, None
    while now["state"] == "coming":
        if here.monotonic() + LOOK_EVERY > end:
            raise CommandError(ExitCode.GOING_ON, f"The plan {asked['id']} is not made yet. It may still come.")
        here.sleep(LOOK_EVERY)
        answer = api.look(path, tag)
        if answer is not None:
            now, tag = answer.body, answer.tag
    if now["state"] == "failed":
        raise CommandError(ExitCode.FAILED, f"The plan was given up: {now['failed']}")
    return now


_DIFFERS = {
    "gone": "planned, and not now",
    "new": "now, and not planned",
    "other": "otherwise than planned",
    "known": "foreseen, and known exactly now",
    "foreseen": "only foreseen now",
}


def _started(api: Api, made: Json) -> Json:
    """The onboarding that began by a plan. Raises CommandError with what is not as it was planned."""
    start = made["start"] or {}
    if start.get("onboarding"):
        return api.get(onboarding(start["onboarding"]))
    reasons = [
        f"{_DIFFERS.get(d['differs'], d['differs'])}: {d['step']}: {d['words']}" for d in start.get("differences") or ()
    ]
    raise CommandError(ExitCode.REFUSED, f"It has not started. {start.get('refused') or ''}".strip(), reasons)


def _changes(made: Json) -> Iterator[Json]:
    """A row a value that changes, by CHANGE_COLUMNS."""
    for step in made["steps"]:
        for change in step["changes"]:
            known: dict[str, Any] = {"step": step["step"], "outlook": step["outlook"]}
            values: list[Json] = change["values"] or [{}]
            for value in values:
                yield {**known, "target": change["target"], "words": change["words"], **value}


def _show(made: Json) -> None:
    for finding in made["findings"]:
        where = f" ({finding['step']})" if finding["step"] else ""
        say(f"{finding['gravity'].upper()} {finding['code']}{where}: {finding['seen']} {finding['whatNext']}")
    if made["findings"]:
        say()
    rows: list[tuple[str, str, str]] = []
    for step in made["steps"]:
        rows.append((step["step"], step["outlook"], step["found"] or step["waitsOn"]))
        for change in step["changes"]:
            rows.append(("", "", f"→ {change['words']}"))
            rows += [("", "", f"    {v['what']}: {v['before'] or '(none)'} → {v['after']}") for v in change["values"]]
    put_table(("STEP", "OUTLOOK", "WHAT"), rows)
    say()
    say(f"checksum {made['checksum']}")
