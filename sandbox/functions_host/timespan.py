"""Durations as .NET writes them, in host.json and in timer schedules."""

from __future__ import annotations

import re
from datetime import timedelta

_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?")


def parse_timespan(text: str) -> timedelta:
    """The duration that ``[d.]hh:mm[:ss[.fffffff]]`` stands for.

    Raises ValueError for any other text. .NET's rule for hours is 0-23 with days before them; ``24:00:00``,
    which .NET reads as 24 days, is refused as a trap. Source:
    https://learn.microsoft.com/dotnet/standard/base-types/standard-timespan-format-strings
    """
    match = _TIMESPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is no time span; expected [days.]hh:mm[:ss], such as 00:05:00")
    days, hours, minutes, seconds, fraction = (match[n] or "0" for n in range(1, 6))
    if int(hours) > 23 or int(minutes) > 59 or int(seconds) > 59:
        raise ValueError(f"'{text}' is no time span: hours go to 23, minutes and seconds to 59")
    return timedelta(
        days=int(days),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int(fraction.ljust(7, "0")[:6]),
    )


def format_timespan(span: timedelta) -> str:
    """``hh:mm:ss``, with days before it when there are any."""
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{span.days}." if span.days else "") + f"{hours:02}:{minutes:02}:{seconds:02}"
