"""The codes of problems: stable, so that dashboards, alerts and tests may compare them. The sentences are not."""

from __future__ import annotations

from enum import StrEnum


class ProblemCode(StrEnum):
    """What went wrong at Microsoft. The first block heals by itself and is tried again, the second needs a person."""

    THROTTLED = "throttled"
    """Too many requests; Microsoft says how long to wait."""
    OUTAGE = "outage"
    """Microsoft answered with a server error."""
    TIMEOUT = "timeout"
    """No answer in time. A write may have been done all the same."""
    NO_ANSWER = "no-answer"
    """The connection failed or broke. A write may have been done all the same."""
    UNEXPECTED_ANSWER = "unexpected-answer"
    """An answer that isn't what Microsoft's API describes, such as a proxy's error page."""
    NOT_REPLICATED = "not-replicated"
    """Something that was just made isn't known everywhere in the directory yet."""
    BUSY = "busy"
    """Another operation on the same resource is under way."""
    TXT_RECORD_NOT_SEEN = "txt-record-not-seen"
    """Microsoft looked for the domain's TXT record and did not find it."""

    SIGN_IN_FAILED = "sign-in-failed"
    """No token, or one that Microsoft doesn't accept."""
    PERMISSION_MISSING = "permission-missing"
    """The application's identity may not do that."""
    DOMAIN_IN_USE = "domain-in-use"
    """Another Microsoft tenant holds the domain."""
    GATEWAY_GONE = "gateway-gone"
    """The gateway, its resource group or its subscription does not exist."""
    PROVIDER_RETIRED = "provider-retired"
    """Azure doesn't know Microsoft.VoiceServices: the service was retired in 2026."""
    REFUSED = "refused"
    """Microsoft refuses the request, for a reason that it gives."""
