"""Graph's errors, with the codes and texts seen in the field.

Graph's documentation lists hardly any; where a text comes from issues and public code only, or is not on record
at all, the function says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.microsoft.exchange import Answer, Request

BAD_REQUEST = "Request_BadRequest"
SAME_KEY = "Request_MultipleObjectsWithSameKeyValue"


class GraphError(Exception):
    """An error answer of Graph."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: list[dict[str, str]] | None = None,
        target: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.error: dict[str, Any] = {"code": code, "message": message}
        if target:
            self.error["target"] = target
        if details:
            self.error["details"] = details
        self.headers = dict(headers or {})

    def answer(self, request: Request, now: datetime) -> Answer:
        """As it goes over the wire, with the ids that Microsoft's support asks for."""
        inner = {
            "date": now.strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request.request_id,
            "client-request-id": request.client_request_id or request.request_id,
        }
        return Answer(self.status, {"error": {**self.error, "innerError": inner}}, self.headers)


def unauthenticated(reason: str, detail: str) -> GraphError:
    """401, by what is wrong with the token."""
    messages = {
        "missing": "Access token is empty.",
        "audience": "Access token validation failure. Invalid audience.",
        "expired": "Lifetime validation failed, the token is expired.",
    }
    message = messages.get(reason, f"IDX14100: JWT is not well formed. {detail}")
    return GraphError(401, "InvalidAuthenticationToken", message)


def denied(message: str = "Insufficient privileges to complete the operation.") -> GraphError:
    """403 without the application permission that the call needs."""
    return GraphError(403, "Authorization_RequestDenied", message)


def foreign_application() -> GraphError:
    """403 for a foreign app's service principal with Application.ReadWrite.OwnedBy only. Spelled as Graph does."""
    return denied(
        "When using this permission, the backing application of the service principal being created must in "
        "the local tenant"
    )


def no_segment(segment: str) -> GraphError:
    """400 for a path Graph does not have."""
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")


def not_simulated(method: str, path: str) -> GraphError:
    """501 for what Graph does and this simulator does not."""
    message = (
        f"{method} {path} exists in Microsoft Graph, but this simulator does not have it; the product never calls it."
    )
    return GraphError(501, "notImplemented", message)


def not_found(key: str) -> GraphError:
    """404 for an object that does not exist, or is not replicated yet."""
    message = f"Resource '{key}' does not exist or one of its queried reference-property objects are not present."
    return GraphError(404, "Request_ResourceNotFound", message)


def bad_reference(key: str) -> GraphError:
    """400 for a reference to an object that is not replicated yet (terraform-provider-azuread retries it)."""
    return GraphError(400, BAD_REQUEST, f"Not a valid reference update. Object '{key}' was not found.")


def unreadable(detail: str) -> GraphError:
    """400 for a body that is not a JSON object."""
    return GraphError(400, "BadRequest", f"Unable to read JSON request payload. {detail}")


def invalid_body(detail: str) -> GraphError:
    """400 for a body that breaks the description."""
    return GraphError(400, BAD_REQUEST, detail)


def no_property(name: str, kind: str) -> GraphError:
    """400 for `$select` of a property that the type has not got."""
    return GraphError(
        400,
        "BadRequest",
        f"Parsing OData Select and Expand failed: Could not find a property named "
        f"'{name}' on type 'microsoft.graph.{kind}'.",
    )


def unsupported_filter(text: str) -> GraphError:
    """400 for a `$filter` that Graph does not support there."""
    message = f"Unsupported or invalid query filter clause specified: {text}"
    return GraphError(400, "Request_UnsupportedQuery", message)


def filter_types(left: str, right: str) -> GraphError:
    """400 for comparing a GUID property with a quoted text, or the other way round."""
    return GraphError(
        400,
        "BadRequest",
        "A binary operator with incompatible types was detected. Found operand types "
        f"'{left}' and '{right}' for operator kind 'Equal'.",
    )


def advanced_query() -> GraphError:
    """400 for `$count` without `ConsistencyLevel: eventual`."""
    return GraphError(
        400, BAD_REQUEST, "$count is not currently supported without the ConsistencyLevel header set to eventual."
    )


def value_required(name: str, kind: str) -> GraphError:
    """400 for a missing property."""
    message = f"A value is required for property '{name}' of resource '{kind}'."
    detail = {"code": "MissingProperty", "target": name, "message": message}
    return GraphError(400, BAD_REQUEST, message, details=[detail])


def no_application(app_id: str) -> GraphError:
    """400 for an appId that no application in the world has."""
    message = f"The appId '{app_id}' of the service principal does not reference a valid application object."
    return GraphError(400, BAD_REQUEST, message)


