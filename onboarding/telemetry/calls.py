"""A request to Microsoft: a span and a count, by its template."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from onboarding.telemetry import metrics, spans
from onboarding.telemetry.names import CALL, CALLS, THROTTLED, Attribute

NO_ANSWER = "none"
THROTTLED_STATUS = 429


class Answered(Protocol):
    """Anything with a status."""

    @property
    def status(self) -> int: ...


A = TypeVar("A", bound=Answered)


class CallUnderWay:
    """A call that is under way."""

    def __init__(self) -> None:
        self.status: int | None = None

    def answered(self, answer: A) -> A:
        """It was answered; the answer is handed through."""
        self.status = answer.status
        return answer


@contextmanager
def calling(service: str, operation: str) -> Iterator[CallUnderWay]:
    """One request. `operation` is a template such as `POST /domains/{id}/verify`, never a URL."""
    asked = CallUnderWay()
    values = {Attribute.SERVICE: service, Attribute.OPERATION: operation}
    with spans.span(CALL, None, values, operation=operation) as told:
        try:
            yield asked
        finally:
            status = NO_ANSWER if asked.status is None else str(asked.status)
            told.set(Attribute.STATUS, status)
            if asked.status is not None and asked.status >= 400:
                told.failed(status)
            _count(service, operation, status)


def counted(service: str, operation: str, answer: Answered) -> None:
    """A request that went inside another, which has the span."""
    _count(service, operation, str(answer.status))


def _count(service: str, operation: str, status: str) -> None:
    values = {Attribute.SERVICE: service, Attribute.OPERATION: operation, Attribute.STATUS: status}
    metrics.count(CALLS, values)
    if status == str(THROTTLED_STATUS):
        metrics.count(THROTTLED, {Attribute.SERVICE: service})
