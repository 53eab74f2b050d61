"""`show` and `watch`: one onboarding."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from onboard.api import Json, onboarding
from onboard.exits import ExitCode
from onboard.listing import STEP_COLUMNS, step_rows
from onboard.output import Output, put_csv, put_json, put_table, say, talk
from onboard.session import ClientId, Form, Named, Url, around, session
from onboard.texts import duration, flat, minute

WATCHED = (
    "id", "version", "state", "progress.done", "progress.total", "waitingFor", "waitingForStep", "waitingOn",
    "waitingSince", "lastError.code", "updatedAt",
)  # fmt: skip
"""What `watch` tells of a record."""
_ENDS = {
    "completed": ExitCode.DONE,
    "cancelled": ExitCode.FAILED,
    "needs-attention": ExitCode.ATTENTION,
    "waiting-for-people": ExitCode.PEOPLE,
}
_WITH_STEP = ("confirm", "retry")
"""Actions that are commands here."""


class Until(StrEnum):
    """When `watch` ends."""

    CLOSED = "closed"
    ATTENTION = "attention"
    PEOPLE = "people"


_ENDED_BY = {
    Until.CLOSED: {ExitCode.DONE, ExitCode.FAILED},
    Until.ATTENTION: {ExitCode.DONE, ExitCode.FAILED, ExitCode.ATTENTION},
    Until.PEOPLE: {ExitCode.DONE, ExitCode.FAILED, ExitCode.ATTENTION, ExitCode.PEOPLE},
}


AsWatch = Annotated[bool, typer.Option("--exit-code", help="The exit status says the state, as that of watch.")]
WatchedUntil = Annotated[
    Until, typer.Option("--until", help="End also when it needs attention, or waits for people.")
]
Every = Annotated[str, typer.Option("--every", help="How often to look: 30s, 5m.")]
Timeout = Annotated[str | None, typer.Option("--timeout", help="End with status 9 after this time: 45m, 14d.")]


def outcome(record: Json) -> ExitCode:
    """What a record's state says, as an exit status. A step that needs attention counts for more than an open
    checkpoint, and that for more than what goes on by itself beside it."""
    told = _ENDS.get(record["state"], ExitCode.GOING_ON)
    beside = record["state"] in ("running", "waiting-for-microsoft") and any(open_to_people(record))
    return ExitCode.PEOPLE if beside else told


def open_to_people(record: Json) -> Iterator[Json]:
    """Steps that a person is to do now."""
    return (s for s in record["steps"] if s["state"] == "waiting" and (s["kind"] == "checkpoint" or s["byHand"]))


def show(
    context: typer.Context,
    named: Named,
    exit_code: AsWatch = False,
    output: Form = Output.TABLE,
    url: Url = None,
    client_id: ClientId = None,
) -> None:
    """One onboarding with every step, and what may be done now."""
    with session(context, url, client_id) as api:
        record = api.find(named)
    match output:
        case Output.JSON:
            put_json(record)
        case Output.CSV:
            put_csv(STEP_COLUMNS, step_rows(record))
        case Output.TABLE:
            _show(record)
    if exit_code:
        raise typer.Exit(int(outcome(record)))


def _show(record: Json) -> None:
    progress = record["progress"]
    steps = f"{progress['done']} of {progress['total']} steps"
    say(f"{record['gatewayName']}: {record['state']}, {steps} ({record['id']})")
    if record["waitingFor"]:
        whom = record["waitingOnName"] or record["waitingOn"]
        say(f"Waits for {record['waitingFor']}, {whom}, since {minute(record['waitingSince'])} UTC")
    for warning in record["warnings"]:
        say(f"Worth a look: {warning}")
    if record["inspected"]:
        say(f"Last inspected {minute(record['inspected']['at'])} UTC")
    for step in record["steps"]:
        for one in step["deviations"]:
            say(f"{_standing(one)}: {step['name']}: {one['what']}: {one['expected']} → {one['found']}")
    say()
    put_table(
        ("STEP", "STATE", "SINCE (UTC)", "WHAT"),
        [(s["name"], s["state"], minute(s["since"]), _what(s)) for s in record["steps"]],
    )
    commands = [*_commands(record)]
    if commands:
        say()
        say("Now possible:")
    for line in commands:
        say(f"  {line}")
    others = {a["label"].partition(":")[0]: None for a in record["allowedActions"] if a["name"] not in _WITH_STEP}
    if others:
        say()
        say(f"On its page: {', '.join(others)}.")


def _standing(deviation: Json) -> str:
    accepted = deviation["accepted"]
    if accepted:
        return f"Accepted by {accepted['by']}"
    return "Not as it was" if deviation["sure"] else "Seen once, and looked at again"


def _what(step: Json) -> str:
    problem = step["problem"]
    if problem:
        return f"{problem['code']}: {problem['seen']} {problem.get('whatNext') or ''}"
    return str(step["skippedBecause"] or step["detail"] or step["waitsFor"] or "")


def _commands(record: Json) -> Iterator[str]:
    """What is allowed and a command here, as it would be written."""
    steps = {s["name"]: s for s in record["steps"]}
    for action in (a for a in record["allowedActions"] if a["name"] in _WITH_STEP):
        asks = steps[action["step"]]["asks"] if action["name"] == "confirm" else ()
        answers = "".join(
            f" --answer {shlex.quote(a['name'])}=…" if a["required"] else f" [--answer {shlex.quote(a['name'])}=…]"
            for a in asks
        )
        turns = steps[action["step"]].get("turns") or () if action["name"] == "confirm" else ()
        now = "".join(f" [--turn {shlex.quote(turn['name'])}]" for turn in turns if turn["state"] == "now")
        yield f"onboard {action['name']} {record['id']} {action['step']}{now}{answers}"


def watch(
    context: typer.Context,
    named: Named,
    until: WatchedUntil = Until.CLOSED,
    every: Every = "30s",
    timeout: Timeout = None,
    output: Form = Output.TABLE,
    url: Url = None,
    client_id: ClientId = None,
) -> None:
    """Look until it ends; a line for each change. The exit status says how it ended."""
    here = around(context)
    with session(context, url, client_id) as api:
        pause, end = max(duration(every), 1.0), here.monotonic() + duration(timeout) if timeout else None
        path, tag, told = onboarding(api.find(named)["id"]), None, None
        while True:
            answer = api.look(path, tag)
            if answer is not None:
                tag, record = answer.tag, answer.body
                now = {name: flat(record).get(name) for name in WATCHED}
                # Attempts and looks change a record too.
                news = {name: value for name, value in now.items() if name not in ("version", "updatedAt")}
                if news != told:
                    _tell(now, output, first=told is None)
                    told = news
                if (code := outcome(record)) in _ENDED_BY[until]:
                    raise typer.Exit(int(code))
            if end is not None and here.monotonic() + pause > end:
                talk(f"After {timeout} it is {record['state']}.")
                raise typer.Exit(int(ExitCode.GOING_ON))
            here.sleep(pause)


def _tell(now: Json, output: Output, *, first: bool) -> None:
    match output:
        case Output.JSON:
            put_json(now, in_one_line=True)
        case Output.CSV:
            put_csv(WATCHED, [now], with_header=first)
        case Output.TABLE:
            waits = f", waits for {now['waitingFor']} ({now['waitingOn']})" if now["waitingFor"] else ""
            error = f", {now['lastError.code']}" if now.get("lastError.code") else ""
            steps = f"{now['progress.done']}/{now['progress.total']}"
            say(f"{minute(now['updatedAt'])} {now['state']} {steps}{waits}{error}")
