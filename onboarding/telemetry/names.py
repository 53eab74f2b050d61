"""Every span, metric, attribute and log field, once. docs/telemetry.md is compared with it; alerts rely on it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SCOPE = "onboarding"
"""The instrumentation scope of everything that is ours; spans of others are not exported."""
SERVICE = "operator-connect-onboarding"

TRACEPARENT, DIAGNOSTIC_ID = "traceparent", "Diagnostic-Id"
"""Application properties of a message: W3C Trace Context, and the name that Azure SDKs and the host read too."""


class Attribute(StrEnum):
    """Of spans and metrics, and (the first five) of log lines. None holds a secret, a person or a number to call."""

    ONBOARDING = "onboarding"
    GATEWAY = "gateway"
    STEP = "step"
    ATTEMPT = "attempt"
    REQUEST = "request"

    TICKET = "ticket"
    VERSION = "version"
    RUN = "run"
    STATE = "state"
    OUTCOME = "outcome"
    PROBLEM = "problem"
    SERVICE = "service"
    OPERATION = "operation"
    STATUS = "status"
    KIND = "kind"
    WAY = "way"
    QUEUE = "queue"
    PRINCIPAL = "principal"
    """The object id of who is given a role: whoever is woken by that must know whom."""
    ROLE = "role"


class Kind(StrEnum):
    """Of an instrument."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Instrument:
    """A metric."""

    name: str
    kind: Kind
    unit: str
    what: str
    attributes: tuple[Attribute, ...] = ()
    bounds: tuple[float, ...] = ()
    """Of a histogram's buckets."""


_HOUR, _DAY = 3600.0, 86400.0

STEPS = Instrument(
    "onboarding.steps",
    Kind.GAUGE,
    "{step}",
    "steps of open onboardings that are due, running, waiting or need attention",
    (Attribute.STATE, Attribute.STEP),
)
WAIT_AGE = Instrument(
    "onboarding.wait.age", Kind.GAUGE, "s", "how long the longest wait for this step has lasted", (Attribute.STEP,)
)
STEP_DURATION = Instrument(
    "onboarding.step.duration",
    Kind.HISTOGRAM,
    "s",
    "from a task's first attempt, or a wait's or checkpoint's opening, until it was done, skipped or needed attention",
    (Attribute.STEP, Attribute.OUTCOME),
    (1, 5, 15, 60, 300, 900, _HOUR, 6 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY),
)
CALLS = Instrument(
    "onboarding.microsoft.calls",
    Kind.COUNTER,
    "{call}",
    "requests to Microsoft, those inside a batch too; status `none` is one without an answer",
    (Attribute.SERVICE, Attribute.OPERATION, Attribute.STATUS),
)
THROTTLED = Instrument(
    "onboarding.microsoft.throttled", Kind.COUNTER, "{call}", "of them, those answered 429", (Attribute.SERVICE,)
)
NOTICES = Instrument(
    "onboarding.notices",
    Kind.COUNTER,
    "{notice}",
    "notices on one way: sent, failed, or not-configured",
    (Attribute.KIND, Attribute.WAY, Attribute.OUTCOME),
)
TIMER_PASSES = Instrument("onboarding.timer.passes", Kind.COUNTER, "{pass}", "passes of the timer that came to an end")
DEAD_LETTERS = Instrument(
    "onboarding.dead.letters", Kind.COUNTER, "{message}", "messages that Service Bus gave up", (Attribute.QUEUE,)
)
UNREADABLE_ROWS = Instrument(
    "onboarding.rows.unreadable",
    Kind.COUNTER,
    "{row}",
    "rows that this version can't read, each time the timer meets one",
)
ROLES_GIVEN = Instrument(
    "onboarding.roles.given",
    Kind.COUNTER,
    "{role}",
    "app roles of Project Synergy that were given, each as it is asked for; the principal by its object id",
    (Attribute.PRINCIPAL, Attribute.ROLE),
)
LINKS_REFUSED = Instrument(
    "onboarding.links.refused",
    Kind.COUNTER,
    "{link}",
    "signed links that were sent to us and were no good: forged, expired, foreign or used",
    (Attribute.KIND,),
)
INSTRUMENTS = (
    STEPS,
    WAIT_AGE,
    STEP_DURATION,
    CALLS,
    THROTTLED,
    NOTICES,
    TIMER_PASSES,
    DEAD_LETTERS,
    UNREADABLE_ROWS,
    ROLES_GIVEN,
    LINKS_REFUSED,
)


INTERNAL, CLIENT = "internal", "client"


@dataclass(frozen=True, slots=True)
class SpanName:
    """A span, or a family of spans whose names follow a pattern."""

    pattern: str
    kind: str
    """As OpenTelemetry has it. None is `server` or `consumer`, which are requests in Application Insights: those are
    the Functions host's, one an invocation, and an attempt that is tried again later is no failed request."""
    what: str
    attributes: tuple[Attribute, ...]


_OF = (Attribute.ONBOARDING, Attribute.GATEWAY)

ROOT = SpanName(
    "onboarding",
    INTERNAL,
    "the request was accepted",
    (*_OF, Attribute.VERSION, Attribute.RUN, Attribute.REQUEST),
)
ATTEMPT = SpanName(
    "step {step}",
    INTERNAL,
    "one attempt at a task by its queue function",
    (*_OF, Attribute.STEP, Attribute.ATTEMPT, Attribute.TICKET, Attribute.OUTCOME, Attribute.PROBLEM),
)
NOTICE = SpanName(
    "notice {kind}",
    INTERNAL,
    "one attempt at sending a notice on all its ways",
    (*_OF, Attribute.STEP, Attribute.KIND, Attribute.TICKET, Attribute.OUTCOME),
)
DELIVERY = SpanName("send {way}", INTERNAL, "the notice on one way", (Attribute.KIND, Attribute.WAY, Attribute.OUTCOME))
TRANSITION = SpanName(
    "{event}",
    INTERNAL,
    "a change of the record, by the name of its event in the audit trail, with the messages that followed",
    (*_OF, Attribute.STEP, Attribute.VERSION, Attribute.REQUEST),
)
CALL = SpanName(
    "{operation}",
    CLIENT,
    "one request to Microsoft, told by its template and never by its values",
    (Attribute.SERVICE, Attribute.OPERATION, Attribute.STATUS),
)
SPANS = (ROOT, ATTEMPT, NOTICE, DELIVERY, TRANSITION, CALL)

LOG_FIELDS = (Attribute.ONBOARDING, Attribute.GATEWAY, Attribute.STEP, Attribute.ATTEMPT, Attribute.REQUEST)
