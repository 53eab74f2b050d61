"""Injected faults: which calls they strike, what they do, and the rest a throttled client owes us."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.microsoft.clock import Clock
from sandbox.microsoft.exchange import Answer, Json, Request

KINDS = {
    "status": "answers with `status`, and `retryAfter` seconds, `code`, `message` and `details` of the error if given",
    "read-only": "answers every write with 403, and lets reads pass; `struck` counts the tries",
    "lost-answer": "does what is asked, then closes the connection without an answer",
    "cut": "closes the connection without doing anything",
    "delay": "waits `seconds`, then does what is asked",
    "hang": "never answers",
    "omit": "a list leaves out the items whose name matches `name`",
    "garble": "a list gives nothing of those items that could be read",
    "short": "a list ends after its first item, and names no next page",
    "servfail": "DNS: answers SERVFAIL, with the Extended DNS Error `ede` (such as 6, DNSSEC Bogus) if given",
    "no-edns": "DNS: answers `rcode` (FORMERR, NOTIMP, BADVERS) to what comes with EDNS, or nothing for SILENCE",
    "refused": "DNS: answers REFUSED",
    "truncate": "DNS: answers over UDP with the TC bit and nothing else",
}
READS = frozenset({"GET", "HEAD", "OPTIONS"})
OF_LISTS = frozenset({"omit", "garble", "short"})
NO_EDNS = ("FORMERR", "NOTIMP", "BADVERS", "SILENCE")
GRACE = 0.05
"""Seconds after a throttled answer in which a call may have been on its way already."""


@dataclass
class Fault:
    """Strikes calls whose service, method and path (regular expressions, case-insensitive) match, `times` times."""

    kind: str
    service: str = ".*"
    method: str = ".*"
    path: str = ".*"
    server: str = ".*"
    name: str = ".*"
    """Of items of a list."""
    status: int = 503
    retry_after: float | None = None
    code: str | None = None
    message: str | None = None
    details: list[dict[str, str]] | None = None
    """Of the error: objects with `code`, `message` and `target`."""
    empty: bool = False
    """An answer without a body."""
    seconds: float = 0.0
    rcode: str = "FORMERR"
    ede: int | None = None
    times: int | None = 1
    struck: int = 0
    every: int = 1
    """It strikes the last of each so many calls that match: 20 is 5 % of them."""
    met: int = 0
    """Calls that matched."""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Fault:
        """From the control port's JSON. Raises ValueError for an unknown kind, field or pattern."""
        names = {"retryAfter": "retry_after"}
        known = set(cls.__dataclass_fields__) - {"struck", "met", "retry_after"} | {"retryAfter"}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"Unknown fields {', '.join(unknown)} in a fault; known are {', '.join(sorted(known))}.")
        if values.get("kind") not in KINDS:
            raise ValueError(f"Unknown kind of fault {values.get('kind')!r}; known are {', '.join(KINDS)}.")
        fault = cls(**{names.get(name, name): value for name, value in values.items()})
        if fault.rcode not in NO_EDNS:
            raise ValueError(f"Unknown rcode {fault.rcode!r} in a fault; known are {', '.join(NO_EDNS)}.")
        if not isinstance(fault.every, int) or fault.every < 1:
            raise ValueError(f"`every` of a fault is a number of at least 1; got {fault.every!r}.")
        for pattern in (fault.service, fault.method, fault.path, fault.server, fault.name):
            try:
                re.compile(pattern)
            except re.error as problem:
                raise ValueError(f"{pattern!r} is no regular expression: {problem}.") from problem
        return fault

    def matches(self, service: str, method: str, path: str, server: str = "") -> bool:
        """Whether this call is one it strikes, and it has strikes left."""
        if self.times is not None and self.struck >= self.times:
            return False
        # Of a batch, each of its requests comes by here too.
        if self.kind == "read-only" and (service == "dns" or method in READS or path.endswith("/$batch")):
            return False
        pairs = ((self.service, service), (self.method, method), (self.server, server))
        whole = all(re.fullmatch(pattern, text, re.IGNORECASE) for pattern, text in pairs)
        return whole and re.search(self.path, path, re.IGNORECASE) is not None

    def worded(self, answer: Answer) -> Answer:
        """A refusal in this fault's words, where it has any."""
        if self.empty or not isinstance(answer.body, dict):
            return Answer(answer.status, None if self.empty else answer.body, answer.headers)
        words = {name: getattr(self, name) for name in ("code", "message", "details")}
        given = {name: value for name, value in words.items() if value is not None}
        error = answer.body.get("error")
        body = {**answer.body, "error": {**error, **given}} if isinstance(error, dict) else {**answer.body, **given}
        return Answer(answer.status, body, answer.headers)

    def spoil(self, body: Json) -> Json:
        """What a list's answer becomes by it."""
        if self.kind == "short":
            return {"value": body["value"][:1]}
        hit = [bool(re.search(self.name, str(row.get("name")), re.IGNORECASE)) for row in body["value"]]
        unreadable = {"id": None, "name": None, "properties": "?"}
        rows = [unreadable if struck else row for row, struck in zip(body["value"], hit, strict=True)]
        return body | {"value": rows if self.kind == "garble" else [r for r in rows if r is not unreadable]}

    def json(self) -> dict[str, Any]:
        """As the control port shows it."""
        shown = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "retry_after"}
        return shown | {"retryAfter": self.retry_after}


@dataclass
class Cooldown:
    """A call that was told to wait: until when, and how long it was told."""

    until: float
    told: float
    since: float


@dataclass
class Faults:
    """The faults in force, and the calls that have to wait."""

    clock: Clock
    active: list[Fault] = field(default_factory=list)
    cooldowns: dict[tuple[str, str, str], Cooldown] = field(default_factory=dict)

    def strike(self, service: str, method: str, path: str, server: str = "") -> Fault | None:
        """The first fault that matches, counted as one strike."""
        for fault in self.active:
            if fault.matches(service, method, path, server):
                fault.met += 1
                if fault.met % fault.every:
                    continue
                fault.struck += 1
                return fault
        return None

    def throttle(self, request: Request, seconds: float) -> None:
        """That very call (service, method and path) was told to wait."""
        now = self.clock.time()
        self.cooldowns[_call(request)] = Cooldown(now + seconds, seconds, now)

    def too_early(self, request: Request) -> tuple[float, float] | None:
        """None, or (seconds that were left, seconds to wait now) when the call may not come yet.

        Coming early doubles the wait. A call within the grace time may have been under way when the client
        was told: it is refused with the rest of the wait, and (0.0, rest) is returned.
        """
        cooldown = self.cooldowns.get(_call(request))
        now = self.clock.time()
        if cooldown is None or now >= cooldown.until:
            self.cooldowns.pop(_call(request), None)
            return None
        left = cooldown.until - now
        if now - cooldown.since <= GRACE:
            return 0.0, left
        self.throttle(request, cooldown.told * 2)
        return left, cooldown.told * 2

    def clear(self) -> None:
        """End all faults and waits."""
        self.active.clear()
        self.cooldowns.clear()


def _call(request: Request) -> tuple[str, str, str]:
    return request.service, request.method, request.path.lower()
