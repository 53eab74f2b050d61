"""Records that an older version of the application wrote, as this one writes them: docs/upgrade.md says which.

Schema 1 and 2 knew one plan, which did not stand on the record, and kept what all steps found out in one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from onboarding.core.changes import rebuild
from onboarding.core.record import SCHEMA_VERSION, Event, Record
from onboarding.kinds import STORED
from onboarding.steps import LIBRARY

PLAN: Mapping[str, tuple[str, ...]] = {
    "enable-services": (),
    "add-test-lines": ("enable-services",),
    "provisioning-complete": ("add-test-lines",),
    "add-project-synergy": ("provisioning-complete",),
    "assign-admin-user": ("add-project-synergy",),
    "find-application-id": ("provisioning-complete",),
    "assign-application-roles": ("add-project-synergy", "find-application-id"),
    "operator-information": ("assign-admin-user",),
    "portal-access": ("operator-information", "assign-admin-user"),
    "add-application-ids": ("portal-access", "assign-application-roles"),
    "add-domain": ("provisioning-complete",),
    "share-txt-record": ("add-domain",),
    "txt-record-visible": ("share-txt-record",),
    "verify-domain": ("txt-record-visible",),
}
"""Step → what it needs, in every record before schema 3. Never changed, whatever is planned today."""

FOUND_BY: Mapping[str, str] = {
    "projectSynergyId": "add-project-synergy",
    "adminUserId": "assign-admin-user",
    "gatewayPrincipalId": "find-application-id",
    "applicationId": "find-application-id",
    "domain": "add-domain",
    "domainVerified": "add-domain",
    "txtRecord": "add-domain",
    "roleDifferences": "assign-application-roles",
}
"""What a step found out → the step that it now stands with."""


def read_record(body: dict[str, Any]) -> Record:
    """The record that a row's parsed JSON is, whatever older version wrote it. Raises ValidationError."""
    return Record.model_validate(_upgraded(body), context=STORED)


def rebuild_record(events: Iterable[Event]) -> Record:
    """The record that these audit events, from the first one, lead to (without its tail). Raises ValidationError."""
    found: dict[str, dict[str, Any]] = {}
    return read_record(rebuild([_with_found(event, found) for event in events]))


def _upgraded(body: dict[str, Any]) -> dict[str, Any]:
    """By what it lacks, not by its version: a trail may have begun under one version and gone on under another."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in (body.get("findings") or {}).items():
        if value is not None and name in FOUND_BY:
            found.setdefault(FOUND_BY[name], {})[name] = value
    steps = [_planned({**step, "found": step.get("found") or found.get(step["name"], {})}) for step in body["steps"]]
    version = max(int(body["schemaVersion"]), SCHEMA_VERSION)
    return {**{k: v for k, v in body.items() if k != "findings"}, "steps": steps, "schemaVersion": version}


def _planned(step: dict[str, Any]) -> dict[str, Any]:
    name = step["name"]
    if "plan" in step or name not in PLAN:
        return step
    plan = LIBRARY[name].planned(*PLAN[name]).plan
    # Nothing was asked for then, and no turns were told apart.
    return {**step, "plan": plan.model_copy(update={"asks": (), "turns": ()}).to_json()}


def _with_found(event: Event, found: dict[str, dict[str, Any]]) -> Event:
    """An event that tells of findings, told with the steps. `found` is what each step has found up to then."""
    told: dict[str, tuple[Any, Any]] = {}
    for path, (before, after) in event.changes.items():
        head, _, name = path.partition(".")
        step = FOUND_BY.get(name)
        if head == "findings" and step is None:
            continue
        if head == "findings" and step:
            mine = found.setdefault(step, {})
            mine.pop(name, None)
            if after is not None:
                mine[name] = after
            told[f"steps.{step}.found"] = (None, dict(mine))
        else:
            told[path] = (before, after)
            if head == "steps" and name.endswith(".found"):
                found[name.removesuffix(".found")] = dict(after or {})
    return event.model_copy(update={"changes": told})
