"""The HTTP side of ARM: the checks in ARM's order, then one method an operation."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from sandbox.microsoft import paging
from sandbox.microsoft.arm import errors, operations, writes
from sandbox.microsoft.arm.dns_zones import DNS_API_VERSIONS, DNS_NAMESPACE, AzureDns
from sandbox.microsoft.arm.errors import NAMESPACE, ArmError
from sandbox.microsoft.arm.state import ArmState, Gateway, Resource
from sandbox.microsoft.conformance import Description, Match
from sandbox.microsoft.exchange import Answer, Request
from sandbox.microsoft.identity import ARM_AUDIENCES, Identities, ManagedIdentity, TokenRefusedError
from sandbox.microsoft.journal import Entry
from sandbox.microsoft.sign_in import SignIn
from sandbox.microsoft.specs import azure_dns, voice_services

API_VERSIONS = ("2022-12-01-preview", "2023-01-31", "2023-04-03", "2023-09-01")
SUBSCRIPTION = re.compile(r"^/subscriptions/([^/]+)(?:/resourcegroups/([^/]+))?", re.IGNORECASE)
PROVIDER = re.compile(r"/providers/([^/]+)(?:/(?:locations/[^/]+/)?([^/]+))?", re.IGNORECASE)
ROLES = {"Contributor": {"read", "write", "delete", "action"}, "Reader": {"read"}}
ACTIONS = {
    "Contributor": {
        "actions": ["*"],
        "notActions": [
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ],
    },
    "Reader": {"actions": ["*/read"], "notActions": []},
}
"""Azure role → what it gives, as the list of a caller's permissions shows it."""
PERMISSIONS = re.compile(r"^(/subscriptions/.+)/providers/Microsoft\.Authorization/permissions$", re.IGNORECASE)
PERMISSIONS_API_VERSIONS = ("2015-07-01", "2018-07-01", "2022-04-01")
R = TypeVar("R", bound=Resource)
VERBS = {"GET": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}


