"""What a plan says before anything is started, each found in a tenant where just that is wrong; and of numbers that two
onboardings have.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from onboarding.azure.azure_actions import AzurePermission
from onboarding.azure.credential import claims_of
from onboarding.azure.dns_zone import DnsZoneId
from onboarding.azure.notifier import AzureNotifier
from onboarding.azure.permissions import TABLE
from onboarding.core.change_plan import ChangePlan, Gravity, PlanFinding
from onboarding.core.events import CancelRequested
from onboarding.core.permitted import Permitted
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, TryLaterError
from onboarding.kinds import read_request
from onboarding.numbers import NUMBERS, numbers_of
from onboarding.planning.markdown import as_markdown
from onboarding.planning.planner import plan_now
from onboarding.planning.preflight import CHECKS
from onboarding.planning.store import KeptPlan
from onboarding.ports import Query
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID
from tests.support import requests
from tests.support.http import Api, app_settings, content
from tests.support.system import System
from tests.support.trunks import with_trunks

EVERYTHING = {
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "Domain.ReadWrite.All",
    "User.ReadBasic.All",
}


def ready(**changes: Any) -> tuple[System, Any]:
    """A tenant in which nothing is wrong."""
    request = read_request(requests.own_sbc(**changes))
    system = with_trunks(request)
    system.outside.directory.granted = set(EVERYTHING)
    system.outside.dns.delegated["contoso.example"] = ("ns1.contoso.example.",)
    return system, request


async def planned(system: System, request: Any) -> ChangePlan:
    before = list(system.outside.writes), list(system.outside.notifier.mails), list(system.outside.notifier.posts)
    plan = await plan_now(system.engine, request, "ada", system.clock.now())
    assert before == (system.outside.writes, system.outside.notifier.mails, system.outside.notifier.posts)
    return plan


GATEWAY = read_request(requests.operator_connect()).gateway
ZONE = DnsZoneId("6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63", "rg-dns", "contoso.example")


def at_a_gateway() -> tuple[System, Any]:
    request = read_request(requests.operator_connect())
    system = with_trunks(request)
    system.outside.directory.granted = set(EVERYTHING)
    return system, request


async def test_a_role_that_only_reads_in_azure_is_told_with_the_command_that_gives_more() -> None:
    system, request = at_a_gateway()
    assert ProblemCode.PERMISSION_MISSING not in {one.code for one in (await planned(system, request)).findings}
    system.outside.gateways.actions = (AzurePermission(("*/read",)), AzurePermission(("*",), ("*/Write",)))
    found = told(await planned(system, request), ProblemCode.PERMISSION_MISSING)
    assert (found.gravity, found.step) == (Gravity.BLOCKER, "enable-services")
    assert "communicationsGateways/write, Microsoft.VoiceServices/communicationsGateways/testLines/write" in found.seen
    assert "az role assignment create" in found.what_next
    assert GATEWAY.id.arm_id.rpartition("/providers")[0] in found.what_next


async def test_a_role_that_gives_just_what_is_needed_is_enough() -> None:
    system, request = at_a_gateway()
    row = next(r for r in TABLE["azureRoles"] if "calls" in r and "enable-services" in r["by"])
    system.outside.gateways.actions = (AzurePermission(tuple(row["actions"])),)
    assert ProblemCode.PERMISSION_MISSING not in {one.code for one in (await planned(system, request)).findings}


async def test_the_zone_of_the_txt_record_needs_a_role_too() -> None:
    system, request = ready(dns={"azureZone": ZONE.arm_id})
    system.outside.dns_zones.add(ZONE)
    system.outside.dns_zones.actions = (AzurePermission.of({"actions": ["*/read"], "notActions": None}),)
    found = told(await planned(system, request), ProblemCode.PERMISSION_MISSING)
    assert found.step == "publish-txt-record"
    assert "Microsoft.Network/dnsZones/TXT/write" in found.seen


async def test_a_role_that_does_not_let_it_ask_is_told_as_known_later() -> None:
    system, request = at_a_gateway()
    refused = PersonMustActError(ProblemCode.PERMISSION_MISSING, "ARM refuses.", "Grant it.")
    system.outside.gateways.faults.add("own_actions", refused)
    notes = [one.seen for one in (await planned(system, request)).findings if one.code == "known-later"]
    assert any("lacks Microsoft.Authorization/permissions/read" in seen for seen in notes)
    gone = PersonMustActError(ProblemCode.GATEWAY_GONE, "It is gone.", "Look.")
    system.outside.gateways.faults.add("own_actions", gone)
    assert len([one for one in (await planned(system, request)).findings if one.code == "known-later"]) == 1


async def test_by_hand_no_role_to_write_is_needed() -> None:
    request = read_request(requests.operator_connect(byHand=True))
    system = with_trunks(request)
    system.outside.gateways.actions = ()
    assert ProblemCode.PERMISSION_MISSING not in {one.code for one in (await planned(system, request)).findings}


def told(plan: ChangePlan, code: str) -> PlanFinding:
    (found,) = (one for one in plan.findings if one.code == code)
    return found


async def test_where_nothing_is_wrong_only_what_nobody_can_know_is_told() -> None:
    plan = await planned(*ready())
    assert [(found.gravity, found.code) for found in plan.findings] == [(Gravity.NOTE, "known-later")]
    assert "whether another tenant holds the domain" in plan.findings[0].seen


@pytest.mark.parametrize(
    ("missing", "step"),
    [
        ("Application.ReadWrite.All", "add-project-synergy"),
        ("AppRoleAssignment.ReadWrite.All", "assign-admin-user"),
        ("Domain.ReadWrite.All", "add-domain"),
    ],
)
async def test_a_permission_that_only_a_write_needs_is_told_with_its_command(missing: str, step: str) -> None:
    system, request = ready()
    assert system.outside.directory.granted is not None
    system.outside.directory.granted.remove(missing)
    found = told(await planned(system, request), "permission-missing")
    assert (found.gravity, found.step) == (Gravity.BLOCKER, step)
    assert missing in found.seen
    assert "infra/permissions/grant.sh --identity the-application" in found.what_next
    assert missing in found.what_next


async def test_what_is_done_by_hand_needs_no_permission_to_write() -> None:
    system, request = ready(byHand=True)
    system.outside.directory.granted = {"Application.Read.All"}
    plan = await planned(system, request)
    assert not plan.has(Gravity.BLOCKER)


async def test_a_user_who_is_not_there_is_told_before_project_synergy_is() -> None:
    system, request = ready(adminUser="nobody@contoso.com")
    system.outside.directory.users.pop("nobody@contoso.com", None)
    found = told(await planned(system, request), "admin-user-unknown")
    assert (found.gravity, found.step) == (Gravity.BLOCKER, "assign-admin-user")


async def test_a_user_who_is_disabled_is_told_before_project_synergy_is() -> None:
    system, request = ready()
    directory = system.outside.directory
    directory.disabled.add(directory.users[request.admin_user.lower()])
    assert told(await planned(system, request), "account-disabled").gravity is Gravity.BLOCKER


async def test_a_domain_below_a_verified_one_needs_no_proof() -> None:
    system, request = ready()
    await system.outside.directory.add_domain("contoso.example")
    system.outside.directory.verifiable = True
    await system.outside.directory.verify_domain("contoso.example")
    found = told(await planned(system, request), "domain-above")
    assert "no TXT record is needed" in found.seen


async def test_dns_that_is_silent_is_told() -> None:
    system, request = ready()
    system.outside.dns.delegated.clear()
    assert "No DNS server says" in told(await planned(system, request), "dns-silent").seen
    system.outside.dns.delegated["contoso.example"] = ("ns1.x.",)
    system.outside.dns.errors.update(dict.fromkeys(system.outside.dns.servers, "SERVFAIL"))
    assert "ns1.x." in told(await planned(system, request), "dns-silent").seen


@pytest.mark.parametrize(("teams", "words"), [(True, "posts in Teams are all"), (False, "nobody will be told")])
async def test_mail_that_is_not_configured_is_told(teams: bool, words: str) -> None:
    system, request = ready()
    system.outside.notifier.mail_configured = False
    system.outside.notifier.teams_configured = teams
    found = told(await planned(system, request), "nobody-told")
    assert words in found.seen
    assert "ONBOARDING_MAIL_SENDER" in found.what_next


async def test_what_the_settings_do_not_permit_is_told_at_once() -> None:
    request = read_request(requests.own_sbc())
    only = Permitted((), ("a@b.example",), ("x.example",), ("y.example",), (), ("0",))
    system = System(permitted=only)
    plan = await planned(system, request)
    told_of = {found.step or "" for found in plan.findings if found.code == "not-permitted"}
    assert told_of >= {"find-application", "assign-admin-user", "add-domain", ""}


async def test_numbers_of_another_onboarding_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    system, request = ready()
    lines = [*requests.lines("OC", 5, 101), {"name": "OC6", "phoneNumber": "+442079460701"}]
    connect = {"testLines": lines, "integrationTestNumbers": ["+442079460190"]}
    first = read_request(requests.operator_connect(services={"operatorConnect": connect}))
    system.outside.deploy(first)
    made = (await system.request(first)).record
    found = told(await planned(system, request), "numbers-shared")
    assert found.gravity is Gravity.WARNING
    assert f"The number +442079460701 stands in the onboarding {made.id} of 'contoso-acg' too" in found.seen
    answer = await Api(monkeypatch, system).post("onboardings?validateOnly=true", requests.own_sbc())
    assert any(made.id in words for words in content(answer)["warnings"])

    await system.engine.happen(made.id, CancelRequested("ada", "wrong"))
    assert "numbers-shared" not in {one.code for one in (await planned(system, request)).findings}


async def test_ones_own_numbers_are_nobody_elses() -> None:
    system, request = ready()
    await system.request(request)
    assert await system.records.sharing_numbers(request) == []


async def test_numbers_of_an_onboarding_from_before_are_made_good_by_the_round() -> None:
    system, request = ready()
    made = (await system.request(request)).record
    wanted = [row.key async for row in system.waits.rows(Query(NUMBERS))]
    assert wanted == sorted(f"{number}|{made.id}" for number in numbers_of(request))
    for key in wanted:
        await system.waits.delete(NUMBERS, key)
    await system.tick(60)
    await system.tick(3700)
    assert [row.key async for row in system.waits.rows(Query(NUMBERS))] == wanted


@pytest.mark.parametrize("error", [TimeoutError(), KeyError("a defect"), TryLaterError(ProblemCode.OUTAGE, "Away.")])
async def test_a_check_that_cannot_look_keeps_no_other_from_it(error: Exception) -> None:
    system, request = ready(adminUser="nobody@contoso.com")
    system.outside.directory.users.pop("nobody@contoso.com", None)
    system.outside.directory.faults.add("own_permissions", error)
    told(await planned(system, request), "admin-user-unknown")


async def test_what_several_steps_say_alike_is_told_once() -> None:
    request = read_request(requests.operator_connect())
    plan = await planned(System(), request)
    said = [(found.code, found.seen) for found in plan.findings]
    assert len(said) == len(set(said))


async def test_project_synergy_that_is_there_is_looked_at_by_its_own_steps() -> None:
    system, request = ready(adminUser="nobody@contoso.com")
    system.outside.directory.users.pop("nobody@contoso.com", None)
    await system.outside.directory.add_application(PROJECT_SYNERGY_APP_ID, "Operator Connect")
    assert told(await planned(system, request), "admin-user-unknown").step == "assign-admin-user"


def test_each_check_says_what_it_is_for() -> None:
    assert all(check.__doc__ for check in CHECKS)


def encoded(claims: bytes) -> str:
    return f"x.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.x"


@pytest.mark.parametrize(
    ("token", "claims"),
    [
        (encoded(b'{"roles": ["A"]}'), {"roles": ["A"]}),
        (encoded(b"[1]"), {}),
        ("x.!.x", {}),
        ("opaque", {}),
    ],
)
def test_what_a_token_says(token: str, claims: dict[str, Any]) -> None:
    assert claims_of(token) == claims


async def test_the_markdown_shows_commands_to_be_copied_and_no_markup_of_others() -> None:
    system, request = ready()
    assert system.outside.directory.granted is not None
    system.outside.directory.granted.remove("Domain.ReadWrite.All")
    plan = await planned(system, request)
    hostile = PlanFinding(gravity=Gravity.NOTE, code="x", seen="**a** [b](https://c) <img> | `d`", what_next="`e|*f*`")
    kept = KeptPlan(
        id="1",
        request=request,
        asked_by="ada",
        asked_at=system.clock.now(),
        plan=plan.model_copy(update={"findings": (*plan.findings, hostile)}),
    )
    text = as_markdown(kept)
    assert "`infra/permissions/grant.sh --identity the-application --only Domain.ReadWrite.All`" in text
    assert r"\*\*a\*\* [b\](https://c) \<img> | \`d\` **To do:** `e|*f*`" in text


async def never(sender: str, to: Any, subject: str, text: str, html: str) -> None:
    raise AssertionError("nothing is sent")


@pytest.mark.parametrize(
    ("values", "mail", "teams", "wrong"),
    [
        ({}, False, False, ""),
        ({"mail_sender": "onboarding@contoso.com"}, True, False, ""),
        ({"teams_webhook_url": "https://a.logic.azure.com/x"}, False, True, ""),
        ({"teams_webhook_url": "https://elsewhere.example/x"}, False, False, "ONBOARDING_TEAMS_HOSTS"),
    ],
)
async def test_how_telling_is_configured(values: dict[str, Any], mail: bool, teams: bool, wrong: str) -> None:
    ways = await AzureNotifier(app_settings(**values), never).ways(())
    assert (ways.mail, ways.teams) == (mail, teams)
    assert wrong in ways.wrong
    assert bool(wrong) == bool(ways.wrong)
