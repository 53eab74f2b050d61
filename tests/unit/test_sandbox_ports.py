"""The sandbox's ports: chosen free, checked before anything starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict

import pytest

from sandbox.ports import FREE_RANGE, PARTS, PURPOSES, Ports, PortsInUseError, holder, is_free


def test_the_usual_ports_are_those_that_documents_name() -> None:
    assert asdict(Ports.default()) == {
        "functions": 7071, "blob": 10000, "queue": 10001, "table": 10002, "broker": 5672, "identity": 7081,
        "control": 7080, "arm": 7443, "graph": 7444, "teams": 7445, "events": 7446, "dns": 7053, "trunks": 5061,
    }  # fmt: skip
    assert asdict(Ports.default()).keys() == PURPOSES.keys()


def test_free_ports_are_all_different_free_and_no_ones_default() -> None:
    chosen = list(asdict(Ports.free()).values())
    assert len(set(chosen)) == len(chosen)
    assert all(is_free(port) for port in chosen)
    assert all(port in FREE_RANGE for port in chosen)


def test_ports_are_not_given_again_while_what_will_listen_on_them_starts() -> None:
    chosen = [port for _ in range(10) for port in asdict(Ports.free()).values()]
    assert len(set(chosen)) == len(chosen)


def test_processes_side_by_side_are_given_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []
    for process in range(70_000, 70_000 + PARTS):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        chosen += [port for _ in range(2) for port in asdict(Ports.free()).values()]
    assert len(set(chosen)) == len(chosen)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
def test_a_port_is_taken_over_tcp_or_udp(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as server:
        server.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            server.listen()
        assert not is_free(server.getsockname()[1])


def test_a_server_on_all_addresses_takes_the_port_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_a_port_is_free_at_once_after_its_server_closed_with_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        server.accept()[0].close()
        client.close()
    assert is_free(port)


def test_all_taken_ports_are_named_at_once_with_their_options() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = Ports(table=one.getsockname()[1], functions=other.getsockname()[1])
        with pytest.raises(PortsInUseError) as refused:
            ports.check(["functions", "table"])
    message = str(refused.value)
    assert f"ort {ports.table} (Azurite's tables) is in use by" in message
    assert f"ort {ports.functions} (the API, served by the Functions host) is in use by" in message
    assert "--functions-port, --table-port" in message
    assert refused.value.taken == {"functions": ports.functions, "table": ports.table}


LISTENS = """
import socket, subprocess, sys
if sys.argv[1] == "sandbox.up":
    subprocess.run([sys.executable, "-c", sys.argv[2], "a part of it", sys.argv[2]])
else:
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        sys.stdin.read()
"""


def test_a_port_of_another_sandbox_is_told_by_the_up_that_runs_it() -> None:
    command = [sys.executable, "-c", LISTENS, "sandbox.up", LISTENS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as up:
        assert up.stdin is not None
        assert up.stdout is not None
        port = int(up.stdout.readline())
        assert holder(port) == f"`dev.py up` (process {up.pid})"
        up.stdin.close()
    with socket.create_server(("127.0.0.1", 0)) as mine:
        assert str(holder(mine.getsockname()[1])).endswith(f"(process {os.getpid()})")


def test_too_few_free_ports_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    never: Callable[[int], bool] = lambda port: False  # noqa: E731
    monkeypatch.setattr("sandbox.ports.is_free", never)
    monkeypatch.setattr("sandbox.ports.FREE_RANGE", range(20000, 20010))
    with pytest.raises(OSError, match="fewer than 13 ports are free"):
        Ports.free()
