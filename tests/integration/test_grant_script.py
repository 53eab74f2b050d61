"""infra/permissions/grant.sh, run by bash with an `az` that speaks for a small directory."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from onboarding.azure.permissions import (
    ADD_PROJECT_SYNERGY_COMMAND,
    NEEDED_BY,
    TABLE,
    ChangesBy,
    ProjectSynergyBy,
    grant_graph,
    rows,
)
from tests.support import fake_az

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "infra" / "permissions" / "grant.sh"
CLIENT, PRINCIPAL = "0b9f5a3e-1d42-4c8b-9e77-6a2f8d4c1b05", "c4d1e7f2-6a38-4b90-8f15-2e7b9a0c3d64"
GRAPH = "5c0e9c4e-7f0b-4e0c-9a53-0d1f6b7f2a10"
IN_ENTRA, WITH_ADMINISTRATOR = (
    {row["value"]: row["appRoleId"] for row in rows("permissions", by) if row["grantedIn"] == "entra"}
    for by in ProjectSynergyBy
)
BY_HAND = rows("permissions", ProjectSynergyBy.APPLICATION, ChangesBy.PEOPLE)
OF_ADMINISTRATOR = ("--project-synergy-by", "administrator")
MAIL_SEND = next(row["appRoleId"] for row in TABLE["permissions"] if row["value"] == "Mail.Send")

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash on this machine")


@dataclass
class Directory:
    """A tenant with one managed identity, and the script that is run against it."""

    folder: Path

    @property
    def place(self) -> Path:
        return self.folder / "state.json"

    @property
    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.place.read_text(encoding="utf-8")))

    def change(self, **values: Any) -> None:
        self.place.write_text(json.dumps({**self.state, **values}), encoding="utf-8")

    def holds(self, *role_ids: str) -> None:
        assigned = [
            {"id": f"assignment-{i}", "principalId": PRINCIPAL, "resourceId": GRAPH, "appRoleId": role_id}
            for i, role_id in enumerate(role_ids)
        ]
        self.change(assignments=assigned)

    @property
    def held(self) -> list[str]:
        return sorted(a["appRoleId"] for a in self.state["assignments"])

    @property
    def writes(self) -> list[Any]:
        return [call for call in self.state["calls"] if call[0] != "GET"]

    def grant(self, *options: str, identity: str = CLIENT) -> subprocess.CompletedProcess[str]:
        return self.run(SCRIPT, "--identity", identity, *options)

    def run(self, script: Path, *options: str) -> subprocess.CompletedProcess[str]:
        self.change(calls=[])
        return subprocess.run(
            ["bash", str(script), *options],
            env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    @property
    def environment(self) -> Mapping[str, str]:
        path = os.pathsep.join([str(self.folder), os.environ["PATH"]])
        return {"PATH": path, "FAKE_AZ_STATE": str(self.place), "GRANT_PAUSE": "0"}


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    az = tmp_path / "az"
    az.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{fake_az.__file__}" "$@"\n', encoding="utf-8")
    az.chmod(0o755)
    all_roles = {**{row["value"]: row["appRoleId"] for row in BY_HAND}, **IN_ENTRA, **WITH_ADMINISTRATOR}
    roles = [{"id": i, "value": v, "allowedMemberTypes": ["Application"]} for v, i in all_roles.items()]
    roles += [{"id": MAIL_SEND, "value": "Mail.Send", "allowedMemberTypes": ["Application"]}]
    identity = {"id": PRINCIPAL, "appId": CLIENT, "displayName": "steps", "servicePrincipalType": "ManagedIdentity"}
    state = {
        "signedIn": True, "tenantId": "3f2c9a51-7b64-4d0e-8a1c-5e9d3b7f6021", "mayGrant": True, "hiddenReads": 0,
        "servicePrincipals": [identity, {"id": GRAPH, "appId": TABLE["microsoftGraph"], "appRoles": roles}],
        "assignments": [], "calls": [],
    }  # fmt: skip
    (tmp_path / "state.json").write_text(json.dumps(state), encoding="utf-8")
    return Directory(tmp_path)


@pytest.mark.parametrize("identity", [CLIENT.upper(), PRINCIPAL])
def test_it_grants_what_the_table_says_and_the_second_time_nothing(directory: Directory, identity: str) -> None:
    first = directory.grant(identity=identity)
    assert first.returncode == 0, first.stderr
    assert directory.held == sorted(IN_ENTRA.values())
    assert MAIL_SEND not in directory.held
    assert f"verified {' '.join(sorted(IN_ENTRA))}" in first.stdout
    second = directory.grant(identity=identity)
    assert second.returncode == 0
    assert directory.writes == []
    assert re.findall(r"^has      (\S+)$", second.stdout, re.MULTILINE) == sorted(IN_ENTRA)


def test_only_what_is_missing_is_granted(directory: Directory) -> None:
    directory.holds(*list(IN_ENTRA.values())[1:])
    directory.grant()
    assert [body["appRoleId"] for _, _, body in directory.writes] == [next(iter(IN_ENTRA.values()))]


def test_what_if_says_what_it_would_grant_and_writes_nothing(directory: Directory) -> None:
    told = directory.grant("--what-if")
    assert told.returncode == 0
    assert directory.writes == []
    assert re.findall(r"^would    grant (\S+)$", told.stdout, re.MULTILINE) == sorted(IN_ENTRA)
    assert "verified" not in told.stdout


@pytest.mark.parametrize(
    ("by", "needed"),
    sorted({(by, n) for by, needed in NEEDED_BY.items() for n in needed.values() if "Mail.Send" not in n}),
)
def test_the_command_that_an_error_names_grants_what_that_call_needs(
    directory: Directory, by: ProjectSynergyBy, needed: tuple[str, ...]
) -> None:
    script, *options = grant_graph(CLIENT, needed, by).split()
    assert (ROOT / script).samefile(SCRIPT)
    assert directory.grant(*options).returncode == 0
    known = {**IN_ENTRA, **WITH_ADMINISTRATOR}
    assert directory.held == sorted(known[name] for name in needed)


def test_where_an_administrator_adds_project_synergy_less_is_granted_and_what_was_more_is_told(
    directory: Directory,
) -> None:
    assert set(IN_ENTRA) - set(WITH_ADMINISTRATOR) == {"Application.ReadWrite.All"}
    assert set(WITH_ADMINISTRATOR) - set(IN_ENTRA) == {"Application.Read.All"}
    directory.holds(IN_ENTRA["Application.ReadWrite.All"])
    told = directory.grant(*OF_ADMINISTRATOR)
    assert told.returncode == 0, told.stderr
    assert f"verified {' '.join(sorted(WITH_ADMINISTRATOR))}" in told.stdout
    assert directory.held == sorted([*WITH_ADMINISTRATOR.values(), IN_ENTRA["Application.ReadWrite.All"]])
    assert re.findall(r"^extra    (\S+)", told.stdout, re.MULTILINE) == ["Application.ReadWrite.All"]
    assert "appRoleAssignments/assignment-0" in told.stdout


def test_where_people_make_the_changes_only_reading_is_granted_and_what_was_more_is_told(directory: Directory) -> None:
    needed = sorted(row["value"] for row in BY_HAND if row["grantedIn"] == "entra")
    directory.holds(IN_ENTRA["Domain.ReadWrite.All"])
    told = directory.grant("--changes-by", "people")
    assert told.returncode == 0, told.stderr
    assert f"verified {' '.join(needed)}" in told.stdout
    assert needed == ["Application.Read.All", "Domain.Read.All", "User.ReadBasic.All"]
    assert re.findall(r"^extra    (\S+)", told.stdout, re.MULTILINE) == ["Domain.ReadWrite.All"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--changes-by", "nobody"), "--changes-by must be one of: application people; got 'nobody'"),
        (("--changes-by", "people", "--only", "Domain.ReadWrite.All"), "'Domain.ReadWrite.All' is not in"),
        (("--project-synergy-by", "nobody"), "must be one of: application administrator; got 'nobody'"),
        ((*OF_ADMINISTRATOR, "--only", "Application.ReadWrite.All"), "'Application.ReadWrite.All' is not in"),
        (("--only", "Application.Read.All"), "'Application.Read.All' is not in"),
    ],
)
def test_what_the_other_choice_would_grant_is_refused(
    directory: Directory, options: tuple[str, ...], reason: str
) -> None:
    told = directory.grant(*options)
    assert (told.returncode, directory.writes) == (2, [])
    assert reason in told.stderr


def test_what_it_holds_besides_is_told_with_the_way_out_and_left_alone(directory: Directory) -> None:
    directory.holds("00000000-0000-4000-8000-00000000000a", MAIL_SEND)
    told = directory.grant()
    assert re.findall(r"^extra    (\S+)", told.stdout, re.MULTILINE) == [
        "00000000-0000-4000-8000-00000000000a",
        "Mail.Send",
    ]
    link = f"{fake_az.GRAPH}/v1.0/servicePrincipals/{PRINCIPAL}/appRoleAssignments/assignment-1"
    assert f'az rest --method DELETE --url "{link}"' in told.stdout
    assert MAIL_SEND in directory.held


def test_nobody_signed_in_is_said_and_nothing_is_asked(directory: Directory) -> None:
    directory.change(signedIn=False)
    told = directory.grant()
    assert told.returncode == 2
    assert "nobody is signed in: run 'az login --tenant TENANT'" in told.stderr
    assert directory.state["calls"] == []


@pytest.mark.parametrize(
    ("options", "identity", "said"),
    [
        (["--only", "Mail.Send"], CLIENT, "use grant-mail.ps1"),
        (["--only", "Directory.ReadWrite.All"], CLIENT, "'Directory.ReadWrite.All' is not in"),
        (["--whatif"], CLIENT, "unknown option '--whatif'"),
        (["--only"], CLIENT, "--only needs a value"),
        ([], "steps", "must be the client id or the object id of the managed identity (a GUID); got 'steps'"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_asked(
    directory: Directory, options: list[str], identity: str, said: str
) -> None:
    told = directory.grant(*options, identity=identity)
    assert told.returncode == 2
    assert said in told.stderr
    assert directory.state["calls"] == []


def test_another_kind_of_application_gets_nothing(directory: Directory) -> None:
    principals = directory.state["servicePrincipals"]
    principals[0]["servicePrincipalType"] = "Application"
    directory.change(servicePrincipals=principals)
    told = directory.grant()
    assert told.returncode == 1
    assert "not a managed identity" in told.stderr
    assert directory.writes == []


def test_an_unknown_identity_is_said(directory: Directory) -> None:
    told = directory.grant(identity="99999999-9999-4999-8999-999999999999")
    assert told.returncode == 1
    assert "no service principal with client id or object id 99999999" in told.stderr


def test_who_may_not_grant_is_told_what_graph_said(directory: Directory) -> None:
    directory.change(mayGrant=False)
    told = directory.grant()
    assert told.returncode == 1
    assert "was not granted" in told.stderr
    assert "Insufficient privileges" in told.stderr


def test_a_grant_that_graph_does_not_show_at_once_is_waited_for(directory: Directory) -> None:
    directory.change(hiddenReads=2)
    told = directory.grant("--only", "Domain.ReadWrite.All")
    assert told.returncode == 0, told.stderr
    assert "verified Domain.ReadWrite.All" in told.stdout


def test_a_grant_that_graph_never_shows_is_no_success(directory: Directory) -> None:
    directory.change(hiddenReads=1000)
    told = directory.grant("--only", "Domain.ReadWrite.All")
    assert told.returncode == 1
    assert "not visible yet after 6 looks: Domain.ReadWrite.All" in told.stderr


def test_a_role_is_found_by_its_value_when_the_tenant_has_another_id(directory: Directory) -> None:
    principals = directory.state["servicePrincipals"]
    role = next(r for r in principals[1]["appRoles"] if r["value"] == "Domain.ReadWrite.All")
    role["id"] = "00000000-0000-4000-8000-00000000000b"
    directory.change(servicePrincipals=principals)
    told = directory.grant("--only", "Domain.ReadWrite.All")
    assert directory.held == ["00000000-0000-4000-8000-00000000000b"]
    assert "note     Domain.ReadWrite.All: its role id is" in told.stdout


# add-project-synergy.sh

ADD = ROOT / ADD_PROJECT_SYNERGY_COMMAND
SYNERGY = TABLE["projectSynergy"]


def synergy(directory: Directory) -> list[Any]:
    return [p for p in directory.state["servicePrincipals"] if p["appId"] == SYNERGY["appId"]]


def test_an_administrator_adds_project_synergy_once_and_the_second_time_nothing(directory: Directory) -> None:
    directory.change(hiddenReads=2)
    first = directory.run(ADD)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("added    Project Synergy")
    assert [p["displayName"] for p in synergy(directory)] == [SYNERGY["displayName"]]
    again = directory.run(ADD)
    assert (again.returncode, directory.writes) == (0, [])
    assert again.stdout.startswith("has      Project Synergy")


def test_with_what_if_it_is_not_added(directory: Directory) -> None:
    told = directory.run(ADD, "--what-if")
    assert (told.returncode, directory.writes) == (0, [])
    assert told.stdout.startswith("would    add Project Synergy")


@pytest.mark.parametrize(
    ("state", "options", "code", "reason"),
    [
        ({"signedIn": False}, (), 2, "nobody is signed in: run 'az login --tenant TENANT'"),
        ({"mayGrant": False}, (), 1, "was not added: ERROR: Authorization_RequestDenied"),
        ({"readsFail": True}, (), 1, "can't be read: ERROR: ServiceUnavailable"),
        ({"hiddenReads": 99}, (), 1, "not visible yet after 6 looks"),
        ({}, ("--now",), 2, ""),
    ],
)
def test_why_project_synergy_was_not_added_is_said(
    directory: Directory, state: Mapping[str, Any], options: tuple[str, ...], code: int, reason: str
) -> None:
    directory.change(**state)
    told = directory.run(ADD, *options)
    assert told.returncode == code
    assert reason in told.stderr
    assert "added " not in told.stdout
    if "mayGrant" not in state and "hiddenReads" not in state:
        assert directory.writes == []
