"""Azurite as a part of the sandbox, and how to connect to it."""

from __future__ import annotations

import re
from pathlib import Path

from sandbox.ports import HOST, Ports
from sandbox.processes import Facts, Part, Recogniser
from sandbox.setup.azurite import Azurite

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Public, the same in every Azurite (Microsoft Learn, "Use the Azurite emulator", "Well-known storage account")."""
SERVICES = ("blob", "queue", "table")

_LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at (\S+)")


def part(ports: Ports, root: Path, data: Path | None = None) -> Part:
    """Azurite with its data in a folder, or in memory.

    Raises:
        SetupError: it is not installed.
    """
    command = [*Azurite(root).command(), "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    command += ["--location", str(data)] if data else ["--inMemoryPersistence"]
    for service in SERVICES:
        command += [f"--{service}Host", HOST, f"--{service}Port", str(getattr(ports, service))]
    return Part("azurite", "Azurite", command, SERVICES, recogniser=_all_services)


def connection_string(ports: Ports) -> str:
    """For all three services."""
    endpoints = (f"{s.title()}Endpoint=http://{HOST}:{getattr(ports, s)}/{ACCOUNT}" for s in SERVICES)
    account = ("DefaultEndpointsProtocol=http", f"AccountName={ACCOUNT}", f"AccountKey={KEY}")
    return ";".join([*account, *endpoints, ""])


def _all_services() -> Recogniser:
    listening: dict[str, str] = {}

    def recognise(line: str) -> Facts | None:
        found = _LISTENING.search(line)
        if found:
            listening[found[1].lower()] = found[2]
        return {"part": "azurite", **listening} if listening.keys() >= set(SERVICES) else None

    return recognise
