"""The table of permissions, and what reads it: errors, scripts, the documentation."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Parser

from onboarding.azure import allowed, arm, arm_peerings, arm_zones
from onboarding.azure.permissions import (
    ADD_PROJECT_SYNERGY_COMMAND,
    AZURE_ROLES,
    NEEDED,
    NEEDED_BY,
    NEEDED_BY_HAND,
    TABLE,
    ChangesBy,
    ProjectSynergyBy,
    grant_graph,
    rows,
)
from onboarding.core.messages import NOTICES_QUEUE
from onboarding.settings import Functions
from onboarding.steps import LIBRARY
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME
from sandbox.microsoft.graph.permissions import allowed as sufficient
from sandbox.microsoft.world import read_seed

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "infra" / "permissions"
VALUES = [row["value"] for row in TABLE["permissions"]]
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def scripts(ending: str) -> list[Path]:
    return sorted(SCRIPTS.glob(f"*.{ending}"))


@pytest.mark.parametrize("by", ProjectSynergyBy)
def test_each_permission_is_needed_by_a_call_and_the_other_way_round(by: ProjectSynergyBy) -> None:
    granted = [row["value"] for row in rows("permissions", by)]
    assert sorted({name for needed in NEEDED_BY[by].values() for name in needed}) == sorted(granted)
    assert all(GUID.fullmatch(row["appRoleId"]) for row in TABLE["permissions"])


def test_with_an_administrator_the_application_makes_no_application_and_may_not() -> None:
    calls = NEEDED_BY[ProjectSynergyBy.ADMINISTRATOR]
    assert set(NEEDED) - set(calls) == {"POST /servicePrincipals"}
    for operation, ours in calls.items():
        method, template = operation.split(" ", 1)
        assert sufficient(method, template.replace("appId='{id}'", "appId='{appId}'"), set(ours)), operation
    held = {name for needed in calls.values() for name in needed}
    assert not sufficient("POST", "/servicePrincipals", held)
    assert sufficient("POST", "/servicePrincipals", set(NEEDED["POST /servicePrincipals"]))


@pytest.mark.parametrize("by", ProjectSynergyBy)
def test_where_people_make_the_changes_the_application_only_reads_and_sends_mail(by: ProjectSynergyBy) -> None:
    held = {row["value"] for row in rows("permissions", by, ChangesBy.PEOPLE)}
    assert held == {"Application.Read.All", "Domain.Read.All", "User.ReadBasic.All", "Mail.Send"}
    assert {name for needed in NEEDED_BY_HAND.values() for name in needed} == held
    writes = {call for call in NEEDED_BY_HAND if not call.startswith("GET ")}
    assert writes == {"POST /users/{id}/sendMail"}
    for operation, ours in NEEDED_BY_HAND.items():
        method, template = operation.split(" ", 1)
        assert sufficient(method, template.replace("appId='{id}'", "appId='{appId}'"), set(ours)), operation
    for operation in set(NEEDED) - set(NEEDED_BY_HAND):
        assert not sufficient(*operation.split(" ", 1), held), operation
    assert TABLE["changes"] == {"by": list(ChangesBy), "peopleAs": ProjectSynergyBy.ADMINISTRATOR}
    command = grant_graph(None, ("Domain.Read.All",), by, ChangesBy.PEOPLE)
    assert command.endswith("--changes-by people --only Domain.Read.All")


def test_what_an_administrator_adds_is_what_the_steps_look_for() -> None:
    synergy = TABLE["projectSynergy"]
    assert (synergy["appId"], synergy["displayName"]) == (PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME)
    assert synergy["by"] == list(ProjectSynergyBy)
    script = ROOT / ADD_PROJECT_SYNERGY_COMMAND
    assert script.stat().st_mode & 0o111
    assert script.with_suffix(".ps1").is_file()


def test_whoever_needs_a_call_is_a_step_or_the_notices() -> None:
    known = set(LIBRARY) | {NOTICES_QUEUE}
    for row in (*TABLE["calls"], *TABLE["azureRoles"]):
        assert set(row.get("by", ())) <= known


def test_every_write_that_is_allowed_is_in_the_table() -> None:
    writes = {re.sub(r"\{\w+\}", "{id}", operation) for operation in allowed.GRAPH_WRITES}
    assert writes == {call for call in NEEDED if not call.startswith("GET ")}


def test_every_call_to_arm_has_its_role() -> None:
    made = {arm._GET, arm._PUT, arm._LIST, arm._LINES, arm._PUT_LINE, arm._OWN_ACTIONS}
    made |= {arm_zones._GET, arm_zones._GET_TXT, arm_zones._PUT_TXT, arm_zones._OWN_ACTIONS}
    made |= {arm_peerings._GET, arm_peerings._PREFIXES}
    assert {call.operation for call in made} == set(AZURE_ROLES)


def test_the_identity_of_the_front_has_no_permission_in_graph_and_writes_no_gateway() -> None:
    assert {row["identity"] for row in TABLE["permissions"]} == {Functions.STEPS.value}
    for row in TABLE["azureRoles"]:
        if Functions.FRONT.value in row["identities"]:
            assert not any(call.startswith("PUT ") for call in row.get("calls", ()))


def test_the_sandboxs_identities_hold_what_the_table_says_and_nothing_else() -> None:
    of_application = rows("permissions", ProjectSynergyBy.APPLICATION)
    in_entra = {row["value"] for row in of_application if row["grantedIn"] == "entra"}
    identities = read_seed()["identities"]
    assert identities
    for identity in identities:
        assert set(identity["graph"]) == in_entra


@pytest.mark.parametrize("script", scripts("sh") + scripts("ps1"), ids=lambda path: path.name)
def test_a_script_reads_the_table_and_has_no_list_of_its_own(script: Path) -> None:
    code = script.read_text(encoding="utf-8")
    code = re.sub(r"<#.*?#>", "", code, flags=re.DOTALL)  # what people need for their own sign-in is no grant
    code = "\n".join(line for line in code.splitlines() if "Connect-MgGraph" not in line and "-Scopes" not in line)
    assert "onboarding/azure/permissions.json" in code
    assert [value for value in VALUES if value in code] == []
    assert GUID.search(code) is None


@pytest.mark.parametrize("script", scripts("sh"), ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    shellcheck = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert shellcheck is not None
    found = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert found.stdout + found.stderr == ""


@pytest.mark.parametrize("script", scripts("ps1"), ids=lambda path: path.name)
def test_powershell_parses_and_can_be_tried_without_a_write(script: Path) -> None:
    """Parsed only; where there is a PowerShell, tests/infra runs them."""
    code = script.read_bytes()
    tree = Parser(Language(tree_sitter_powershell.language())).parse(code)
    assert not tree.root_node.has_error
    text = code.decode()
    assert "[CmdletBinding(SupportsShouldProcess)]" in text
    for line in text.splitlines():
        if re.search(r"\bNew-(ServicePrincipal|Management\w+) -|-Method POST", line):
            before = text[: text.index(line)]
            assert "ShouldProcess(" in before.rpartition("\n}\n")[2], f"not asked before: {line.strip()}"