def service_principal_exists(app_id: str) -> GraphError:
    """409 for a second service principal of an app."""
    message = (
        "The service principal cannot be created, updated, or restored because the service principal name "
        f"{app_id} is already in use."
    )
    detail = {"code": "ConflictingObjects", "target": "appId", "message": message}
    return GraphError(409, SAME_KEY, message, details=[detail])


def already_assigned(variant: str) -> GraphError:
    """An app role assigned twice, in one of the three ways seen in the field."""
    if variant == "entitlement":
        return GraphError(400, SAME_KEY, "EntitlementGrant entry already exists.")
    status = 409 if variant == "conflict" else 400
    return GraphError(status, BAD_REQUEST, "Permission being assigned already exists on the object")


def no_role() -> GraphError:
    """400 for an app role id the resource does not have (seen in public code only)."""
    return GraphError(400, BAD_REQUEST, "Permission being assigned was not found on application")


def role_not_for(kind: str) -> GraphError:
    """400 for a role whose `allowedMemberTypes` does not allow the principal. The text is not on record."""
    return GraphError(400, BAD_REQUEST, f"Permission being assigned is not allowed for a principal of type '{kind}'")


def other_principal(path_id: str, body_id: str, name: str) -> GraphError:
    """400 when path and body disagree. The text is not on record."""
    return GraphError(400, BAD_REQUEST, f"{name} '{body_id}' in the request body is not '{path_id}' in the URL.")


def domain_exists(domain: str, variant: str) -> GraphError:
    """A domain added twice: 400 or 409 with the directory's general text (the exact answer is not on record)."""
    message = "A conflicting object with one or more of the specified property values is present in the directory."
    detail = {"code": "ConflictingObjects", "target": "id", "message": f"Domain '{domain}' already exists."}
    if variant == "conflict":
        return GraphError(409, SAME_KEY, message, details=[detail])
    return GraphError(400, BAD_REQUEST, message, details=[detail])


def invalid_domain(domain: str) -> GraphError:
    """400 for what is no domain name."""
    return GraphError(400, BAD_REQUEST, f"Invalid value specified for property 'id' of resource 'Domain': '{domain}'.")


def domain_not_verified() -> GraphError:
    """400 while DNS does not show the TXT record. The inner text is the one on record (2025-10)."""
    message = "Domain verification failed with the following error: 'Error in DNS verification. code=InternalError'."
    return GraphError(400, BAD_REQUEST, message)


def domain_in_use() -> GraphError:
    """400 when another tenant holds the domain: terminal."""
    message = "Domain verification failed with the following error: 'Domain is being used by an active tenant'."
    detail = {"code": "DomainInUse", "target": "Name.Conflict", "message": "Domain is being used by an active tenant"}
    return GraphError(400, BAD_REQUEST, message, details=[detail])


def domain_verified_already() -> GraphError:
    """400 for verifying twice."""
    return GraphError(400, BAD_REQUEST, "Domain is already verified.")


def mail_denied() -> GraphError:
    """403 for a sender outside the identity's scope."""
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def no_mailbox(user: str) -> GraphError:
    """404 for a sender that is no user."""
    return GraphError(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")


def mime_not_base64() -> GraphError:
    """400 for a MIME message that is not base64, as Microsoft documents it."""
    return GraphError(400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.")


def other_sender() -> GraphError:
    """403 for a MIME message whose From is not the mailbox that sends it."""
    message = (
        "The user account which was used to submit this request does not have the right to send mail on behalf of the"
        " specified sending account."
    )
    return GraphError(403, "ErrorSendAsDenied", message)


def no_recipients() -> GraphError:
    """400 for a message without a recipient."""
    said = "At least one recipient is not valid., A message can't be sent because it contains no recipients."
    return GraphError(400, "ErrorInvalidRecipients", said)


def unresolved_recipient(address: str, variant: str = "quoted") -> GraphError:
    """400 for a message to an address that is none, or none that Exchange can find: nobody is sent it.

    Source: https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/803; in double quotes
    https://github.com/microsoftgraph/ruby-connect-rest-sample/issues/15; the code of an address that it can't parse is
    of Exchange Web Services' ResponseCode.
    """
    must = "All recipients must be resolved before a message can be submitted."
    return {
        "quoted": GraphError(
            400,
            "ErrorInvalidRecipients",
            f"At least one recipient is not valid., Recipient '{address}' is not resolved. {must}",
        ),
        "double-quoted": GraphError(
            400,
            "ErrorInvalidRecipients",
            f"At least one recipient isn't valid., Recipient \"{address}\" isn't resolved. {must}",
        ),
        "unnamed": GraphError(400, "ErrorInvalidRecipients", "At least one recipient is not valid."),
        "smtp-address": GraphError(400, "ErrorInvalidSmtpAddress", "The SMTP address format is invalid."),
    }[variant]
