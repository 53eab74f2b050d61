"""Errors as people and programs get them: application/problem+json (RFC 9457)."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import azure.functions as func

from onboarding.core.decide import RefusedError, UnknownStepError
from onboarding.core.problems import StepProblemError, StoreBusyError
from onboarding.core.reasons import InvalidRequestError
from onboarding.engine import InProgressError
from onboarding.hourly import HourlyLimitError
from onboarding.http.refusals import CODES, NO_SUCH_STEP, PROBLEM
from onboarding.ports import BusRefusedError, BusUnavailableError, ConflictError
from onboarding.rows import UnreadableRowError
from onboarding.settings import SettingsError

log = logging.getLogger("onboarding")

RequestHandler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]


class ProblemError(Exception):
    """A request that gets a 4xx: status, a title that is the same for the kind, and what was seen this time."""

    def __init__(
        self, status: int, title: str, detail: str, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        self.status, self.title, self.detail, self.headers, self.more = (
            status,
            title,
            detail,
            headers or {},
            more,
        )
        super().__init__(detail)


def problem(
    status: int, title: str, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> func.HttpResponse:
    """The answer. Its title is one of `refusals.CODES`; where its type leads, the entrance says."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": CODES[title], **more}
    return func.HttpResponse(
        # What is repeated from a header may hold bytes that are no text.
        json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
        status_code=status,
        mimetype=PROBLEM,
        headers=headers,
    )


def answered(handler: RequestHandler) -> RequestHandler:
    """A handler whose exceptions become answers; nobody gets a bare 500."""

    @wraps(handler)
    async def wrapped(request: func.HttpRequest) -> func.HttpResponse:
        try:
            return await handler(request)
        except ProblemError as error:
            return problem(error.status, error.title, error.detail, error.headers, **error.more)
        except InvalidRequestError as error:
            return problem(400, "The request is invalid", str(error), errors=[r.to_json() for r in error.reasons])
        except UnknownStepError as error:
            return problem(404, NO_SUCH_STEP, str(error))
        except RefusedError as error:
            return problem(409, "Not possible in this state", str(error))
        except InProgressError as error:
            return _in_progress(error)
        except HourlyLimitError as error:
            return problem(429, "Too many requests", str(error), {"Retry-After": str(error.retry_after)})
        except ConflictError:
            return _unavailable("The onboarding is being changed by many at a time.", 1)
        except SettingsError as error:
            # Anybody may be asking: what is set, and how, is for those who read the log.
            log.error("%s", error)
            return problem(503, "The application is not set up", "A setting is missing or wrong; the log says which.")
        except StoreBusyError as error:
            log.error("%s %s: %s", request.method, handler.__name__, error)
            return _unavailable(_NO_ANSWER, 10)
        except (BusUnavailableError, BusRefusedError) as error:
            log.error("%s %s: %s", request.method, handler.__name__, error)
            return _unavailable(_NO_ANSWER, 10)
        except StepProblemError as error:
            log.error("signing in to our own bus failed: %s", error)
            return _unavailable("The application can't sign in to its own bus; the log says why.", 10)
        except UnreadableRowError as error:
            log.error("%s", error)
            return problem(500, "The onboarding can't be read", str(error))
        except Exception as error:
            log.exception("%s %s failed", request.method, handler.__name__)
            if _is_outage(error):
                return _unavailable(_NO_ANSWER, 10)
            return problem(
                500,
                "A defect of this application",
                "The request failed unexpectedly; the log has the details.",
            )

    return wrapped


_NO_ANSWER = "Table Storage or Service Bus did not answer. Nothing that was committed is lost."
_CONTACTS = ("onboardingTeam.", "notify.")


def _in_progress(error: InProgressError) -> func.HttpResponse:
    record = error.record
    if error.differs:
        title = "The gateway has another onboarding"
        what = f"differs from this request in {', '.join(error.differs)}"
    else:
        title, what = "The onboarding is in progress", "is the same as this request"
    next_ = (
        "Post it with ?again=true to start it again."
        if record.closed
        else "It can be started again (?again=true) when it is completed or cancelled."
    )
    if not record.closed and error.differs and all(d.startswith(_CONTACTS) for d in error.differs):
        next_ = f"Whom it tells can be changed: PUT /api/onboardings/{record.id}/contacts."
    return problem(
        409,
        title,
        f"Onboarding {record.id} is {record.state} and {what}. {next_}",
        onboarding=record.id,
        state=record.state.value,
        differs=error.differs,
    )


def _unavailable(detail: str, seconds: int) -> func.HttpResponse:
    return problem(503, "Try again shortly", detail, {"Retry-After": str(seconds)})


def _is_outage(error: Exception) -> bool:
    # Imported here: these libraries are loaded anyway when such an error can occur.
    from azure.core.exceptions import AzureError

    return isinstance(error, AzureError | OSError)
