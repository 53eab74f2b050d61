"""What ARM and the provider check before they write: the description's rules, then the resource's own."""

from __future__ import annotations

import copy
import re
from typing import Any

from sandbox.microsoft.arm import errors
from sandbox.microsoft.arm.errors import NAMESPACE
from sandbox.microsoft.arm.state import ArmState, Gateway, Resource
from sandbox.microsoft.clock import timestamp
from sandbox.microsoft.conformance import Match, Problem, without_read_only
from sandbox.microsoft.exchange import Json, Request
from sandbox.microsoft.specs import voice_services

NAME = "^[a-zA-Z0-9-]{3,24}$"


def readable_body(request: Request, match: Match) -> dict[str, Any]:
    """The request's body without read-only properties. Raises ArmError if it breaks the description."""
    try:
        body: Json = request.json()
    except ValueError as problem:
        raise errors.unreadable(str(problem)) from problem
    if not isinstance(body, dict):
        raise errors.unreadable(f"Expected a JSON object, got {type(body).__name__}")
    schema = match.operation.request
    if schema is None:
        return body
    cleaned: dict[str, Any] = without_read_only(schema.plain, body)
    if "location" in schema.plain.get("required", []) and not cleaned.get("location"):
        raise errors.no_location()
    problems = schema.problems(cleaned)
    if match.operation.method == "PATCH":
        known = schema.plain.get("properties", {})
        problems += [
            Problem("additionalProperties", f"$.{name}", f"Additional properties not allowed: {name}")
            for name in cleaned
            if name not in known
        ]
    if problems:
        raise errors.off_spec(problems, request.path)
    return cleaned


def put_gateway(state: ArmState, match: Match, body: dict[str, Any], caller: str) -> Gateway:
    """Create or replace a gateway. Raises ArmError for changing what is fixed at creation."""
    names = match.parameters
    subscription, name = names["subscriptionId"], names["communicationsGatewayName"]
    group = state.group(subscription, names["resourceGroupName"]) or names["resourceGroupName"]
    schema = voice_services().schema("CommunicationsGateway")
    existing = state.find(subscription, group, name)
    if existing:
        _check_location(existing, group, body)
        _keep_fixed(schema["properties"]["properties"], existing.body["properties"], body["properties"])
    _add_defaults(schema["properties"]["properties"], body["properties"])
    return state.put_gateway(subscription, group, existing.name if existing else name, body, caller)


def put_test_line(state: ArmState, gateway: Gateway, match: Match, body: dict[str, Any], caller: str) -> Resource:
    """Create or replace a test line. `properties` is required in practice: phone number and purpose are."""
    if "properties" not in body:
        missing = Problem("required", "$", "Missing required property: properties")
        raise errors.off_spec([missing], match.parameters["testLineName"])
    existing = state.lines(gateway).get(match.parameters["testLineName"].lower())
    if existing:
        _check_location(existing, gateway.group, body)
    return state.put_test_line(gateway, match.parameters["testLineName"], body, caller)


def patch(state: ArmState, resource: Resource, body: dict[str, Any], caller: str) -> None:
    """Tags replace the tags; a gateway also takes sku and identity. Nothing else can be patched."""
    for name in ("tags", "sku"):
        if name in body:
            resource.body[name] = body[name]
    if isinstance(resource, Gateway) and "identity" in body:
        state.set_identity(resource, body["identity"])
    resource.changed, resource.changed_by = timestamp(state.clock.now()), caller


def name_availability(state: ArmState, subscription: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to checkNameAvailability."""
    name = body.get("name") or ""
    if str(body.get("type", "")).lower() != f"{NAMESPACE}/communicationsGateways".lower() or not re.match(NAME, name):
        return {
            "nameAvailable": False,
            "reason": "Invalid",
            "message": f"The name '{name}' must match {NAME} and the type be {NAMESPACE}/communicationsGateways.",
        }
    if any(gateway.name.lower() == name.lower() for gateway in state.select(subscription)):
        return {"nameAvailable": False, "reason": "AlreadyExists", "message": f"The name '{name}' is taken."}
    return {"nameAvailable": True}


def _check_location(existing: Resource, group: str, body: dict[str, Any]) -> None:
    old, new = existing.body["location"], body["location"]
    if old.replace(" ", "").lower() != new.replace(" ", "").lower():
        raise errors.other_location(existing.name, group, old, new)


def _keep_fixed(schema: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> None:
    """Properties that only a creation sets keep their value when left out, and refuse another one."""
    for name, rules in schema["properties"].items():
        fixed = "update" not in rules.get("x-ms-mutability", ["update"])
        if not fixed or rules.get("readOnly") or name not in old:
            continue
        if new.setdefault(name, old[name]) != old[name]:
            raise errors.fixed_property(f"properties.{name}")


def _add_defaults(schema: dict[str, Any], properties: dict[str, Any]) -> None:
    for name, rules in schema["properties"].items():
        if "default" in rules:
            properties.setdefault(name, copy.deepcopy(rules["default"]))
