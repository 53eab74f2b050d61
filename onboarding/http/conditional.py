"""Answers that need not be sent again, and changes that are made only to what the caller has seen (RFC 9110, 13).

An onboarding's tag is `"<run>-<version>.<digest of the answer>"`. The digest is there because the same version reads
differently to callers of different roles; which version is meant, the part before the dot says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import azure.functions as func

from onboarding.core.record import Record
from onboarding.engine import Expected, OvertakenError
from onboarding.http.call import HttpCall
from onboarding.http.problems import ProblemError
from onboarding.http.view import View

_HEADER_LENGTH = 2000


def answer(
    request: func.HttpRequest,
    view: View,
    record: Record | None = None,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> func.HttpResponse:
    """A view as JSON with its ETag; 304 without a body when a GET says that it has it already."""
    body = view.model_dump_json(by_alias=True).encode()
    tag = f'"{_version(record)}{hashlib.sha256(body).hexdigest()[:12]}"'
    sent = {**(headers or {}), "ETag": tag}
    if request.method == "GET" and _has(request.headers.get("if-none-match"), tag):
        return func.HttpResponse(status_code=304, mimetype="application/json", headers=sent)
    return func.HttpResponse(body, status_code=status, mimetype="application/json", headers=sent)


@contextmanager
def if_match(call: HttpCall) -> Iterator[Expected | None]:
    """What `If-Match` names, for the engine to expect; None: anything.

    Inside, OvertakenError becomes ProblemError 412.
    """
    wanted = call.request.headers.get("if-match")
    if wanted is None:
        yield None
        return
    try:
        yield lambda record: record is not None and _fits(wanted, record)
    except OvertakenError as error:
        raise _failed(wanted, error.record) from None


def _version(record: Record | None) -> str:
    return f"{record.run}-{record.version}." if record else ""


def _fits(wanted: str, record: Record) -> bool:
    # Proxies that compress make a tag weak. The version still says exactly which record was seen.
    return any(tag == "*" or tag.startswith(f'"{_version(record)}') for tag in _tags(wanted))


def _has(header: str | None, tag: str) -> bool:
    return header is not None and any(known in ("*", tag) for known in _tags(header))


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header[:_HEADER_LENGTH].split(",")]


def _failed(wanted: str, record: Record | None) -> ProblemError:
    now = f"it is at version {record.version} now" if record else "there is no such onboarding"
    return ProblemError(
        412,
        "Changed in between",
        f"If-Match is {wanted[:100]}, but {now}. Nothing was changed: read it again, and decide again.",
        version=record.version if record else None,
    )
