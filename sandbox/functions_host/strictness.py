"""What the real host does that would make a machine of one's own worse to use: each only when it is asked for."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Strictness:
    """All off, as ``func start`` and people like it."""

    master_key: str | None = None
    """Without it in ``x-functions-key`` or ``?code=``, /admin answers 401."""
    ignore_sigterm: bool = False
    keep_locks: bool = False
    """What still runs after a stop's grace is left alone, and its message comes back when its lock ends."""
    end_on_timeout: bool = False
    """A function that reaches functionTimeout ends the process, two seconds later, and all that runs in it."""
    timer_silence: timedelta = timedelta()
    """How long timers are silent when the host before this one was killed. Known only with a file of their state."""

    @classmethod
    def add_to(cls, parser: argparse.ArgumentParser) -> None:
        group = parser.add_argument_group("as the real host does", "off by default; see README.md")
        add = group.add_argument
        add("--master-key", metavar="KEY", help="the key that /admin asks for")
        add("--ignore-sigterm", action="store_true", help="stop on SIGINT only")
        add("--keep-locks", action="store_true", help="don't cancel what still runs after --grace, nor hand it back")
        add("--end-on-timeout", action="store_true", help="a function at functionTimeout ends the process")
        add(
            "--timer-silence",
            metavar="SECONDS",
            type=float,
            default=0.0,
            help="timers wait for so long after a host that was killed (the real one: up to 60); needs --timer-state",
        )

    @classmethod
    def of(cls, options: argparse.Namespace) -> Strictness:
        return cls(
            options.master_key,
            options.ignore_sigterm,
            options.keep_locks,
            options.end_on_timeout,
            timedelta(seconds=options.timer_silence),
        )
