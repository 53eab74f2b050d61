"""The list as CSV, for spreadsheets and business intelligence: the columns of the table's contract (docs/table.md).

A file holds all that the filter matches, up to EXPORTED onboardings in the order of gateways; where more follow, the
answer's header `Link` says where to go on (RFC 8288), and the file's name says that it is not the whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import azure.functions as func

from onboarding.columns import LISTED, Cell, named
from onboarding.core.cells import csv_text
from onboarding.http.call import HttpCall
from onboarding.http.listing import listed
from onboarding.http.problems import ProblemError
from onboarding.http.search import PARAMETERS, Order, Search, Sort, read_search
from onboarding.ports import MAX_PAGE, Row
from onboarding.records import Records
from onboarding.steps import LIBRARY
from onboarding.steps.definition import Definition

CSV = "text/csv"
EXPORTED = 10_000
"""Onboardings in one file at most: some ten megabytes, and some seconds."""
EXPORT_PARAMETERS = (*PARAMETERS, "rows")
ENDED_STEPS = named("CompletedSteps")
_SHARED = named("Gateway", "SubscriptionId", "Environment", "Services", "State")
STEP_HEADER = ("Id", *_SHARED, "Step", "Title", "WaitsOn", "StepState", "EndedAt", "Seconds")


class ExportRows(StrEnum):
    """What a row of the file is."""

    ONBOARDINGS = "onboardings"
    STEPS = "steps"
    """Each step that has ended: when, and how long it took."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A file, or its first part."""

    text: str
    next: str | None
    """Where the next file begins; None: this holds all."""


def wants_csv(request: func.HttpRequest) -> bool:
    """Whether a caller wants CSV rather than JSON (RFC 9110, 12.5.1)."""
    wanted = [part.split(";") for part in str(request.headers.get("accept", ""))[:1000].lower().split(",")]
    quality = {media.strip(): _quality(parameters) for media, *parameters in wanted}
    return quality.get(CSV, 0.0) > max(quality.get("application/json", 0.0), quality.get("text/html", 0.0))


def read_rows(params: Mapping[str, str]) -> ExportRows:
    """Raises ProblemError 400."""
    given = params.get("rows") or ExportRows.ONBOARDINGS
    if given not in list(ExportRows):
        expected = " or ".join(ExportRows)
        raise ProblemError(400, "The request is invalid", f"?rows= is '{given[:50]}'; {expected} was expected.")
    return ExportRows(given)


async def export_onboardings(call: HttpCall) -> func.HttpResponse:
    """GET /api/onboardings with `Accept: text/csv` → 200, 304, 400."""
    return await csv_answer(call, call.request.params, "onboardings")


async def csv_answer(call: HttpCall, params: Mapping[str, str], path: str, before: str = "") -> func.HttpResponse:
    """The file that a query asks for. `path`: where the next one is asked for. `before`: what the file begins with."""
    search, rows, now = read_search(params), read_rows(params), call.engine.clock.now()
    most = search.limit if params.get("limit") else EXPORTED
    made = await exported(call.engine.records, search, rows, now, most)
    body = f"{before}{made.text}".encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:12]}"'
    whole = "" if made.next is None and not search.after else "-part"
    headers = {
        "ETag": tag,
        "Vary": "Accept",
        "Content-Disposition": f'attachment; filename="{rows}-{now:%Y-%m-%d}{whole}.csv"',
    }
    if made.next:
        query = replace(search, after=made.next).query_string()
        rest = f"&rows={rows}" if rows is not ExportRows.ONBOARDINGS else ""
        headers["Link"] = f'<{call.engine.public_url}/api/{path}?{query}{rest}>; rel="next"'
    if tag in call.request.headers.get("if-none-match", ""):
        return func.HttpResponse(status_code=304, mimetype=CSV, headers=headers)
    return func.HttpResponse(body, mimetype=CSV, charset="utf-8", headers=headers)


async def exported(
    records: Records, search: Search, kind: ExportRows, now: datetime, most: int = EXPORTED
) -> Exported:
    """All that fits from `search.after` on, in the order of gateways; at most so many onboardings.

    Raises ProblemError 400 when `search.after` is of another search.
    """
    more = ENDED_STEPS if kind is ExportRows.STEPS else ()
    found, after = await fitting_rows(records, replace(search, more=more), now, most)
    if kind is ExportRows.STEPS:
        return Exported(csv_text(STEP_HEADER, (line for row in found for line in step_lines(row))), after)
    lines = ((row.key, *(row.columns.get(name) for name in LISTED)) for row in found)
    return Exported(csv_text(("Id", *LISTED), lines), after)


async def fitting_rows(records: Records, search: Search, now: datetime, most: int) -> tuple[list[Row], str | None]:
    """The rows that fit from `search.after` on, in the order of gateways, and where those after them begin; None: there
    are no more. Raises as `exported` does.
    """
    search = replace(search, sort=Sort.GATEWAY, order=Order.ASCENDING)
    found: list[Row] = []
    after = search.after
    while True:
        size = min(MAX_PAGE, most - len(found))
        page = await listed(records, replace(search, limit=size, after=after), now)
        found += page.rows
        after = page.next
        if after is None or len(found) >= most:
            return found, after


def step_lines(row: Row) -> Iterator[Sequence[Cell]]:
    """A line for each step of an onboarding that has ended, by STEP_HEADER."""
    shared = (row.key, *(row.columns.get(name) for name in _SHARED))
    for step in json.loads(row.columns.get(ENDED_STEPS[0]) or "[]"):
        definition = definition_by_name(step["step"])
        title, on = (definition.title, definition.waits_on.value) if definition else (None, None)
        ended = datetime.fromisoformat(step["endedAt"])
        yield (*shared, step["step"], title, on, step["state"], ended, step["seconds"])


def definition_by_name(step: str) -> Definition | None:
    """What is done at a step of that name, also where there are several of it; None: it is of another version."""
    return LIBRARY.get(step.partition(":")[0])


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
