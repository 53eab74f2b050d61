"""An administrator who pastes what a step shows: into a shell with the real Azure CLI, and into PowerShell."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from sandbox.cloud import Cloud
from sandbox.microsoft.world import read_seed

ADMINISTRATOR = read_seed()["people"][0]
TENANT = read_seed()["tenant"]["id"]
MODULES = Path(__file__).with_name("modules")
LONGEST = 120
"""Seconds that a command may take: the first of the Azure CLI's compiles it."""


@dataclass(frozen=True)
class Administrator:
    """Signed in to the simulated Microsoft, with a home of their own."""

    environment: Mapping[str, str]
    pwsh: str

    @classmethod
    def sign_in(cls, cloud: Cloud, home: Path, az: Path, pwsh: str) -> Administrator:
        """By `az cloud register` and `az login`; to Graph with a token of the same authority."""
        names = ("ARM_ENDPOINT", "GRAPH_ENDPOINT", "CA_FILE")
        arm, graph, ca = (cloud.settings[f"ONBOARDING_{name}"] for name in names)
        config = home / ".azure"
        config.mkdir(parents=True)
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        mine = {
            **kept,
            "HOME": str(home),
            "PATH": os.pathsep.join((str(az.parent), kept["PATH"])),
            "AZURE_CONFIG_DIR": str(config),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "REQUESTS_CA_BUNDLE": ca,
            "PSModulePath": str(MODULES),
            "POWERSHELL_TELEMETRY_OPTOUT": "1",
            "NO_COLOR": "1",
            "GRAPH_ENDPOINT": graph,
            "GRAPH_TOKEN": _token(arm, graph, ca),
        }
        who = cls(mine, pwsh)
        who.run("bash", f"az cloud register -n Sandbox --endpoint-resource-manager {arm} && az cloud set -n Sandbox")
        client = ADMINISTRATOR["clientId"]
        who.run("bash", f"az login --service-principal -u {client} -p sandbox --tenant {TENANT} -o none")
        return who

    def run(self, shell: str, text: str) -> str:
        """What a command says. Raises AssertionError when it fails."""
        command = ["bash", "-euo", "pipefail", "-c", text]
        if shell == "powershell":
            stopping = f"$ErrorActionPreference = 'Stop'; {text}"
            command = [self.pwsh, "-NoProfile", "-NonInteractive", "-Command", stopping]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=LONGEST, check=False
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def _token(arm: str, graph: str, ca: str) -> str:
    asked = {
        "client_id": ADMINISTRATOR["clientId"],
        "client_secret": "sandbox",
        "grant_type": "client_credentials",
        "scope": "https://graph.microsoft.com/.default",
    }
    with httpx.Client(verify=ssl.create_default_context(cafile=ca), trust_env=False) as client:
        answer = client.post(f"{arm}/{TENANT}/oauth2/v2.0/token", data=asked)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def azure_cli() -> Path:
    """As the set-up has installed it."""
    return Path(__file__).parents[2] / ".sandbox" / "azure-cli" / "bin" / "az"
