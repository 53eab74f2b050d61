"""The kinds of gateway that can be onboarded, a module each. What a request is, its `gateway.kind` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from onboarding.core.reasons import InvalidRequestError, Reason, as_answered, reasons_of
from onboarding.core.request import OnboardingRequest
from onboarding.core.services import service_reasons
from onboarding.kinds import communications_gateway, session_border_controller

KINDS: dict[str, type[OnboardingRequest]] = {
    session_border_controller.SBC_KIND: session_border_controller.SessionBorderControllerRequest,
    communications_gateway.KIND: communications_gateway.CommunicationsGatewayRequest,
}
"""`gateway.kind` → the request of that kind."""
DEFAULT = communications_gateway.KIND
"""The kind of a request that says none: those of before there were others."""


def kind_of_key(key: str) -> str:
    """The kind of a gateway by what makes it this one (`Gateway.key`), for rows of before its kind stood there."""
    return DEFAULT if key.startswith("/") else session_border_controller.SBC_KIND


def read_request(body: Any) -> OnboardingRequest:
    """Parsed JSON → the request.

    Raises InvalidRequestError with all reasons at once: those of single fields, and those between fields as far
    as the fields concerned can be read.
    """
    kind = kind_in(body)
    asked = KINDS.get(str(kind))
    if asked is None:
        known = ", ".join(f"'{name}'" for name in KINDS)
        raise InvalidRequestError([Reason("gateway.kind", "kind", as_answered(kind), f"must be one of {known}")])
    reasons: list[Reason] = []
    request: OnboardingRequest | None = None
    try:
        request = asked.model_validate(body)
    except ValidationError as error:
        reasons += reasons_of(error, asked)
    reasons += [*asked.between_fields(body), *service_reasons(body)]
    if reasons or request is None:
        raise InvalidRequestError(reasons)
    return request


def kind_in(body: Any) -> Any:
    """What a request in JSON says of its kind; of one that says nothing, the kind of before there were others."""
    gateway = body.get("gateway") if isinstance(body, dict) else None
    return gateway.get("kind", DEFAULT) if isinstance(gateway, dict) else DEFAULT


def _read_stored(body: Any) -> OnboardingRequest:
    """What was accepted earlier. Raises ValueError for a kind that this version of the application does not know."""
    kind = kind_in(body)
    asked = KINDS.get(str(kind))
    if asked is None:
        raise ValueError(f"this version of the application does not know the kind of gateway '{as_answered(kind)}'")
    return asked.model_validate(body, context=STORED)


STORED: Mapping[str, Any] = {"stored": True, "request": _read_stored}
"""Validation context of everything that is read from a table."""
