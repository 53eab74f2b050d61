"""Long-running operations as a client sees them: the headers that start the polling, and the polls."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from sandbox.microsoft.arm.errors import NAMESPACE, ArmError
from sandbox.microsoft.arm.state import ArmState, Operation, Resource
from sandbox.microsoft.exchange import Answer, Request

POLLED = re.compile(r"/locations/[^/]+/(operationStatuses|operationResults)/([^/]+)$", re.IGNORECASE)
FINAL = ("Succeeded", "Failed", "Canceled")
PROVIDER_OPERATIONS = [
    {
        "name": f"{NAMESPACE}/communicationsGateways/{verb}",
        "isDataAction": False,
        "display": {
            "provider": NAMESPACE,
            "resource": "communicationsGateways",
            "operation": verb,
            "description": f"{verb.capitalize()} communicationsGateways resource",
        },
    }
    for verb in ("read", "write", "delete")
]
"""What Operations_List answers."""


def started(state: ArmState, request: Request, resource: Resource, resource_id: str, shown: dict[str, Any]) -> Answer:
    """Answer to a PUT: 201 for a new resource, else 200; `Azure-AsyncOperation` says where to poll."""
    operation = state.operation(resource_id, resource.body["location"], resource.provisioning)
    headers = {"Azure-AsyncOperation": _link(request, operation, "operationStatuses")}
    if resource.changed:
        return Answer(200, shown, headers)
    return Answer(201, shown, headers | _wait(state))


def deleting(state: ArmState, request: Request, resource_id: str, location: str) -> Answer:
    """Answer to a DELETE: 202; the final state is at `Location`."""
    operation = state.operation(resource_id, location)
    links = {
        "Location": _link(request, operation, "operationResults"),
        "Azure-AsyncOperation": _link(request, operation, "operationStatuses"),
    }
    return Answer(202, None, links | _wait(state))


def poll(state: ArmState, request: Request, kind: str, operation_id: str) -> Answer:
    """Answer to a poll of either kind. Source of the body: common-types v3 `OperationStatusResult`."""
    operation = state.operations.get(operation_id.lower())
    if operation is None:
        raise ArmError(404, "ResourceNotFound", f"The operation '{operation_id}' was not found.")
    value = operation.state.read()
    if kind.lower() == "operationresults":
        if value in FINAL:
            return Answer(204)
        return Answer(202, None, {"Location": request.origin + request.url} | _wait(state))
    body: dict[str, Any] = {
        "id": request.path,
        "name": operation.id,
        "status": value if value in FINAL else "InProgress",
        "startTime": operation.started,
    }
    if value == "Failed":
        body["error"] = {"code": "ProvisioningFailed", "message": f"{operation.resource_id} could not be provisioned."}
    return Answer(200, body, {} if value in FINAL else _wait(state))


def _wait(state: ArmState) -> dict[str, str]:
    return {"Retry-After": str(state.options.operation_retry_after)}


def _link(request: Request, operation: Operation, kind: str) -> str:
    subscription = operation.resource_id.split("/")[2]
    return (
        f"{request.origin}/subscriptions/{subscription}/providers/{NAMESPACE}/locations/"
        f"{quote(operation.location)}/{kind}/{operation.id}?api-version={request.query['api-version']}"
    )
