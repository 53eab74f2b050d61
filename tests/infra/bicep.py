"""Bicep over a copy of the templates: what it says of them, and what it predicts that they make."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.infra.predicted import ROOT
from tests.infra.tools import LeftOutError, find, version

LEAST = (0, 49, 2)
"""Wrote the predictions that stand in the repository; an older one writes them differently."""
GRAPH_TYPES = "BICEP_GRAPH_TYPES"
"""Where Microsoft Graph's types are, if not to be fetched: an extension (.tgz), or the index.json to make it of."""
ASSUMED = {
    "--tenant-id": "22222222-2222-2222-2222-222222222222",
    "--subscription-id": "11111111-1111-1111-1111-111111111111",
    "--location": "uksouth",
    "--deployment-name": "onboarding",
}
"""Where a predicted deployment goes: nowhere real."""
NEEDED = ("infra", "onboarding/azure/permissions.json", "bicepconfig.json")
"""All that the templates read."""

_ANSWERED = re.compile(r"does not exist|MANIFEST_UNKNOWN|NAME_UNKNOWN|Status: 4\d\d|could not find file", re.IGNORECASE)


@dataclass(frozen=True)
class Bicep:
    """Bicep, and the folder of a copy that it works on."""

    program: str
    version: str
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command, in the copy."""
        command = [self.program, *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=250, check=False)

    def build(self) -> str:
        """All that the compiler and the linter say of main.bicep; empty when nothing is wrong.

        :raises LeftOutError: Microsoft Graph's types could not be fetched.
        """
        done = self.run("build", "infra/main.bicep", "--outfile", "main.json")
        return self._said(done)

    def predict(self, choice: str) -> str:
        """The prediction for a choice of parameters, as it stands in its file: with the outputs, which Bicep writes in
        another order each time, in the order of their names.

        :raises LeftOutError: Microsoft Graph's types could not be fetched.
        :raises ValueError: Bicep refuses, or predicts less than is deployed. The message has what it said.
        """
        written = self.folder / "infra" / "snapshots" / f"{choice}.snapshot.json"
        written.unlink(missing_ok=True)
        assumed = [part for pair in ASSUMED.items() for part in pair]
        done = self.run("snapshot", f"infra/snapshots/{choice}.bicepparam", "--mode", "overwrite", *assumed)
        said = self._said(done)
        content = json.loads(written.read_text(encoding="utf-8")) if written.exists() else {}
        said += "".join(f"\n{diagnostic}" for diagnostic in content.get("diagnostics", ()))
        if said or not content:
            raise ValueError(f"of {choice} Bicep says: {said or 'nothing, and predicts nothing'}")
        content["outputs"] = dict(sorted(content["outputs"].items()))
        return json.dumps(content, indent=2, ensure_ascii=False)

    def _said(self, done: subprocess.CompletedProcess[str]) -> str:
        said = (done.stdout + done.stderr).replace(f"{self.folder}{os.sep}", "").strip()
        if why := unreachable(said):
            raise LeftOutError(f"Microsoft Graph's types could not be fetched, and {GRAPH_TYPES} names none: {why}")
        return said or (f"exit status {done.returncode}" if done.returncode else "")


def unreachable(said: str) -> str | None:
    """What Bicep could not fetch, if that is so and no mistake of ours: a registry that answers has been reached."""
    failed = [line for line in said.splitlines() if "Error BCP192: " in line]
    if not failed or any(_ANSWERED.search(line) for line in failed):
        return None
    return failed[0].partition("Error BCP192: ")[2][:300]


def prepare(folder: Path, environment: Mapping[str, str] = os.environ, where: Callable[[str], str] = find) -> Bicep:
    """Bicep, with a copy of the templates in a folder that does not exist yet.

    :raises LeftOutError: there is no Bicep that would do.
    :raises FileNotFoundError: there is nothing where the types of Microsoft Graph are said to be.
    """
    program = where("bicep")
    bicep = Bicep(program, version(program, LEAST), folder)
    for name in NEEDED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, folder / name)
    if types := environment.get(GRAPH_TYPES):
        _point_at(bicep, (ROOT / types).resolve())
    return bicep


def _point_at(bicep: Bicep, types: Path) -> None:
    """Have Bicep take the types of Microsoft Graph from a file."""
    if not types.is_file():
        raise FileNotFoundError(f"{GRAPH_TYPES} names {types}, and there is no such file")
    extension = bicep.folder / "graph.tgz"
    if types.suffix == ".json":
        made = bicep.run("publish-extension", str(types), "--target", extension.name, "--force")
        if made.returncode:
            raise ValueError(f"Bicep makes no extension of {types}: {made.stdout}{made.stderr}")
    else:
        shutil.copyfile(types, extension)
    file = bicep.folder / "bicepconfig.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config["extensions"] = dict.fromkeys(config["extensions"], f"./{extension.name}")
    file.write_text(json.dumps(config), encoding="utf-8")
