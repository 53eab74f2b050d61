"""`list` and `export`: many onboardings."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from onboard.api import Api, Json, onboarding
from onboard.errors import CommandError
from onboard.exits import ExitCode
from onboard.output import Output, csv_lines, put_csv, put_json, put_table, talk
from onboard.session import ClientId, Form, Url, session
from onboard.texts import flat, minute

LIST_COLUMNS = (
    "id", "version", "gatewayName", "gateway", "armId", "subscriptionId", "environment", "services", "state",
    "waitingFor",
    "waitingForStep", "waitingOn", "waitingOnName", "waitingSince", "nextDueAt", "progress.done", "progress.total",
    "openWaitCount", "lastErrorSeen", "lastError", "lastErrorCode", "noticeError", "domain", "applicationId",
    "requestedBy", "createdAt",
    "updatedAt", "deviationCount", "closedAt", "expectedAt", "late", "href",
)  # fmt: skip
"""Of an export in which nothing stands; otherwise the application says which there are."""
STEP_COLUMNS = (
    "onboarding", "gateway", "onboardingState", "step", "title", "kind", "state", "since", "begunAt", "attempts",
    "failures", "nextAttemptAt", "waitsFor", "detail", "problemCode", "problemSeen", "skippedBecause", "endedBy",
)  # fmt: skip

_HEADER = ("GATEWAY", "STATE", "DONE", "SINCE (UTC)", "ON", "ERROR", "ID", "WAITS FOR")

State = Annotated[list[str] | None, typer.Option("--state", help="Only in this state; may be given several times.")]
Subscription = Annotated[str | None, typer.Option("--subscription", help="Only of this Azure subscription (its id).")]
Environment = Annotated[str | None, typer.Option("--environment", help="production or lab.")]
Service = Annotated[str | None, typer.Option("--service", help="operatorConnect or teamsPhoneMobile.")]
Words = Annotated[str | None, typer.Option("--text", help="Words that gateway or people must hold.")]
Code = Annotated[str | None, typer.Option("--problem", help="Only with this code as the last error.")]


def search_of(
    state: list[str] | None,
    subscription: str | None,
    environment: str | None,
    service: str | None,
    text: str | None,
) -> dict[str, str]:
    """The filters as the API's list takes them."""
    given = {
        "state": ",".join(state or ()),
        "subscription": subscription,
        "environment": environment,
        "service": service,
        "text": text,
    }
    return {name: value for name, value in given.items() if value}


def list_(
    context: typer.Context,
    state: State = None,
    subscription: Subscription = None,
    environment: Environment = None,
    service: Service = None,
    text: Words = None,
    problem: Code = None,
    sort: Annotated[str | None, typer.Option("--sort", help="gateway, updated, waiting or state (urgency).")] = None,
    descending: Annotated[bool, typer.Option("--descending", help="The other end first.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many; all unless told.")] = None,
    output: Form = Output.TABLE,
    url: Url = None,
    client_id: ClientId = None,
) -> None:
    """All onboardings, or those that fit."""
    with session(context, url, client_id) as api:
        search = search_of(state, subscription, environment, service, text)
        search |= {"sort": sort} if sort else {}
        search |= {"order": "desc"} if descending else {}
        found = [*islice(_with(api.listed(search), problem), limit)]
        match output:
            case Output.JSON:
                put_json(found)
            case Output.CSV:
                rows = [flat(entry) for entry in found]
                put_csv(tuple(rows[0]) if rows else LIST_COLUMNS, rows)
            case Output.TABLE:
                put_table(_HEADER, [*map(_line, found)])
        talk(f"{len(found)} onboarding{'' if len(found) == 1 else 's'}.")


def export(
    context: typer.Context,
    steps: Annotated[bool, typer.Option("--steps", help="A row a step, in place of a row an onboarding.")] = False,
    to: Annotated[Path | None, typer.Option("--to", help="A file, in place of stdout.", dir_okay=False)] = None,
    state: State = None,
    subscription: Subscription = None,
    environment: Environment = None,
    service: Service = None,
    text: Words = None,
    problem: Code = None,
    url: Url = None,
    client_id: ClientId = None,
) -> None:
    """CSV of all onboardings, or of those that fit: every column of the list, or a row a step."""
    with session(context, url, client_id) as api:
        found = _with(api.listed(search_of(state, subscription, environment, service, text)), problem)
        rows = [*_steps(api, found)] if steps else [flat(entry) for entry in found]
        header = STEP_COLUMNS if steps else tuple(rows[0]) if rows else LIST_COLUMNS
        if to is None:
            put_csv(header, rows)
        else:
            write(to, csv_lines(header, rows))
        talk(f"{len(rows)} row{'' if len(rows) == 1 else 's'}.")


def write(to: Path, text: str) -> None:
    """A file of that text. Raises CommandError."""
    try:
        to.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise CommandError(ExitCode.USAGE, f"{to} can't be written: {error.strerror}.") from None


def _with(entries: Iterator[Json], code: str | None) -> Iterator[Json]:
    return (entry for entry in entries if code is None or entry["lastErrorCode"] == code)


def _line(entry: Json) -> tuple[Any, ...]:
    progress = entry["progress"]
    return (
        entry["gatewayName"],
        entry["state"],
        f"{progress['done']}/{progress['total']}",
        minute(entry["waitingSince"]),
        entry["waitingOnName"] or entry["waitingOn"],
        entry["lastErrorCode"],
        entry["id"],
        entry["waitingFor"],
    )


def _steps(api: Api, entries: Iterator[Json]) -> Iterator[Json]:
    for entry in entries:
        record = api.get(onboarding(entry["id"]))
        yield from step_rows(record)


def step_rows(record: Json) -> Iterator[Json]:
    """A row a step, by STEP_COLUMNS."""
    for step in record["steps"]:
        problem = step["problem"] or {}
        yield {
            **step,
            "onboarding": record["id"],
            "gateway": record["gatewayName"],
            "onboardingState": record["state"],
            "step": step["name"],
            "problemCode": problem.get("code"),
            "problemSeen": problem.get("seen"),
        }
