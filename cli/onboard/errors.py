"""What a command ends with when it can't go on: words for people, an exit status for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onboard.exits import ExitCode

MOST_SHOWN = 50
"""Reasons of one refusal."""


class CommandError(Exception):
    """A command ends here.

    `code`: the exit status. `reasons`: a line each, below the message.
    """

    def __init__(self, code: ExitCode, message: str, reasons: Sequence[str] = ()) -> None:
        self.code, self.message, self.reasons = code, message, tuple(reasons)
        super().__init__(message)


def refusal(status: int, body: Any) -> CommandError:
    """Of an answer that is a refusal: problem+json (RFC 9457), or whatever stands in its place."""
    if not isinstance(body, dict) or not (body.get("title") or body.get("detail")):
        words = f"The application answered {status} without saying why. Is this its address, and is it set up?"
        return CommandError(_code(status), words)
    errors = [e for e in body.get("errors") or () if isinstance(e, dict)]
    if errors:
        # The detail says the same in one long line.
        shown = [f"{e.get('field')}: {e.get('message')}{_seen(e.get('value'))}" for e in errors[:MOST_SHOWN]]
        return CommandError(_code(status), f"{body.get('title')}.", shown)
    call = f" Whoever reads the log finds it there: request {body['requestId']}." if _ours(status, body) else ""
    return CommandError(_code(status), f"{body.get('title')}: {body.get('detail')}{call}")


def _ours(status: int, body: dict[str, Any]) -> bool:
    """Whether it failed on the application's side, and its log tells more."""
    return status >= 500 and bool(body.get("requestId"))


def _seen(value: Any) -> str:
    return "" if value in (None, "") else f" (seen: {str(value)[:60]})"


def _code(status: int) -> ExitCode:
    match status:
        case 401 | 403:
            return ExitCode.NOT_ALLOWED
        case 404:
            return ExitCode.NOT_FOUND
        case 429 | 502 | 503 | 504:
            return ExitCode.UNREACHABLE
        case _ if 400 <= status < 500:
            return ExitCode.REFUSED
    return ExitCode.FAILED
