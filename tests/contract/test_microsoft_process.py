"""`python -m sandbox.microsoft` as a process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("arm", "graph", "teams", "identity", "control", "dns", "trunks")


async def start(certificates: Path, *more: str) -> asyncio.subprocess.Process:
    ports = [part for name in NAMES for part in (f"--{name}-port", "0")]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.microsoft", *ports, "--certificates", str(certificates), *more,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def test_it_says_when_it_is_ready_answers_and_stops_cleanly(certificates: Path) -> None:
    began = time.monotonic()
    process = await start(certificates)
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        took = time.monotonic() - began
        word, _, text = line.partition(" ")
        ready = json.loads(text)
        assert (word, ready["part"]) == ("READY", "microsoft")
        assert {"arm", "graph", "teams", "control", "identityEndpoint", "identityHeader", "dns", "ca"} <= set(ready)
        async with httpx.AsyncClient() as client:
            state = (await client.get(ready["control"] + "/state")).json()
        assert state["options"]["provisioningSeconds"] == 5
        assert took < 10, "it starts in well under a second on an idle machine"
        if sys.platform != "win32":
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        await end(process)


@pytest.mark.parametrize("name", NAMES)
async def test_a_port_in_use_is_said_in_one_sentence(name: str, certificates: Path) -> None:
    kind = socket.SOCK_DGRAM if name == "dns" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        process = await start(certificates, f"--{name}-port", str(port))
        try:
            _, said = await asyncio.wait_for(process.communicate(), 20)
        finally:
            await end(process)
    assert process.returncode == 3
    assert f"Port {port} on 127.0.0.1" in said.decode()
    assert f"--{name}-port" in said.decode()
    assert "Traceback" not in said.decode()


async def test_a_seed_replaces_parts_of_the_world(certificates: Path, tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"gateways": [{"name": "my-acg"}], "options": {"armPageSize": 7}}), encoding="utf-8")
    process = await start(certificates, "--seed", str(seed), "--provisioning", "-1", "--dns-delay", "0.5")
    try:
        assert process.stdout is not None
        ready = json.loads((await asyncio.wait_for(process.stdout.readline(), 20)).decode().partition(" ")[2])
        async with httpx.AsyncClient() as client:
            state = (await client.get(ready["control"] + "/state")).json()
    finally:
        await end(process)
    assert [row["name"] for row in state["gateways"]] == ["my-acg"]
    options = state["options"]
    assert (options["armPageSize"], options["provisioningSeconds"], options["dnsDelay"]) == (7, None, 0.5)


async def test_an_absent_seed_is_said_in_one_sentence(certificates: Path, tmp_path: Path) -> None:
    process = await start(certificates, "--seed", str(tmp_path / "absent.json"))
    try:
        _, said = await asyncio.wait_for(process.communicate(), 20)
    finally:
        await end(process)
    assert process.returncode == 2
    assert "absent.json" in said.decode()
    assert "Traceback" not in said.decode()