class Arm:
    """Azure Resource Manager."""

    name = "arm"

    def __init__(self, state: ArmState, zones: AzureDns, identities: Identities, sign_in: SignIn) -> None:
        self._state = state
        self._zones = zones
        self._identities = identities
        self._sign_in = sign_in
        self._spec: Description = voice_services()

    async def answer(self, request: Request, entry: Entry) -> Answer:
        """Do what is asked, with ARM's usual headers on the answer."""
        if signing_in := self._sign_in.answer(request, entry):
            return signing_in
        try:
            answer = self._answer(request, entry)
        except ArmError as error:
            answer = error.answer()
        return Answer(answer.status, answer.body, {**_usual_headers(request), **answer.headers})

    def refuse(self, request: Request, status: int, retry_after: float | None) -> Answer:
        """An injected error."""
        code = {
            401: "InvalidAuthenticationToken",
            403: "AuthorizationFailed",
            429: "TooManyRequests",
            503: "ServiceUnavailable",
            504: "GatewayTimeout",
        }.get(status, "InternalServerError")
        wait = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        message = "The request was refused by an injected fault. Please try again later."
        return ArmError(status, code, message, headers={**_usual_headers(request), **wait}).answer()

    def _answer(self, request: Request, entry: Entry) -> Answer:
        caller = self._caller(request, entry)
        version = request.query.get("api-version")
        if not version:
            raise errors.missing_api_version()
        if (request.method, request.path.lower().rstrip("/")) == ("GET", "/subscriptions"):
            return Answer(200, {"value": [_subscription(one) for one in self._state.subscriptions]})
        if request.method == "GET" and (read := self._state.peering.answer(request)):
            if "read" not in ROLES.get(caller.azure_role or "", set()):
                scope = request.path.split("/providers/", 1)[0]
                raise errors.forbidden(caller.client_id, caller.object_id, "Microsoft.Peering/peerings/read", scope)
            return read
        if asked := PERMISSIONS.match(request.path):
            return _permissions(request, version, caller, asked[1])
        self._check_scope(request)
        if polled := operations.POLLED.search(request.path):
            return operations.poll(self._state, request, polled[1], polled[2])
        if _namespace(request) == DNS_NAMESPACE.lower():
            return self._answer_of_dns(request, version, caller)
        match = self._match(request, version)
        self._authorise(caller, request, match)
        if match.operation.request is not None:
            return self._write(request, match, caller)
        return self._read_or_delete(request, match)

    def _answer_of_dns(self, request: Request, version: str, caller: ManagedIdentity) -> Answer:
        described = azure_dns()
        match = described.match(request.method, request.path)
        if match is None:
            if described.knows_path(request.path):
                raise errors.wrong_method(request.method)
            raise errors.no_type("dnszones", version)
        if version not in DNS_API_VERSIONS:
            raise errors.unknown_api_version(version, "dnszones", DNS_API_VERSIONS)
        verb = VERBS[request.method]
        if verb not in ROLES.get(caller.azure_role or "", set()):
            kind = "dnszones/TXT" if "recordType" in match.parameters else "dnszones"
            scope, action = request.path, f"{DNS_NAMESPACE}/{kind}/{verb}"
            raise errors.forbidden(caller.client_id, caller.object_id, action, scope)
        return self._zones.answer(request, match)

    def _caller(self, request: Request, entry: Entry) -> ManagedIdentity:
        try:
            return self._identities.bearer(request, ARM_AUDIENCES, entry)
        except TokenRefusedError as problem:
            raise errors.unauthenticated(problem.reason, str(problem)) from problem

    def _check_scope(self, request: Request) -> None:
        scope = SUBSCRIPTION.match(request.path)
        if scope:
            subscription, group = scope[1], scope[2]
            try:
                uuid.UUID(subscription)
            except ValueError:
                raise errors.malformed_subscription(subscription) from None
            if subscription.lower() not in self._state.subscriptions:
                raise errors.no_subscription(subscription)
            if group and self._state.group(subscription, group) is None:
                raise errors.no_resource_group(group)
        provider = PROVIDER.search(request.path)
        if provider is None:
            raise errors.no_type(request.path, request.query["api-version"])
        if _namespace(request) == DNS_NAMESPACE.lower():
            return
        if provider[1].lower() != NAMESPACE.lower() or self._state.options.arm_retired:
            raise errors.no_namespace(provider[1])

    def _match(self, request: Request, version: str) -> Match:
        provider = PROVIDER.search(request.path)
        kind = (provider[2] if provider else None) or "operations"
        if not self._spec.knows_path(request.path):
            raise errors.no_type(kind, version)
        if version not in API_VERSIONS:
            raise errors.unknown_api_version(version, kind, API_VERSIONS)
        match = self._spec.match(request.method, request.path)
        if match is None:
            raise errors.wrong_method(request.method)
        return match

    def _authorise(self, caller: ManagedIdentity, request: Request, match: Match) -> None:
        verb = VERBS[request.method]
        if verb not in ROLES.get(caller.azure_role or "", set()):
            kind = (
                "communicationsGateways/testLines" if "testLineName" in match.parameters else "communicationsGateways"
            )
            scope = request.path.split("/providers/", 1)[0]
            action = f"{NAMESPACE}/{kind}/{verb}"
            raise errors.forbidden(caller.client_id, caller.object_id, action, scope)

    def _write(self, request: Request, match: Match, caller: ManagedIdentity) -> Answer:
        body = writes.readable_body(request, match)
        if match.operation.id == "NameAvailability_CheckLocal":
            return Answer(200, writes.name_availability(self._state, match.parameters["subscriptionId"], body))
        for name, pattern in match.operation.path_patterns.items():
            if not re.fullmatch(pattern, match.parameters[name]):
                raise errors.invalid_name(match.parameters[name], pattern)
        if match.operation.id == "CommunicationsGateways_CreateOrUpdate":
            gateway = writes.put_gateway(self._state, match, body, caller.object_id)
            shown = self._state.show_gateway(gateway, just_written=True)
            return operations.started(self._state, request, gateway, gateway.id, shown)
        gateway = self._gateway(match, as_parent=True)
        if match.operation.id == "TestLines_CreateOrUpdate":
            line = writes.put_test_line(self._state, gateway, match, body, caller.object_id)
            shown = self._state.show_test_line(gateway, line, just_written=True)
            return operations.started(self._state, request, line, f"{gateway.id}/testLines/{line.name}", shown)
        if match.operation.id == "TestLines_Update":
            line = self._line(gateway, match)
            writes.patch(self._state, line, body, caller.object_id)
            return Answer(200, self._state.show_test_line(gateway, line))
        writes.patch(self._state, gateway, body, caller.object_id)
        return Answer(200, self._state.show_gateway(gateway))

    def _read_or_delete(self, request: Request, match: Match) -> Answer:
        state, names = self._state, match.parameters
        match match.operation.id:
            case "Operations_List":
                return Answer(200, {"value": operations.PROVIDER_OPERATIONS})
            case "CommunicationsGateways_ListBySubscription":
                return self._page(request, state.select(names["subscriptionId"]), state.show_gateway)
            case "CommunicationsGateways_ListByResourceGroup":
                chosen = state.select(names["subscriptionId"], names["resourceGroupName"])
                return self._page(request, chosen, state.show_gateway)
            case "CommunicationsGateways_Get":
                return Answer(200, state.show_gateway(self._gateway(match)))
            case "CommunicationsGateways_Delete":
                gateway = self._find(match)
                if gateway is None:
                    return Answer(204)
                state.delete_gateway(gateway)
                return operations.deleting(state, request, gateway.id, gateway.body["location"])
            case "TestLines_ListByCommunicationsGateway":
                return self._test_lines(request, self._gateway(match))
            case "TestLines_Get":
                gateway = self._gateway(match)
                return Answer(200, state.show_test_line(gateway, self._line(gateway, match)))
            case _:
                gateway = self._gateway(match)
                line = gateway.test_lines.pop(names["testLineName"].lower(), None)
                if line is None:
                    return Answer(204)
                state.pending(gateway)
                return operations.deleting(
                    state, request, f"{gateway.id}/testLines/{line.name}", gateway.body["location"]
                )

    def _test_lines(self, request: Request, gateway: Gateway) -> Answer:
        lines = sorted(self._state.lines(gateway).values(), key=lambda line: line.name.lower())
        return self._page(request, lines, lambda line: self._state.show_test_line(gateway, line))

    def _find(self, match: Match) -> Gateway | None:
        names = match.parameters
        return self._state.find(names["subscriptionId"], names["resourceGroupName"], names["communicationsGatewayName"])

    def _gateway(self, match: Match, *, as_parent: bool = False) -> Gateway:
        gateway = self._find(match)
        if gateway:
            return gateway
        names = match.parameters
        name, group = names["communicationsGatewayName"], names["resourceGroupName"]
        if as_parent and match.operation.id == "TestLines_CreateOrUpdate":
            parent = (
                f"/subscriptions/{names['subscriptionId']}/resourceGroups/{group}/providers/{NAMESPACE}"
                f"/communicationsGateways/{name}"
            )
            raise errors.no_parent("communicationsGateways/testLines", parent)
        raise errors.not_found("communicationsGateways", name, group)

    def _line(self, gateway: Gateway, match: Match) -> Resource:
        name = match.parameters["testLineName"]
        line = self._state.lines(gateway).get(name.lower())
        if line is None:
            raise errors.not_found("communicationsGateways", f"{gateway.name}/testLines/{name}", gateway.group)
        return line

    def _page(self, request: Request, rows: list[R], show: Callable[[R], dict[str, Any]]) -> Answer:
        try:
            start = paging.offset(request.query.get("$skiptoken"))
        except ValueError as problem:
            raise ArmError(400, "InvalidSkipToken", str(problem)) from problem
        end = start + self._state.options.arm_page_size
        answer: dict[str, Any] = {"value": [show(row) for row in rows[start:end]]}
        if end < len(rows):
            query = urlencode({"api-version": request.query["api-version"], "$skiptoken": paging.token(end)})
            answer["nextLink"] = f"{request.origin}{quote(request.path)}?{query}"
        return Answer(200, answer)


