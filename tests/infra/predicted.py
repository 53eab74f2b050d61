"""What Bicep predicts of a deployment: `infra/snapshots/*.json`, each beside the parameters that it is for.

A value that Azure knows only once something is deployed is an expression in brackets there, as in a template.
The identities are told apart by the name in such an expression.

`NAME.snapshot.json` is Bicep's own name for it, and `bicep snapshot --mode validate` compares such a file by itself.
But it ends with an unhandled exception (KeyNotFoundException, in 0.49.2, whatever the file says) where resources of
Microsoft Graph are predicted: they have no id. With those it is called `NAME.predicted.json`, and ours to compare.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SNAPSHOTS = ROOT / "infra" / "snapshots"
CHOICES = sorted(path.stem for path in SNAPSHOTS.glob("*.bicepparam"))
"""What was chosen: the names of the files of parameters."""
_IDENTITY = re.compile(r"/userAssignedIdentities/id-(\w+)-\w+'")

Resource = dict[str, Any]


@dataclass(frozen=True, order=True)
class Grant:
    """One role assignment: who gets which role (the id of its definition) on what (a resource id)."""

    identity: str
    role: str
    scope: str


@dataclass(frozen=True)
class Snapshot:
    """One deployment, predicted."""

    choice: str

    @cached_property
    def given(self) -> dict[str, str]:
        """The parameters that are given, as they are written."""
        text = (SNAPSHOTS / f"{self.choice}.bicepparam").read_text(encoding="utf-8")
        return dict(re.findall(r"^param (\w+) = '?(.*?)'?$", text, re.MULTILINE))

    @cached_property
    def content(self) -> dict[str, Any]:
        """The whole file."""
        content: dict[str, Any] = json.loads(file_of(self.choice).read_text(encoding="utf-8"))
        return content

    @property
    def resources(self) -> list[Resource]:
        """Every resource, but for those that need a parameter which is empty here.

        What a secret decides is predicted for both cases, with its condition: Bicep doesn't look at a secret's value.
        """
        return [r for r in self.content["predictedResources"] if self._is_made(r)]

    def of(self, kind: str) -> list[Resource]:
        """The resources of one type."""
        return [r for r in self.resources if r["type"] == kind]

    def one(self, kind: str, name: str) -> Resource:
        """The only resource of a type whose name begins or ends so."""
        (found,) = (r for r in self.of(kind) if r["name"].startswith(name) or r["name"].endswith(name))
        return found

    def settings(self, who: str) -> dict[str, str]:
        """The app settings of an app: `front` or `steps`."""
        held: dict[str, str] = next(
            r["properties"]
            for r in self.of("Microsoft.Web/sites/config")
            if r["name"].startswith(f"func-{who}-") and r["name"].endswith("/appsettings")
        )
        return held

    @property
    def grants(self) -> Iterator[Grant]:
        """Every role assignment."""
        for resource in self.of("Microsoft.Authorization/roleAssignments"):
            given = resource["properties"]
            role = given["roleDefinitionId"].rpartition("/")[2]
            yield Grant(identity(given["principalId"]), role, _scope(resource["id"]))

    def _is_made(self, resource: Resource) -> bool:
        asked = re.findall(r"parameters\('(\w+)'\)", resource.get("condition", ""))
        return all(self.given.get(name) for name in asked)


def file_name(choice: str, content: dict[str, Any]) -> str:
    """How the file of a prediction is called."""
    of_bicep = all("id" in resource for resource in content["predictedResources"])
    return f"{choice}.{'snapshot' if of_bicep else 'predicted'}.json"


def file_of(choice: str) -> Path:
    """The file of a prediction that stands in the repository."""
    (found,) = SNAPSHOTS.glob(f"{choice}.*.json")
    return found


def identity(text: str) -> str:
    """Whose client id or principal id an expression is: `front` or `steps`."""
    (name,) = set(_IDENTITY.findall(text))
    return str(name)


def _scope(assignment: str) -> str:
    """What a role is assigned on: it stands first in the expression that names the assignment."""
    if found := re.match(r"\[resourceId\('([^']+)', '([^']+)', 'Microsoft.Authorization/roleAssignments'", assignment):
        return f"/subscriptions/{found[1]}/resourceGroups/{found[2]}"
    if found := re.match(r"\[subscriptionResourceId\('([^']+)', 'Microsoft.Auth", assignment):
        return f"/subscriptions/{found[1]}"
    found = re.match(r"\[extensionResourceId\('([^']+)', 'Microsoft.Authorization/roleAssignments'", assignment)
    assert found is not None, f"what is this assigned on? {assignment}"
    return found[1]


@cache
def snapshot(choice: str) -> Snapshot:
    """The deployment of a choice of parameters."""
    return Snapshot(choice)
