"""Answers of Microsoft's APIs, and what those statuses mean that mean the same in all of them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from onboarding.azure.permissions import ChangesBy, ProjectSynergyBy
from onboarding.azure.quotes import LONGEST_CODE, quoted
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError

LONGEST_PAUSE = 86400.0
"""Seconds of `Retry-After` that are believed. A longer one is somebody's mistake, such as the largest number that fits:
heeded, it would let a step stand still for years, and nobody would be asked."""
_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")
_REQUEST_IDS = ("request-id", "x-ms-request-id")


class MicrosoftService(StrEnum):
    """Whom we call, as people know it."""

    ARM = "Azure Resource Manager"
    GRAPH = "Microsoft Graph"
    ENTRA = "Microsoft Entra"


@dataclass(frozen=True, slots=True)
class MicrosoftCall:
    """One call, told without its values: `POST /domains/{id}/verify`. Safe to log and to show."""

    service: MicrosoftService
    method: str
    template: str
    by: str | None = field(default=None, compare=False)
    """Client id of the managed identity that calls; None when it is the system-assigned one."""
    synergy_by: ProjectSynergyBy = field(default=ProjectSynergyBy.APPLICATION, compare=False)
    """Which of the sets of permissions that identity holds; and so the next."""
    changes_by: ChangesBy = field(default=ChangesBy.APPLICATION, compare=False)

    @property
    def operation(self) -> str:
        return f"{self.method} {self.template}"

    def __str__(self) -> str:
        return f"{self.operation} ({self.service})"


@dataclass(frozen=True, slots=True)
class MicrosoftAnswer:
    """A status, headers (names in lower case) and the JSON body, which is None when there is none."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @classmethod
    def of(cls, status: int, headers: Iterable[tuple[str, str]], content: bytes) -> MicrosoftAnswer:
        """From what came over the wire; a body that isn't JSON is dropped."""
        try:
            body = json.loads(content) if content else None
        except ValueError:
            body = None
        return cls(status, {name.lower(): value for name, value in headers}, body)

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    @property
    def object(self) -> Mapping[str, Any]:
        """The body as an object; empty when it is none."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def error(self) -> Mapping[str, Any]:
        """The error object of OData and of ARM; empty when the body holds none.

        Azure DNS answers with the object itself, `{"code", "message"}`, where ARM's others put it into `error`.
        """
        error = self.object.get("error")
        if isinstance(error, dict):
            return error
        return self.object if isinstance(self.object.get("code"), str) and "message" in self.object else {}

    @property
    def code(self) -> str:
        """Microsoft's error code; empty when it gave none."""
        return str(self.error.get("code") or "")

    @property
    def absent(self) -> bool:
        """The API itself says that there is no such thing. A proxy's 404 page, without an error code, is not that."""
        return self.status == 404 and bool(self.code)

    @property
    def said(self) -> str:
        """Code, message and details, as one text to search."""
        parts = [self.error, *(d for d in self.error.get("details") or () if isinstance(d, dict))]
        return " ".join(str(part.get(name) or "") for part in parts for name in ("code", "message", "target")).strip()

    def retry_after(self, now: datetime | None = None) -> float | None:
        """Seconds that Microsoft wants us to wait, LONGEST_PAUSE at most; None when it named no time.

        A date is compared with the answer's own Date where it has one, so that our clock doesn't matter.
        """
        asked = self._asked(now)
        return None if asked is None else min(asked, LONGEST_PAUSE)

    def _asked(self, now: datetime | None) -> float | None:
        for name in _MILLISECONDS:
            if (milliseconds := _number(self.headers.get(name))) is not None:
                return milliseconds / 1000
        value = self.headers.get("retry-after")
        if value is None or (seconds := _number(value)) is not None:
            return seconds if value is not None else None
        until = _date(value)
        since = _date(self.headers.get("date")) or now or datetime.now(UTC)
        return max(0.0, (until - since).total_seconds()) if until else None

    def __str__(self) -> str:
        """For people: the status, Microsoft's code and words, and the id that its support asks for."""
        message = quoted(str(self.error.get("message") or ""))
        words = ": ".join(part for part in (quoted(self.code, LONGEST_CODE), message) if part)
        ids = [self.headers[name][:LONGEST_CODE] for name in _REQUEST_IDS if name in self.headers]
        known = f" [request id {ids[0]}]" if ids else ""
        return f"{self.status} {words or 'without an error code'}{known}"


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def shared_problem(call: MicrosoftCall, answer: MicrosoftAnswer) -> StepProblemError | None:
    """What a status means in every API; None when it depends on the API (or is success)."""
    seen = f"{call} answered {answer}."
    if answer.status == 429:
        return TryLaterError(ProblemCode.THROTTLED, seen, answer.retry_after())
    if answer.status == 408:
        return TryLaterError(ProblemCode.TIMEOUT, seen, answer.retry_after())
    if answer.status >= 500:
        return TryLaterError(ProblemCode.OUTAGE, seen, answer.retry_after())
    if answer.status == 401:
        # Keys roll over, tokens expire, an identity is not known everywhere at once: later it may well be taken.
        in_the_end = (
            f"{call.service} does not take the token of the application's identity. Check that this identity still"
            " exists and is the function app's (`az functionapp identity show --name <app> --resource-group <group>`),"
            " that AZURE_CLIENT_ID is its client id, and that ONBOARDING_ARM_ENDPOINT and ONBOARDING_GRAPH_ENDPOINT"
            " are those of its own cloud (docs/settings.md). Then retry the step."
        )
        return TryLaterError(ProblemCode.SIGN_IN_FAILED, seen, answer.retry_after(), in_the_end=in_the_end)
    if 300 <= answer.status < 400 or (answer.status == 404 and not answer.absent):
        return unexpected_answer(call, f"status {answer.status} without an error of the API; is its endpoint right?")
    return None


def refusal_problem(call: MicrosoftCall, answer: MicrosoftAnswer) -> PersonMustActError:
    """Any other error: it won't get better by itself."""
    advice = "Read what Microsoft says, change what it names, and retry the step."
    return PersonMustActError(ProblemCode.REFUSED, f"{call} answered {answer}.", advice)


def unexpected_answer(call: MicrosoftCall, what: str) -> TryLaterError:
    """An answer that can't be understood: `what` says what was seen in place of what the API describes."""
    return TryLaterError(ProblemCode.UNEXPECTED_ANSWER, f"{call}: {what}")


def no_answer(call: MicrosoftCall, error: BaseException, *, timeout: bool) -> TryLaterError:
    """The connection failed, broke or kept silent. Whether a write was done is for the next look to find out."""
    what = "no answer in time" if timeout else "no answer"
    code = ProblemCode.TIMEOUT if timeout else ProblemCode.NO_ANSWER
    return TryLaterError(code, f"{call}: {what} ({type(error).__name__}).")


def gravest(problems: Iterable[StepProblemError]) -> StepProblemError | None:
    """The one to raise of several: one that needs a person, else the one with the longest wait; None of none."""
    worst: StepProblemError | None = None
    for problem in problems:
        if isinstance(problem, PersonMustActError):
            return problem
        if worst is None or _wait(problem) > _wait(worst):
            worst = problem
    return worst


def _wait(problem: StepProblemError) -> float:
    after = problem.retry_after if isinstance(problem, TryLaterError) else None
    return -1.0 if after is None else after