def _namespace(request: Request) -> str:
    """Of the resource provider that is called, in lower case."""
    provider = PROVIDER.search(request.path)
    return provider[1].lower() if provider else ""


def _usual_headers(request: Request) -> dict[str, str]:
    headers = {
        "x-ms-request-id": request.request_id,
        "x-ms-correlation-request-id": request.request_id,
        "Cache-Control": "no-cache",
    }
    if request.client_request_id:
        headers["x-ms-client-request-id"] = request.client_request_id
    return headers


def _permissions(request: Request, version: str, caller: ManagedIdentity, scope: str) -> Answer:
    """What the caller's role gives there (Microsoft.Authorization, Permissions - List For Resource)."""
    if request.method != "GET":
        raise errors.wrong_method(request.method)
    if version not in PERMISSIONS_API_VERSIONS:
        raise errors.unknown_api_version(version, "permissions", PERMISSIONS_API_VERSIONS)
    given = ACTIONS.get(caller.azure_role or "")
    if given is None:
        action = "Microsoft.Authorization/permissions/read"
        raise errors.forbidden(caller.client_id, caller.object_id, action, scope)
    return Answer(200, {"value": [{**given, "dataActions": [], "notDataActions": []}]})


def _subscription(subscription_id: str) -> dict[str, str]:
    """As a person's tools list those that they see (Azure Resource Manager, Subscriptions - List)."""
    path = f"/subscriptions/{subscription_id}"
    return {"id": path, "subscriptionId": subscription_id, "displayName": "Sandbox", "state": "Enabled"}
