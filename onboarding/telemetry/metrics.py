"""Counting and measuring, by the instruments of `names`. Nothing happens while no destination is set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from onboarding.telemetry.names import INSTRUMENTS, Attribute, Instrument, Kind

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

Attributes = Mapping[str, str | int]
Put = Callable[[float, Attributes], None]

_puts: dict[str, Put] = {}


def use_meter(meter: Meter | None) -> None:
    """Make the instruments with this meter; with None, none."""
    _puts.clear()
    for instrument in INSTRUMENTS if meter is not None else ():
        assert meter is not None
        _puts[instrument.name] = _put(meter, instrument)


def in_use() -> bool:
    """Whether anybody looks at the measurements."""
    return bool(_puts)


def put(instrument: Instrument, value: float, attributes: Mapping[Attribute, str | int] | None = None) -> None:
    """Add to a counter, set a gauge, or record in a histogram."""
    given = attributes or {}
    if set(given) != set(instrument.attributes):
        raise ValueError(f"{instrument.name} has the attributes {instrument.attributes}; given: {tuple(given)}")
    if instrument.name in _puts:
        _puts[instrument.name](value, {str(name): value for name, value in given.items()})


def count(instrument: Instrument, attributes: Mapping[Attribute, str | int] | None = None) -> None:
    """Add one to a counter."""
    put(instrument, 1, attributes)


def _put(meter: Meter, instrument: Instrument) -> Put:
    name, unit, what = instrument.name, instrument.unit, instrument.what
    match instrument.kind:
        case Kind.COUNTER:
            return meter.create_counter(name, unit, what).add
        case Kind.GAUGE:
            return meter.create_gauge(name, unit, what).set
        case Kind.HISTOGRAM:
            bounds = instrument.bounds
            return meter.create_histogram(name, unit, what, explicit_bucket_boundaries_advisory=bounds).record
