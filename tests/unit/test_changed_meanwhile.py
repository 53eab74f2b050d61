"""Somebody changes the gateway in the portal while `enable-services` is at it: nothing of that is taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onboarding.azure.gateway_resource import GatewayId, GatewayResource
from onboarding.core.events import ChangeApproved
from onboarding.core.record import StepState
from onboarding.steps.enable_services import changed_meanwhile
from tests.support import requests
from tests.support.system import System

ASKED = requests.parsed(requests.operator_connect())
GATEWAY = ASKED.gateway.id
STEP = "enable-services"
Change = Callable[[dict[str, Any]], None]


def after_the_first_look(system: System, change: Change) -> None:
    """Somebody's change, between our GET that inspects and the next one."""
    get = system.outside.gateways.get

    async def seen(gateway: GatewayId) -> GatewayResource | None:
        found = await get(gateway)
        system.outside.gateways.get = get
        change(system.outside.gateways.resources[GATEWAY.key])
        return found

    system.outside.gateways.get = seen


@pytest.mark.parametrize(
    ("change", "what", "kept"),
    [
        (lambda body: body["properties"].update(codecs=["PCMA"]), "codecs", ["PCMA"]),
        (lambda body: body["properties"].update(futureSetting=1), "futureSetting", 1),
        (lambda body: body.update(tags={"cost": "42"}), "tags", {"cost": "42"}),
        (
            lambda body: body["properties"]["platforms"].append("TeamsDirectRouting"),
            "platforms",
            ["TeamsDirectRouting", "OperatorConnect"],
        ),
    ],
)
async def test_a_change_in_the_portal_between_get_and_put_is_not_lost(change: Change, what: str, kept: Any) -> None:
    system = System()
    system.outside.deploy(ASKED)
    which = (await system.request(ASKED)).record.id
    after_the_first_look(system, change)
    await system.deliver()
    step = (await system.record(which)).step(STEP)
    assert step.problem is not None
    assert (step.state, step.problem.code) == (StepState.DUE, "busy")
    assert f"({what}); nothing was written" in step.problem.seen
    assert system.outside.writes == []
    record = await system.run(which)
    assert record.step(STEP).state is StepState.DONE
    body = system.outside.gateways.resources[GATEWAY.key]
    assert {**body, **body["properties"]}[what] == kept


async def test_what_a_person_approved_is_asked_anew_when_the_gateway_changed_meanwhile() -> None:
    system = System()
    request = requests.parsed(requests.teams_phone_mobile())
    system.outside.deploy(request)
    properties = system.outside.gateways.resources[GATEWAY.key]["properties"]
    properties.update(platforms=["TeamsPhoneMobile"], teamsVoicemailPilotNumber="+442079460001")
    which = (await system.request(request)).record.id
    await system.deliver()
    problem = (await system.record(which)).step(STEP).problem
    assert problem is not None
    assert problem.proposal is not None
    after_the_first_look(
        system, lambda body: body["properties"].update(teamsVoicemailPilotNumber="+442079460002")
    )
    await system.engine.happen(which, ChangeApproved(STEP, "olga", problem.proposal.id))
    await system.deliver()
    assert system.outside.writes == []
    await system.tick()
    while await system.deliver():
        pass
    step = (await system.record(which)).step(STEP)
    assert step.problem is not None
    assert (step.state, step.problem.code) == (StepState.NEEDS_ATTENTION, "change-not-approved")
    assert step.problem.proposal is not None
    assert step.problem.proposal.id != problem.proposal.id
    assert system.outside.writes == []


def test_what_microsoft_changes_by_itself_is_no_change_of_somebodys() -> None:
    def shown(**properties: Any) -> GatewayResource:
        parts = {"id": GATEWAY.arm_id, "systemData": {"lastModifiedAt": "2026-03-02T09:00:00Z"}, "location": "x"}
        return GatewayResource({**parts, "properties": {"codecs": ["PCMA"], **properties}})

    before = shown(status="Complete", provisioningState="Succeeded")
    now = GatewayResource({**shown(status="ChangePending", provisioningState="Updating").body, "systemData": {}})
    assert changed_meanwhile(before, GatewayResource({**now.body, "id": GATEWAY.arm_id.upper()})) == ()
    assert changed_meanwhile(before, shown(codecs=[], tags={})) == ("codecs", "tags")
