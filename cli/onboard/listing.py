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
    "id", "version", "gatewayName", "gateway", "armId", "kind", "subscriptionId", "environment", "services", "state",
    "waitingFor",
    "waitingForStep", "waitingOn", "waitingOnName", "waitingSince", "nextDueAt", "progress.done", "progress.total",
    "openWaitCount", "waits", "lastErrorSeen", "lastError", "lastErrorCode", "noticeError", "domain", "applicationId",
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
Code = Annotated[str | None, typer.Option("--problem", help="Only those that wait for a step with this code.")]
Kind = Annotated[str | None, typer.Option("--kind", help="Only this kind of gateway.")]
Whom = Annotated[str | None, typer.Option("--waits-on", help="Only those that wait on them: admin-user, microsoft …")]


def search_of(
    state: list[str] | None,
    subscription: str | None,
    environment: str | None,
    service: str | None,
    text: str | None,
    kind: str | None = None,
    waits_on: str | None = None,
    problem: str | None = None,
) -> dict[str, str]:
    """The filters as the API's list takes them."""
    given = {
        "state": ",".join(state or ()),
        "subscription": subscription,
        "environment": environment,
        "service": service,
        "text": text,
        "kind": kind,
        "waitsOn": waits_on,
        "problem": problem,
    }
    return {name: value for name, value in given.items() if value}


def list_(
    context: typer.Context,
    state: State = None,
    subscription: Subscription = None,
    environment: Environment = None,
    service: Service = None,
    text: Words = None,
    kind: Kind = None,
    waits_on: Whom = None,
    problem: Code = None,
    sort: Annotated[str | None, typer.Option("--sort", help="urgency, gateway, updated, waiting or state.")] = None,
    descending: Annotated[bool, typer.Option("--descending", help="The other end first.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many; all unless told.")] = None,
    output: Form = Output.TABLE,
    url: Url = None,
    client_id: ClientId = None,
) -> None:
    """All onboardings, or those that fit."""
    with session(context, url, client_id) as api:
        search = search_of(state, subscription, environment, service, text, kind, waits_on, problem)
        search |= {"sort": sort} if sort else {}
        search |= {"order": "desc"} if descending else {}
        found = [*islice(api.listed(search), limit)]
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
    kind: Kind = None,
    waits_on: Whom = None,
    problem: Code = None,
    url: Url = None,
    client_id: ClientId = None,
) -> None:
    """CSV of all onboardings, or of those that fit: every column of the list, or a row a step."""
    with session(context, url, client_id) as api:
        found = api.listed(search_of(state, subscription, environment, service, text, kind, waits_on, problem))
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


def _line(entry: Json) -> tuple[Any, ...]:
    """The most urgent of what it waits for, with the problem of that very step, and the others at the end."""
    progress = entry["progress"]
    begins = (entry["gatewayName"], entry["state"], f"{progress['done']}/{progress['total']}")
    if not entry["waits"]:
        # It waits for nothing, or nobody has kept yet what its error belongs to.
        since, code = minute(entry["waitingSince"]), entry["lastErrorCode"]
        return (*begins, since, _whom(entry), code, entry["id"], entry["waitingFor"])
    first, *others = entry["waits"]
    more = f"; +{len(others)} more: {'; '.join(map(_other, others))}" if others else ""
    told = f"{first['what']}{marks(first)}{more}"
    return (*begins, minute(first["since"]), _whom(first), _code(first), entry["id"], told)


def _other(wait: Json) -> str:
    code = f", {_code(wait)}" if _code(wait) else ""
    return f"{wait['what']}, {_whom(wait)}, since {minute(wait['since'])}{marks(wait)}{code}"


def _whom(waits: Json) -> Any:
    return waits["waitingOnName"] or waits["waitingOn"]


def _code(wait: Json) -> Any:
    return wait["problem"] and wait["problem"]["code"]


def marks(wait: Json) -> str:
    """That something that is waited for is overdue, or was escalated."""
    said = [name for name in ("overdue", "escalated") if wait[name]]
    return f" ({', '.join(said)})" if said else ""


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
