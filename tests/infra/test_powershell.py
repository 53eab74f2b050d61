"""infra/permissions/*.ps1, run by PowerShell with stand-ins for Microsoft's modules (tests/infra/modules)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from onboarding.azure.permissions import TABLE, ChangesBy, ProjectSynergyBy, rows
from tests.infra.predicted import ROOT
from tests.infra.tools import LeftOutError, find, version
from tests.support import fake_az

SCRIPTS = ROOT / "infra" / "permissions"
MODULES = Path(__file__).with_name("modules")
CLIENT, PRINCIPAL = "0b9f5a3e-1d42-4c8b-9e77-6a2f8d4c1b05", "c4d1e7f2-6a38-4b90-8f15-2e7b9a0c3d64"
GRAPH = "5c0e9c4e-7f0b-4e0c-9a53-0d1f6b7f2a10"
IN_ENTRA, WITH_ADMINISTRATOR = (
    {row["value"]: row["appRoleId"] for row in rows("permissions", by) if row["grantedIn"] == "entra"}
    for by in ProjectSynergyBy
)
BY_HAND = {
    row["value"]: row["appRoleId"]
    for row in rows("permissions", ProjectSynergyBy.APPLICATION, ChangesBy.PEOPLE)
    if row["grantedIn"] == "entra"
}
MAIL_SEND = next(row["appRoleId"] for row in TABLE["permissions"] if row["value"] == "Mail.Send")
MAIL_ROLE = next(row["exchangeRole"] for row in TABLE["permissions"] if row["grantedIn"] == "exchange")
MAILBOX, MAILBOX_ID = "onboarding@contoso.com", "7d2f1c9a-5e84-4b36-a0f7-3c8b6e1d9f52"
IN_ORDER = sorted(IN_ENTRA, key=str.casefold)
"""As PowerShell sorts."""
MADE = ["New-ServicePrincipal", "New-ManagementScope", "New-ManagementRoleAssignment"]
LEAST = (7, 2, 0)
"""As the scripts require."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def pwsh() -> str:
    """PowerShell."""
    try:
        program = find("pwsh")
        version(program, LEAST)
    except LeftOutError as reason:
        pytest.skip(f"the PowerShell scripts are not run: {reason}")
    return program


@dataclass
class World:
    """What the stand-ins speak for, in a file; and the script that is run against it."""

    pwsh: str
    place: Path
    script: str
    always: tuple[str, ...]

    @property
    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.place.read_text(encoding="utf-8")))

    def change(self, **values: Any) -> None:
        self.place.write_text(json.dumps({**self.state, **values}), encoding="utf-8")

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        self.change(calls=[])
        mine = {
            "PSModulePath": str(MODULES), "FAKE_PYTHON": sys.executable, "FAKE_AZ": fake_az.__file__, "NO_COLOR": "1",
            "FAKE_AZ_STATE": str(self.place), "FAKE_EXCHANGE_STATE": str(self.place),
        }  # fmt: skip
        command = [
            self.pwsh,
            "-NoProfile",
            "-NonInteractive",
            "-File",
            str(SCRIPTS / self.script),
            *self.always,
            *options,
        ]
        return subprocess.run(
            command, env={**os.environ, **mine}, capture_output=True, text=True, timeout=250, check=False
        )


def flat(text: str) -> str:
    """An error as PowerShell shows it, without the frame and the line breaks that it puts into a sentence."""
    return re.sub(r"\s+", " ", re.sub(r"^\s*(\d+ )?\|", " ", text, flags=re.MULTILINE))


# The pages


READS = (
    "$ErrorActionPreference = 'Stop'; $found = @();"
    "foreach ($block in [Console]::In.ReadToEnd() | ConvertFrom-Json) { $errors = $null;"
    " $null = [Management.Automation.Language.Parser]::ParseInput($block, [ref]$null, [ref]$errors);"
    " foreach ($one in $errors) { $found += \"$($one.Message): $($one.Extent.Text)\" } }"
    "ConvertTo-Json @($found)"
)


