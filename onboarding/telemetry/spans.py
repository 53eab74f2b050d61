"""Spans of an onboarding's trace, and where the next one hangs. Nothing here costs while no destination is set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from onboarding.core.record import Record
from onboarding.telemetry import ids
from onboarding.telemetry.ids import SpanIds
from onboarding.telemetry.names import DIAGNOSTIC_ID, ROOT, TRACEPARENT, Attribute, SpanName

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Span, Tracer

Values = Mapping[Attribute, str | int | None]

_tracer: Tracer | None = None
_arrived: ContextVar[SpanIds | None] = ContextVar("onboarding_arrived", default=None)
"""The span that whoever called us, or sent the message, was in."""
_given: ContextVar[SpanIds | None] = ContextVar("onboarding_given", default=None)


def use_tracer(tracer: Tracer | None) -> None:
    """Make spans with this tracer; with None, make none. Its provider should have `given_or_random` for its ids."""
    global _tracer
    _tracer = tracer


def given() -> SpanIds | None:
    """The ids which the span that is being started is to have; None: any."""
    return _given.get()


@contextmanager
def arrived(*traceparents: object) -> Iterator[None]:
    """While what came with these is dealt with: the first that says something counts."""
    places = (span_ids_of(traceparent) for traceparent in traceparents) if _tracer is not None else ()
    before = _arrived.set(next(filter(None, places), None))
    try:
        yield
    finally:
        _arrived.reset(before)


def span_ids_of(traceparent: object) -> SpanIds | None:
    """What a traceparent says; None for one that says nothing. Whoever sends a message may write anything there."""
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {TRACEPARENT: traceparent} if isinstance(traceparent, str) else {}
    return _here(TraceContextTextMapPropagator().extract(carrier, Context()))


@contextmanager
def root_span(record: Record, values: Values) -> Iterator[None]:
    """The span that the whole trace of this run hangs on; linked to the caller's own trace."""
    if _tracer is None:
        yield
        return
    from opentelemetry.context import Context

    place = ids.root_ids(record.id, record.run)
    before = _given.set(place)
    try:
        span = _started(ROOT, ROOT.pattern, values, Context(), _links(place))
    finally:
        _given.reset(before)
    with _current(span):
        yield


@contextmanager
def span(name: SpanName, record: Record | None, values: Values, **pattern: str) -> Iterator[SpanText]:
    """A span below the nearest one of the record's trace; of no record: below whatever is current."""
    if _tracer is None:
        yield SpanText(None)
        return
    context, links = _parent(record) if record else (None, [])
    with _current(_started(name, name.pattern.format(**pattern), values, context, links)) as made:
        yield SpanText(made)


@contextmanager
def within_trace(record: Record) -> Iterator[None]:
    """In the record's trace, without a span of its own."""
    if _tracer is None:
        yield
        return
    from opentelemetry import context

    parent, _ = _parent(record)
    token = context.attach(parent) if parent is not None else None
    try:
        yield
    finally:
        if token is not None:
            context.detach(token)


def current_span() -> SpanText:
    """The span that is open now."""
    if _tracer is None:
        return SpanText(None)
    from opentelemetry import trace

    return SpanText(trace.get_current_span())


def message_properties() -> dict[str | bytes, Any]:
    """Application properties of a message that is sent now; none while no destination is set."""
    if _tracer is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return {name: carrier[TRACEPARENT] for name in (TRACEPARENT, DIAGNOSTIC_ID) if carrier}


def nearest() -> Context | None:
    """Where a log line belongs: the open span, else the one that came with the message; None: the open context."""
    came = _arrived.get()
    return None if came is None or _here() is not None else _remote(came)


class SpanText:
    """What is found out while a span is open."""

    def __init__(self, span: Span | None) -> None:
        self._span = span

    def set(self, name: Attribute, value: str | int) -> None:
        """An attribute of the span."""
        if self._span is not None:
            self._span.set_attribute(str(name), value)

    def failed(self, why: str) -> None:
        """The span's status becomes ERROR. `why` must be safe to show: a code, or a type's name."""
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_status(Status(StatusCode.ERROR, why))


def _started(name: SpanName, text: str, values: Values, parent: Context | None, links: list[Link]) -> Span:
    from opentelemetry.trace import SpanKind

    assert _tracer is not None
    known = {str(key): value for key, value in values.items() if value is not None}
    return _tracer.start_span(text, context=parent, kind=SpanKind[name.kind.upper()], attributes=known, links=links)


@contextmanager
def _current(span: Span) -> Iterator[Span]:
    from opentelemetry import trace
    from opentelemetry.trace import Status, StatusCode

    # OpenTelemetry would record an exception's message and traceback, which may quote anything: its type is enough.
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def _here(context: Context | None = None) -> SpanIds | None:
    from opentelemetry import trace

    seen = trace.get_current_span(context).get_span_context()
    return SpanIds(seen.trace_id, seen.span_id) if seen.is_valid else None


def _parent(record: Record) -> tuple[Context | None, list[Link]]:
    """Below what, and linked to what: the open span, else what arrived, else the root; whichever is of this trace."""
    trunk = ids.root_ids(record.id, record.run)
    here, came = _here(), _arrived.get()
    if here is not None and here.trace_id == trunk.trace_id:
        return None, []
    nearest = came if came is not None and came.trace_id == trunk.trace_id else trunk
    return _remote(nearest), _links(trunk)


def _links(trunk: SpanIds) -> list[Link]:
    """To the span of another trace in which this happens: the caller's, the timer's."""
    from opentelemetry.trace import Link, SpanContext, TraceFlags

    other = _here() or _arrived.get()
    if other is None or other.trace_id == trunk.trace_id:
        return []
    return [Link(SpanContext(other.trace_id, other.span_id, is_remote=True, trace_flags=TraceFlags.get_default()))]


def _remote(place: SpanIds) -> Context:
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    seen = SpanContext(place.trace_id, place.span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(seen), Context())
