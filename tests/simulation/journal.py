"""What was called, when, on whose behalf, and whether it took effect: the invariants are computed from it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Subject:
    """On whose behalf something runs: one delivery of a message, one pass of the timer, one action of a person."""

    kind: str
    """`step`, `notice`, `timer`, `person` or `check` (the simulation itself)."""
    onboarding: str = ""
    name: str = ""
    """Of the step, notice or action."""
    ticket: int = 0
    claimed: bool = False
    """Whether it has taken its step or notice up: only then may it call anybody."""
    commits: list[str] = field(default_factory=list)
    """What it changed, as the audit trail calls it."""
    told: dict[str, datetime] = field(default_factory=dict)
    """Service → until when it asked to be left alone; nobody else knows before the record does."""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.onboarding, self.name

    def __str__(self) -> str:
        return " ".join(part for part in self.key if part) + (f" #{self.ticket}" if self.ticket else "")


SUBJECT: ContextVar[Subject] = ContextVar("SUBJECT", default=Subject("check"))  # noqa: B039 - never changed


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a port."""

    at: datetime
    """By the application's clock."""
    process: str
    subject: Subject
    service: str
    method: str
    about: str
    """The gateway, domain, user … that it was about."""
    outcome: str
    """`ok`, or what it raised."""
    effect: str = ""
    """What it changed outside, in words that are the same for the same change; empty: nothing."""

    def __str__(self) -> str:
        effect = f" => {self.effect}" if self.effect else ""
        return (
            f"{self.at:%d %H:%M:%S} {self.process} [{self.subject}] {self.service}.{self.method} {self.about}:"
            f" {self.outcome}{effect}"
        )


class Journal:
    """Lines of a run, in order; only the last ones are kept when it is long."""

    def __init__(self, *, keep: bool) -> None:
        self.keep = keep
        self.lines: list[str] = []
        self.calls = 0
        self.effects: list[Call] = []
        """Every call that changed something outside."""

    def note(self, line: str) -> None:
        """Something happened."""
        if self.keep:
            self.lines.append(line)

    def add(self, call: Call) -> None:
        """A call was made."""
        self.calls += 1
        if call.effect:
            self.effects.append(call)
        if self.keep:
            self.lines.append(str(call))
