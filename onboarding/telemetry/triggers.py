"""Where work comes in: a message, an HTTP call, the timer's tick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from onboarding.core.messages import is_ours
from onboarding.core.patterns import ONBOARDING_ID, fits
from onboarding.telemetry import metrics, spans
from onboarding.telemetry.about import About, about_this
from onboarding.telemetry.logs import redacted
from onboarding.telemetry.names import DIAGNOSTIC_ID, TIMER_PASSES, TRACEPARENT


class FunctionFailedError(Exception):
    """A function failed, told so that the host may log it: it writes down whatever an exception says."""


class QueueMessage(Protocol):
    """What is needed of `azure.functions.ServiceBusMessage`."""

    @property
    def application_properties(self) -> Mapping[str, object]: ...

    def get_body(self) -> bytes: ...


@contextmanager
def received(message: QueueMessage) -> Iterator[None]:
    """A message is dealt with, in the trace that it carries. Raises FunctionFailedError."""
    carried = (is_ours(message.get_body()) and message.application_properties) or {}
    with spans.arrived(carried.get(TRACEPARENT), carried.get(DIAGNOSTIC_ID)), _safely():
        yield


@contextmanager
def called(headers: Mapping[str, str], onboarding_id: str | None, request_id: str) -> Iterator[None]:
    """An HTTP call is answered; what it changes is linked to its caller's trace, and bears the call's id."""
    # What is no id is somebody's text, and has no place in telemetry.
    known = onboarding_id if onboarding_id and fits(ONBOARDING_ID, onboarding_id) else None
    with spans.arrived(headers.get(TRACEPARENT)), about_this(About(known, request=request_id)):
        yield


@contextmanager
def ticked() -> Iterator[None]:
    """The timer's pass. Raises FunctionFailedError."""
    with _safely():
        yield
    metrics.count(TIMER_PASSES)


@contextmanager
def _safely() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - raised again, in other words
        # The frames stay, for whoever looks for the defect; the chain of causes, with their messages, does not.
        raise FunctionFailedError(redacted(error)).with_traceback(error.__traceback__) from None
