"""Whoever may only submit changes nothing that somebody else has set, and makes nobody an Admin: a person says yes."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from onboarding.core.decide import RefusedError
from onboarding.core.events import AdminUserApproved, ChangeApproved, RetryRequested
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.proposal import Proposal
from onboarding.core.record import Problem, Record, StepState
from onboarding.core.request import OnboardingRequest
from tests.support import requests
from tests.support.http import Api, app_settings
from tests.support.system import System

SERVICES, ADMIN = "enable-services", "assign-admin-user"
MALLORY = "mallory@contoso.com"
"""Who requests."""


def stopped_by(record: Record, name: str) -> Problem:
    step = record.step(name)
    assert step.state is StepState.NEEDS_ATTENTION
    assert step.problem is not None
    return step.problem


def proposed(record: Record, name: str) -> Proposal:
    proposal = stopped_by(record, name).proposal
    assert proposal is not None
    return proposal


async def requested(system: System, request: OnboardingRequest) -> str:
    accepted = await system.engine.request(request, MALLORY, again=False)
    return accepted.record.id


def properties(system: System, request: OnboardingRequest) -> dict[str, Any]:
    found: dict[str, Any] = system.outside.gateways.resources[request.gateway.key.lower()]["properties"]
    return found


# -- what stands on the gateway ---------------------------------------------------------------------------------

IN_USE = {
    "platforms": ["TeamsPhoneMobile"],
    "teamsVoicemailPilotNumber": "+442079460777",
    "integratedMcpEnabled": False,
    "onPremMcpEnabled": True,
}


async def taking_over(**there: Any) -> tuple[System, OnboardingRequest, str]:
    system, request = System(), requests.parsed(requests.teams_phone_mobile())
    system.outside.deploy(request)
    properties(system, request).update(there)
    key = await requested(system, request)
    await system.run(key)
    return system, request, key


async def test_values_in_use_are_not_overwritten_without_a_word() -> None:
    system, request, key = await taking_over(**IN_USE)
    assert {n: properties(system, request)[n] for n in IN_USE} == IN_USE
    record = await system.record(key)
    problem = stopped_by(record, SERVICES)
    assert problem.code == ProblemCode.CHANGE_NOT_APPROVED
    assert [(c.what, c.before, c.after) for c in proposed(record, SERVICES).changes] == [
        ("Voicemail pilot number", "+442079460777", "+442079460299"),
        ("Integrated MCP", "off", "on"),
        ("On-premises MCP", "on", "off"),
    ]
    assert "+442079460777" not in problem.seen + problem.what_next
    assert "+442079460299" not in problem.seen + problem.what_next
    assert not [e for e in await system.events(key) if "+44" in e.detail]


@pytest.mark.parametrize(
    "there",
    [
        {"teamsVoicemailPilotNumber": "+442079460777"},
        {"onPremMcpEnabled": True},
        {"platforms": ["teamsphonemobile"], "integratedMcpEnabled": False},
    ],
)
async def test_each_value_that_would_change_stops_for_a_person(there: dict[str, Any]) -> None:
    system, request, key = await taking_over(**there)
    assert {n: properties(system, request)[n] for n in there} == there
    assert stopped_by(await system.record(key), SERVICES).code == ProblemCode.CHANGE_NOT_APPROVED


@pytest.mark.parametrize(
    "there",
    [
        {},
        {"teamsVoicemailPilotNumber": "", "integratedMcpEnabled": False, "onPremMcpEnabled": False},
        {"teamsVoicemailPilotNumber": None, "integratedMcpEnabled": None},
        {"platforms": ["OperatorConnect"]},
        {"platforms": ["TeamsPhoneMobile"], "teamsVoicemailPilotNumber": "+442079460299", "integratedMcpEnabled": True},
    ],
)
async def test_what_nobody_has_set_needs_nobody(there: dict[str, Any]) -> None:
    system, request, key = await taking_over(**there)
    assert (await system.record(key)).closed
    assert properties(system, request)["teamsVoicemailPilotNumber"] == "+442079460299"
    assert properties(system, request)["integratedMcpEnabled"] is True


async def test_an_operator_applies_exactly_what_was_shown() -> None:
    system, request, key = await taking_over(**IN_USE)
    shown = proposed(await system.record(key), SERVICES)
    await system.engine.happen(key, ChangeApproved(SERVICES, "olga", shown.id))
    record = await system.run(key)
    assert record.closed
    assert properties(system, request)["teamsVoicemailPilotNumber"] == "+442079460299"
    assert [(e.actor, e.step) for e in await system.events(key) if e.what == "change-approved"] == [("olga", SERVICES)]


async def test_a_world_that_differs_again_stops_again() -> None:
    system, request, key = await taking_over(**IN_USE)
    shown = proposed(await system.record(key), SERVICES)
    await system.engine.happen(key, ChangeApproved(SERVICES, "olga", shown.id))
    properties(system, request)["teamsVoicemailPilotNumber"] = "+442079460888"
    await system.run(key)
    assert properties(system, request)["teamsVoicemailPilotNumber"] == "+442079460888"
    again = proposed(await system.record(key), SERVICES)
    assert again.id != shown.id
    assert again.changes[0].before == "+442079460888"
    with pytest.raises(RefusedError, match="is not what would be changed any more"):
        await system.engine.happen(key, ChangeApproved(SERVICES, "olga", shown.id))
    # What was approved once does not come back with the value that it was approved for.
    properties(system, request).update(IN_USE)
    await system.engine.happen(key, RetryRequested(SERVICES, "olga"))
    await system.run(key)
    assert properties(system, request)["teamsVoicemailPilotNumber"] == IN_USE["teamsVoicemailPilotNumber"]


async def test_a_retry_alone_applies_nothing() -> None:
    system, request, key = await taking_over(**IN_USE)
    await system.engine.happen(key, RetryRequested(SERVICES, "olga"))
    await system.run(key)
    assert stopped_by(await system.record(key), SERVICES).code == ProblemCode.CHANGE_NOT_APPROVED
    assert {n: properties(system, request)[n] for n in IN_USE} == IN_USE


# -- who becomes Admin ------------------------------------------------------------------------------------------


async def making_admin(*permitted: str, held: bool = False) -> tuple[System, str]:
    system, request = System(), requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    system.outside.permitted_admin_users = permitted
    system.__post_init__()
    key = await requested(system, request)
    if held:
        system.outside.permitted_admin_users = (request.admin_user,)
        system.__post_init__()
        await system.run(key)
        system.outside.permitted_admin_users = ()
        system.__post_init__()
        system.outside.writes.clear()
        await system.engine.request(request, MALLORY, again=True)
    await system.run(key)
    return system, key


def granted(system: System) -> list[str]:
    return [w[1] for w in system.outside.writes if w[0] == "assign_roles" and w[1].startswith("user")]


async def test_a_submitter_makes_nobody_an_admin() -> None:
    system, key = await making_admin()
    assert not granted(system)
    record = await system.record(key)
    assert stopped_by(record, ADMIN).code == ProblemCode.ADMIN_USER_NOT_APPROVED
    (change,) = proposed(record, ADMIN).changes
    assert "voice.admin@contoso.com" in change.what
    assert str(record.findings.get("adminUserId") or "user") in change.what


async def test_somebody_else_with_approve_says_yes() -> None:
    system, key = await making_admin()
    shown = proposed(await system.record(key), ADMIN)
    for requester in (MALLORY, MALLORY.upper()):
        with pytest.raises(RefusedError, match="requested it"):
            await system.engine.happen(key, AdminUserApproved(ADMIN, requester, shown.id))
    await system.engine.happen(key, AdminUserApproved(ADMIN, "adam", shown.id))
    assert (await system.run(key)).closed
    assert len(granted(system)) == 1
    assert [e.actor for e in await system.events(key) if e.what == "admin-user-approved"] == ["adam"]


async def test_where_nobody_knows_who_requested_it_anybody_with_approve_may() -> None:
    system, key = await making_admin()
    loaded = await system.records.load(key)
    assert loaded is not None
    older = loaded.record.model_copy(update={"requested_by": None, "version": loaded.record.version + 1})
    await system.records.save(loaded, older)
    await system.engine.happen(key, AdminUserApproved(ADMIN, MALLORY, proposed(older, ADMIN).id))
    assert (await system.run(key)).closed


async def test_a_user_on_the_list_needs_no_second_person() -> None:
    for permitted in ("Voice.Admin@contoso.com", "voice.admin@contoso.com"):
        system, key = await making_admin("somebody@else.example", permitted)
        assert (await system.record(key)).closed
        assert len(granted(system)) == 1


async def test_who_is_admin_already_needs_nobody() -> None:
    system, key = await making_admin(held=True)
    assert (await system.record(key)).closed
    assert not granted(system)


async def test_the_word_is_for_one_user_and_not_for_their_name() -> None:
    """The name may be given to another account between the approval and the grant."""
    system, key = await making_admin()
    shown = proposed(await system.record(key), ADMIN)
    await system.engine.happen(key, AdminUserApproved(ADMIN, "adam", shown.id))
    users = system.outside.directory.users
    (name,) = [n for n in users if n.lower() == "voice.admin@contoso.com"]
    users[name] = "user-somebody-else"
    await system.run(key)
    assert not granted(system)
    assert proposed(await system.record(key), ADMIN).id != shown.id


async def test_neither_word_stands_for_the_other_nor_where_nothing_is_asked() -> None:
    system, key = await making_admin()
    shown = proposed(await system.record(key), ADMIN)
    with pytest.raises(RefusedError, match="asks for no such word"):
        await system.engine.happen(key, ChangeApproved(ADMIN, "olga", shown.id))
    with pytest.raises(RefusedError, match="asks for no such word"):
        await system.engine.happen(key, AdminUserApproved(SERVICES, "adam", shown.id))


# -- where people see it ----------------------------------------------------------------------------------------

OLGA = "olga.operator@contoso.com"
FORM = "application/x-www-form-urlencoded"


def browser(monkeypatch: pytest.MonkeyPatch, system: System) -> Api:
    return Api(monkeypatch, system=system, settings=app_settings(sandbox_user="olga.operator", link_key="k" * 40))


async def page(api: Api, key: str, user: str = "olga.operator") -> str:
    return (await api.get(f"dashboard/{key}", accept="text/html", cookie=f"sandbox-user={user}")).get_body().decode()


async def press(api: Api, key: str, seen: str, action: str, user: str = "olga.operator") -> int:
    """The form of that control, as it stands on a page that was read before."""
    form = re.search(rf'<form(?:(?!</form>).)*name="action" value="{action}".*?</form>', seen, re.DOTALL)
    assert form, f"no form of {action}"
    fields = {name: html.unescape(value) for name, value in re.findall(r'name="([\w-]+)" value="([^"]*)"', form[0])}
    answer = await api.post(
        f"dashboard/{key}/actions", urlencode(fields).encode(), content_type=FORM, cookie=f"sandbox-user={user}"
    )
    return answer.status_code


async def test_the_page_shows_before_and_after_and_one_press_says_yes_to_that(monkeypatch: pytest.MonkeyPatch) -> None:
    system, request, key = await taking_over(**IN_USE)
    api = browser(monkeypatch, system)
    seen = await page(api, key)
    rows = re.findall(r'<th scope="row" class="breaks">(.+?)</th><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td>', seen)
    assert ("Voicemail pilot number", "+442079460777", "+442079460299") in rows
    # The page was read before the gateway was changed again.
    properties(system, request)["teamsVoicemailPilotNumber"] = "+442079460888"
    await system.engine.happen(key, RetryRequested(SERVICES, OLGA))
    await system.run(key)
    assert await press(api, key, seen, "apply-change") == 409
    assert properties(system, request)["teamsVoicemailPilotNumber"] == "+442079460888"
    assert await press(api, key, await page(api, key), "apply-change") == 303
    assert (await system.run(key)).closed
    assert properties(system, request)["teamsVoicemailPilotNumber"] == "+442079460299"


async def test_who_requested_it_is_not_offered_what_another_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    system, request = System(), requests.parsed(requests.operator_connect(adminUser="evil@contoso.com"))
    system.outside.deploy(request)
    key = (await system.engine.request(request, OLGA, again=False)).record.id
    await system.run(key)
    api = browser(monkeypatch, system)
    hers, his = await page(api, key), await page(api, key, "adam.approver")
    assert "evil@contoso.com (object id user-" in hers
    assert "approve-admin-user" not in hers
    assert await press(api, key, his, "approve-admin-user", "adam.approver") == 303
    assert (await system.run(key)).closed
    assert len(granted(system)) == 1


async def test_the_notice_says_what_to_do_and_holds_no_number() -> None:
    system, _, _ = await taking_over(**IN_USE)
    (told,) = {m.title: m for _, m in system.outside.notifier.mails if "attention" in m.title}.values()
    assert "Voicemail pilot number, Integrated MCP, On-premises MCP" in " ".join(told.why)
    assert "say yes to it" in told.actions[-1]
    assert "+44" not in str(told)


async def test_the_program_that_says_nothing_of_the_proposal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    system, request, key = await taking_over(**IN_USE)
    api = browser(monkeypatch, system)
    for body in ({}, {"proposal": ""}, {"proposal": "x" * 65}):
        assert (await api.post(f"onboardings/{key}/steps/{SERVICES}/apply-change", body)).status_code == 400
    assert properties(system, request)["teamsVoicemailPilotNumber"] == "+442079460777"
