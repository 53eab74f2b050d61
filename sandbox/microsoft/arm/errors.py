"""ARM's errors, with its codes and texts. Source of the shape: common-types v3 `ErrorResponse`.

The codes are ARM's own; `InvalidResourceNamespace` is what ARM answers for a namespace it does not know, and so
what a decommissioned provider is expected to answer (no public record of the exact answer was found).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.microsoft.conformance import Problem
from sandbox.microsoft.exchange import Answer

NAMESPACE = "Microsoft.VoiceServices"
FIX = "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
DETAIL_CODES = {
    "required": "ObjectMissingRequiredProperty",
    "additionalProperties": "ObjectAdditionalProperties",
    "enum": "EnumMismatch",
    "type": "InvalidType",
    "minItems": "ArrayLengthShort",
    "pattern": "Pattern",
}


class ArmError(Exception):
    """An error answer of ARM."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str | None = None,
        details: list[dict[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.error: dict[str, Any] = {"code": code, "message": message}
        if target:
            self.error["target"] = target
        if details:
            self.error["details"] = details
        self.headers = headers or {}

    def answer(self) -> Answer:
        """As it goes over the wire."""
        return Answer(self.status, {"error": self.error}, self.headers)


def unauthenticated(reason: str, detail: str) -> ArmError:
    """401, by what is wrong with the token."""
    challenge = {"WWW-Authenticate": 'Bearer authorization_uri="https://login.windows.net/", error="invalid_token"'}
    if reason == "missing":
        message = "Authentication failed. The 'Authorization' header is missing."
        return ArmError(401, "AuthenticationFailed", message, headers=challenge)
    if reason == "audience":
        message = (
            f"The access token has been obtained for wrong audience or resource '{detail}'. It should exactly "
            "match with one of the allowed audiences 'https://management.core.windows.net/',"
            "'https://management.core.windows.net','https://management.azure.com/',"
            "'https://management.azure.com'."
        )
        return ArmError(401, "InvalidAuthenticationTokenAudience", message, headers=challenge)
    if reason == "expired":
        message = f"The access token expiry UTC time is earlier than current UTC time '{datetime.now(UTC):%c}'."
        return ArmError(401, "ExpiredAuthenticationToken", message, headers=challenge)
    return ArmError(401, "InvalidAuthenticationToken", "The access token is invalid.", headers=challenge)


def forbidden(client: str, oid: str, action: str, scope: str) -> ArmError:
    """403 without a role that allows the action."""
    message = (
        f"The client '{client}' with object id '{oid}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
        "refresh your credentials."
    )
    return ArmError(403, "AuthorizationFailed", message)


def missing_api_version() -> ArmError:
    """400 without `api-version`."""
    message = "The api-version query parameter (?api-version=) is required for all requests."
    return ArmError(400, "MissingApiVersionParameter", message)


def unknown_api_version(version: str, kind: str, supported: tuple[str, ...]) -> ArmError:
    """400 for a version the provider has not registered."""
    message = (
        f"No registered resource provider found for location '*' and API version '{version}' for type '{kind}'. "
        f"The supported api-versions are '{', '.join(supported)}'."
    )
    return ArmError(400, "NoRegisteredProviderFound", message)


def malformed_subscription(subscription: str) -> ArmError:
    """400 when a subscription id is no GUID."""
    message = f"The provided subscription identifier '{subscription}' is malformed or invalid."
    return ArmError(400, "InvalidSubscriptionId", message)


def no_subscription(subscription: str) -> ArmError:
    """404 for a subscription that does not exist."""
    return ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def no_resource_group(group: str) -> ArmError:
    """404 for a resource group that does not exist."""
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def no_namespace(namespace: str) -> ArmError:
    """404 for a provider that does not exist (any more)."""
    return ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")


def no_type(kind: str, version: str) -> ArmError:
    """404 for a resource type the provider has not got."""
    message = (
        f"The resource type '{kind}' could not be found in the namespace '{NAMESPACE}' for api version '{version}'."
    )
    return ArmError(404, "InvalidResourceType", message)


def wrong_method(method: str) -> ArmError:
    """405."""
    return ArmError(405, "MethodNotAllowed", f"The http method '{method}' is not supported for a resource collection.")


def not_found(kind: str, name: str, group: str, namespace: str = NAMESPACE) -> ArmError:
    """404 for a resource that does not exist."""
    message = f"The Resource '{namespace}/{kind}/{name}' under resource group '{group}' was not found. {FIX}"
    return ArmError(404, "ResourceNotFound", message)


def no_parent(kind: str, parent: str) -> ArmError:
    """404 for a child of a resource that does not exist."""
    message = (
        f"Failed to perform 'write' on resource(s) of type '{kind}', because the parent resource '{parent}' "
        "could not be found."
    )
    return ArmError(404, "ParentResourceNotFound", message)


def unreadable(detail: str) -> ArmError:
    """400 for a body that is not a JSON object."""
    message = f"The request content was invalid and could not be deserialized: '{detail}'."
    return ArmError(400, "InvalidRequestContent", message)


def invalid_name(name: str, pattern: str) -> ArmError:
    """400 for a resource name that breaks the provider's pattern."""
    message = f"The provided resource name '{name}' is invalid. It must match the pattern '{pattern}'."
    return ArmError(400, "InvalidResourceName", message, target=name)


def no_location() -> ArmError:
    """400 for a tracked resource without a location."""
    return ArmError(400, "LocationRequired", "The location property is required for this definition.")


def other_location(name: str, group: str, old: str, new: str) -> ArmError:
    """409 for a PUT that would move the resource."""
    message = (
        f"The resource '{name}' already exists in location '{old}' in resource group '{group}'. A resource with "
        f"the same name cannot be created in location '{new}'. Please select a new resource name."
    )
    return ArmError(409, "InvalidResourceLocation", message)


def fixed_property(path: str) -> ArmError:
    """400 for changing what can be set only at creation (`x-ms-mutability` read, create)."""
    return ArmError(400, "PropertyChangeNotAllowed", f"Changing property '{path}' is not allowed.", target=path)


def off_spec(problems: list[Problem], target: str) -> ArmError:
    """400 for a body that breaks the API description; each problem is a detail."""
    details = [
        {
            "code": DETAIL_CODES.get(problem.rule, problem.rule),
            "message": f"{problem.message}. Paths in payload: '{problem.where}'",
            "target": problem.where,
        }
        for problem in problems
    ]
    message = (
        "Failed during request payload validation against the API specification with one or more errors. "
        "Please see details for more information."
    )
    return ArmError(400, "HttpPayloadAPISpecValidationFailed", message, target=target, details=details)
