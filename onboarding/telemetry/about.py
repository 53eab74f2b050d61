"""What the work at hand is about: each log line written meanwhile says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass

from onboarding.core.record import Record
from onboarding.telemetry.names import LOG_FIELDS


@dataclass(frozen=True, slots=True)
class About:
    """The fields of a log line, by the names in `names.LOG_FIELDS`; None: not known, or not about one."""

    onboarding: str | None = None
    gateway: str | None = None
    step: str | None = None
    attempt: int | None = None
    request: str | None = None
    """The HTTP call in which it is done."""

    @property
    def fields(self) -> dict[str, str | int]:
        """Those that are known."""
        known = {str(name): getattr(self, name) for name in LOG_FIELDS}
        return {name: value for name, value in known.items() if value is not None}

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.fields.items())


NOTHING = About()
_about: ContextVar[About] = ContextVar("onboarding_about", default=NOTHING)


def current_about() -> About:
    """What the work at hand is about."""
    return _about.get()


@contextmanager
def about(record: Record, step: str | None = None) -> Iterator[About]:
    """Work on this onboarding, or on this step of it at its present attempt."""
    attempt = record.step(step).attempts if step else None
    request = current_about().request
    with about_this(About(record.id, record.request.gateway.name, step, attempt, request)) as it:
        yield it


@contextmanager
def about_this(it: About) -> Iterator[About]:
    """The same, for one whose record is not at hand."""
    before = _about.set(it)
    try:
        yield it
    finally:
        # A coroutine that is thrown away unfinished ends in another context, in which nothing was set.
        with suppress(ValueError):
            _about.reset(before)