def test_what_the_pages_have_people_paste_is_powershell(pwsh: str) -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    block = re.compile(r"^```powershell\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    found = [text for page in pages for text in block.findall(page.read_text(encoding="utf-8"))]
    assert len(found) > 15
    command = [pwsh, "-NoProfile", "-NonInteractive", "-Command", READS]
    told = subprocess.run(
        command, input=json.dumps(found), capture_output=True, text=True, timeout=250, check=True,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert json.loads(told.stdout) == []


# grant.ps1


@pytest.fixture
def directory(pwsh: str, tmp_path: Path) -> World:
    roles = [
        {"id": i, "value": v, "isEnabled": True, "allowedMemberTypes": ["Application"]}
        for v, i in {**BY_HAND, **IN_ENTRA, **WITH_ADMINISTRATOR, "Mail.Send": MAIL_SEND}.items()
    ]
    identity = {"id": PRINCIPAL, "appId": CLIENT, "displayName": "steps", "servicePrincipalType": "ManagedIdentity"}
    state = {
        "signedIn": True, "tenantId": "3f2c9a51-7b64-4d0e-8a1c-5e9d3b7f6021", "mayGrant": True, "hiddenReads": 0,
        "servicePrincipals": [identity, {"id": GRAPH, "appId": TABLE["microsoftGraph"], "appRoles": roles}],
        "assignments": [], "calls": [],
    }  # fmt: skip
    place = tmp_path / "state.json"
    place.write_text(json.dumps(state), encoding="utf-8")
    return World(pwsh, place, "grant.ps1", ("-Identity", CLIENT))


def holds(world: World, *role_ids: str) -> None:
    world.change(
        assignments=[
            {"id": f"assignment-{i}", "principalId": PRINCIPAL, "resourceId": GRAPH, "appRoleId": role_id}
            for i, role_id in enumerate(role_ids)
        ]
    )


def held(world: World) -> list[str]:
    return sorted(a["appRoleId"] for a in world.state["assignments"])


def granted(world: World) -> list[str]:
    return [body["appRoleId"] for method, _, body in world.state["calls"] if method != "GET"]


def test_what_is_missing_is_granted_and_the_second_time_nothing(directory: World) -> None:
    first = directory.run()
    assert first.returncode == 0, first.stderr
    assert held(directory) == sorted(IN_ENTRA.values())
    assert re.findall(r"^granted  (\S+)$", first.stdout, re.MULTILINE) == IN_ORDER
    assert f"verified {' '.join(IN_ORDER)}" in first.stdout
    second = directory.run()
    assert second.returncode == 0, second.stderr
    assert granted(directory) == []
    assert re.findall(r"^has      (\S+)$", second.stdout, re.MULTILINE) == IN_ORDER


def test_where_people_make_the_changes_only_reading_is_granted(directory: World) -> None:
    told = directory.run("-ChangesBy", "people")
    assert told.returncode == 0, told.stderr
    assert held(directory) == sorted(BY_HAND.values())


def test_half_done_is_finished_and_what_is_held_besides_is_told_and_left_alone(directory: World) -> None:
    stranger = "00000000-0000-4000-8000-00000000000a"
    missing, *there = IN_ENTRA.values()
    holds(directory, stranger, MAIL_SEND, *there)
    told = directory.run()
    assert told.returncode == 0, told.stderr
    assert granted(directory) == [missing]
    assert re.findall(r"^extra    (\S+)", told.stdout, re.MULTILINE) == [stranger, "Mail.Send"]
    assert f"'v1.0/servicePrincipals/{PRINCIPAL}/appRoleAssignments/assignment-1'" in told.stdout
    assert {stranger, MAIL_SEND} < set(held(directory))


def test_where_an_administrator_adds_project_synergy_less_is_granted_and_what_was_more_is_told(
    directory: World,
) -> None:
    more = IN_ENTRA["Application.ReadWrite.All"]
    holds(directory, more)
    told = directory.run("-ProjectSynergyBy", "administrator")
    assert told.returncode == 0, told.stderr
    assert held(directory) == sorted([*WITH_ADMINISTRATOR.values(), more])
    assert re.findall(r"^extra    (\S+)", told.stdout, re.MULTILINE) == ["Application.ReadWrite.All"]


def test_what_if_grants_nothing_and_says_what_it_would(directory: World) -> None:
    told = directory.run("-WhatIf")
    assert told.returncode == 0, told.stderr
    assert granted(directory) == []
    assert re.findall(r'What if: .*"grant (\S+)" on target "steps"', told.stdout) == IN_ORDER
    assert "verified" not in told.stdout


def test_what_graph_refuses_is_told_and_nothing_is_said_to_be_granted(directory: World) -> None:
    directory.change(mayGrant=False)
    told = directory.run()
    assert told.returncode == 1
    assert "Insufficient privileges to complete the operation" in flat(told.stderr)
    assert "granted" not in told.stdout
    assert "verified" not in told.stdout


def test_a_grant_that_shows_late_is_waited_for_and_one_that_never_does_is_no_success(directory: World) -> None:
    directory.change(hiddenReads=2)
    late = directory.run("-Only", "Domain.ReadWrite.All")
    assert late.returncode == 0, late.stderr
    assert "verified Domain.ReadWrite.All" in late.stdout
    directory.change(hiddenReads=1000)
    never = directory.run("-Only", "User.ReadBasic.All")
    assert never.returncode == 1
    assert "Not visible yet: User.ReadBasic.All" in flat(never.stderr)
    assert len(Path(f"{directory.place}.sleeps").read_text(encoding="utf-8").split()) == 2 + 5


@pytest.mark.parametrize(
    ("changed", "options", "said"),
    [
        ({"signedIn": False}, (), "Nobody is signed in. As a Privileged Role Administrator: Connect-MgGraph"),
        ({}, ("-Only", "Mail.Send"), "use grant-mail.ps1"),
        ({}, ("-ChangesBy", "nobody"), "-ChangesBy must be one of: application, people; got 'nobody'"),
        ({}, ("-ProjectSynergyBy", "nobody"), "must be one of: application, administrator; got 'nobody'"),
        (
            {},
            ("-ProjectSynergyBy", "administrator", "-Only", "Application.ReadWrite.All"),
            "'Application.ReadWrite.All' is not in",
        ),
        ({}, ("-Only", "Directory.ReadWrite.All"), "'Directory.ReadWrite.All' is not in"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_asked(
    directory: World, changed: dict[str, Any], options: tuple[str, ...], said: str
) -> None:
    directory.change(**changed)
    told = directory.run(*options)
    assert told.returncode == 1
    assert said in flat(told.stderr)
    assert directory.state["calls"] == []


def test_another_kind_of_application_gets_nothing(directory: World) -> None:
    principals = directory.state["servicePrincipals"]
    principals[0]["servicePrincipalType"] = "Application"
    directory.change(servicePrincipals=principals)
    told = directory.run()
    assert told.returncode == 1
    assert "not a managed identity" in flat(told.stderr)
    assert granted(directory) == []


def test_a_role_is_found_by_its_value_when_the_tenant_has_another_id(directory: World) -> None:
    principals = directory.state["servicePrincipals"]
    role = next(r for r in principals[1]["appRoles"] if r["value"] == "Domain.ReadWrite.All")
    role["id"] = "00000000-0000-4000-8000-00000000000b"
    directory.change(servicePrincipals=principals)
    told = directory.run("-Only", "Domain.ReadWrite.All")
    assert told.returncode == 0, told.stderr
    assert held(directory) == ["00000000-0000-4000-8000-00000000000b"]
    assert "WARNING: Domain.ReadWrite.All: its role id is" in told.stdout + told.stderr


# add-project-synergy.ps1


@pytest.fixture
def tenant(directory: World) -> World:
    return World(directory.pwsh, directory.place, "add-project-synergy.ps1", ())


def added(world: World) -> list[Any]:
    return [body for method, _, body in world.state["calls"] if method != "GET"]


def test_project_synergy_is_added_once_and_not_before_somebody_means_it(tenant: World) -> None:
    would = tenant.run("-WhatIf")
    assert (would.returncode, added(tenant)) == (0, []), would.stderr
    assert "What if: " in would.stdout
    tenant.change(hiddenReads=2)
    first = tenant.run()
    assert first.returncode == 0, first.stderr
    assert added(tenant) == [{name: TABLE["projectSynergy"][name] for name in ("appId", "displayName")}]
    assert first.stdout.startswith("added    Project Synergy")
    again = tenant.run()
    assert (again.returncode, added(tenant)) == (0, [])
    assert again.stdout.startswith("has      Project Synergy")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"signedIn": False}, "Nobody is signed in. As a Cloud Application Administrator: Connect-MgGraph"),
        ({"mayGrant": False}, "Insufficient privileges to complete the operation"),
        ({"readsFail": True}, "ServiceUnavailable"),
        ({"hiddenReads": 99}, "Not visible yet"),
    ],
)
def test_why_project_synergy_was_not_added_is_said(tenant: World, state: dict[str, Any], said: str) -> None:
    tenant.change(**state)
    told = tenant.run()
    assert told.returncode == 1
    assert said in flat(told.stderr)
    assert "added" not in told.stdout
    assert bool(added(tenant)) is bool({"mayGrant", "hiddenReads"} & set(state))


# grant-mail.ps1


@pytest.fixture
def exchange(pwsh: str, tmp_path: Path) -> World:
    state = {
        "connection": "Connected", "mayWrite": True, "tellsTruth": True,
        "mailboxes": [{"PrimarySmtpAddress": MAILBOX, "ExternalDirectoryObjectId": MAILBOX_ID}],
        "ServicePrincipal": [], "ManagementScope": [], "ManagementRoleAssignment": [], "calls": [],
    }  # fmt: skip
    place = tmp_path / "state.json"
    place.write_text(json.dumps(state), encoding="utf-8")
    return World(pwsh, place, "grant-mail.ps1", ("-Identity", CLIENT, "-Mailbox", MAILBOX))


def pointer() -> dict[str, str]:
    return {"AppId": CLIENT, "ObjectId": PRINCIPAL, "DisplayName": "operator-connect-onboarding"}


def test_one_mailbox_is_opened_and_the_second_time_nothing_is_made(exchange: World) -> None:
    first = exchange.run("-ObjectId", PRINCIPAL)
    assert first.returncode == 0, first.stderr
    assert exchange.state["calls"] == MADE
    assert exchange.state["ServicePrincipal"] == [pointer()]
    (scope,) = exchange.state["ManagementScope"]
    assert scope["RecipientFilter"] == f"ExternalDirectoryObjectId -eq '{MAILBOX_ID}'"
    (assigned,) = exchange.state["ManagementRoleAssignment"]
    assert (assigned["Role"], assigned["App"], assigned["CustomResourceScope"]) == (MAIL_ROLE, PRINCIPAL, scope["Name"])
    assert f"verified {MAIL_ROLE} for {MAILBOX}" in first.stdout
    second = exchange.run()
    assert second.returncode == 0, second.stderr
    assert exchange.state["calls"] == []
    assert second.stdout.count("has      ") == 3


def test_half_done_is_finished_and_a_wider_right_is_told_and_left_alone(exchange: World) -> None:
    wide = {"Name": "everything", "Role": MAIL_ROLE, "App": PRINCIPAL, "CustomResourceScope": "all"}
    scope = {"Name": "all", "RecipientFilter": "Alias -ne ''"}
    exchange.change(ServicePrincipal=[pointer()], ManagementScope=[scope], ManagementRoleAssignment=[wide])
    told = exchange.run()
    assert told.returncode == 0, told.stderr
    assert exchange.state["calls"] == MADE[1:]
    assert f"extra    {MAIL_ROLE} by assignment 'everything'" in told.stdout
    assert wide in exchange.state["ManagementRoleAssignment"]


def test_what_if_makes_nothing_and_says_what_it_would(exchange: World) -> None:
    told = exchange.run("-ObjectId", PRINCIPAL, "-WhatIf")
    assert told.returncode == 0, told.stderr
    assert exchange.state["calls"] == []
    assert re.findall(r'What if: Performing the operation "(New-\w+)', told.stdout) == MADE
    assert "verified" not in told.stdout


@pytest.mark.parametrize(
    ("changed", "options", "said"),
    [
        ({"connection": "Broken"}, (), "Nobody is signed in. As an Exchange Administrator: Connect-ExchangeOnline"),
        ({"mailboxes": []}, (), f"object '{MAILBOX}' couldn't be found"),
        ({}, (), f"Exchange does not know {CLIENT} yet. Give -ObjectId: az ad sp show"),
        ({"mayWrite": False}, ("-ObjectId", PRINCIPAL), "Access Denied."),
    ],
)
def test_what_can_not_be_done_is_said_and_nothing_is_made(
    exchange: World, changed: dict[str, Any], options: tuple[str, ...], said: str
) -> None:
    exchange.change(**changed)
    told = exchange.run(*options)
    assert told.returncode == 1
    assert said in flat(told.stderr)
    assert exchange.state["calls"] == []
    assert "verified" not in told.stdout


def test_a_scope_for_another_mailbox_is_not_taken_for_ours(exchange: World) -> None:
    other = {"Name": "operator-connect-onboarding", "RecipientFilter": "ExternalDirectoryObjectId -eq 'another'"}
    exchange.change(ServicePrincipal=[pointer()], ManagementScope=[other])
    told = exchange.run()
    assert told.returncode == 1
    assert "is for another mailbox" in flat(told.stderr)
    assert exchange.state["ManagementRoleAssignment"] == []


def test_what_exchange_does_not_confirm_is_no_success(exchange: World) -> None:
    exchange.change(tellsTruth=False)
    told = exchange.run("-ObjectId", PRINCIPAL)
    assert told.returncode == 1
    assert f"Exchange says that {CLIENT} may not send as {MAILBOX} yet" in flat(told.stderr)
