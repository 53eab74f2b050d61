"""The sandbox's parts as processes: started in order, watched, stopped whatever happens."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sandbox import processes
from sandbox.cloud import Cloud
from sandbox.ports import Ports, PortsInUseError, is_free
from sandbox.processes import Part, PartError, wait_until

ROOT = Path(__file__).resolve().parents[2]

SERVER = """
import json, signal, socket, sys, threading
name, port, journal = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def note(what):
    with open(journal, "a") as file:
        file.write(f"{what} {name}\\n")
stop = threading.Event()
for number in ("SIGTERM", "SIGBREAK"):
    if hasattr(signal, number):
        signal.signal(getattr(signal, number), lambda *_: stop.set())
server = socket.create_server(("127.0.0.1", port))
print("some words before", flush=True)
note("start")
print("READY " + json.dumps({"part": name, "port": port}), flush=True)
print("a line on stderr", file=sys.stderr, flush=True)
while not stop.wait(0.05):
    pass
note("stop")
"""


@pytest.fixture
def ports() -> Ports:
    return Ports.free()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def server(ports: Ports, journal: Path):
    def part(name: str, port_name: str, *after: str) -> Part:
        command = [sys.executable, "-c", SERVER, name, str(getattr(ports, port_name)), str(journal)]
        return Part(name, f"the {name}", command, (port_name,), after=frozenset(after))

    return part


@pytest.fixture
def make_cloud(ports: Ports, tmp_path: Path) -> Iterator:
    made: list[Cloud] = []

    def make(*parts: Part) -> Cloud:
        made.append(Cloud(ports, folder=tmp_path, parts=parts))
        return made[-1]

    yield make
    for cloud in made:
        cloud.stop()


def script(name: str, code: str) -> Part:
    return Part(name, f"the {name}", [sys.executable, "-c", textwrap.dedent(code)], ())


def test_parts_start_in_the_order_of_their_needs_and_stop_in_reverse(make_cloud, server, journal, ports) -> None:
    with make_cloud(
        server("app", "functions", "bus", "store"), server("bus", "broker"), server("store", "table")
    ) as cloud:
        assert cloud.facts("bus") == {"part": "bus", "port": ports.broker}
        assert not is_free(ports.functions)
    events = journal.read_text().splitlines()
    assert events[2] == "start app"
    assert events[3] == "stop app"
    assert len(events) == 6
    assert all(is_free(port) for port in (ports.functions, ports.broker, ports.table))


def test_everything_stops_when_the_body_raises(make_cloud, server, ports) -> None:
    pids: list[int | None] = []

    def body(cloud: Cloud) -> None:
        with cloud:
            pids.append(cloud.pid("bus"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        body(make_cloud(server("bus", "broker")))
    assert pids[0] is not None
    assert not psutil.pid_exists(pids[0])


def test_a_part_that_fails_to_start_is_named_with_its_last_lines_and_the_others_stop(make_cloud, server, ports) -> None:
    broken = script("simulator", "import sys; print('Port 7443 is taken.', file=sys.stderr); sys.exit(3)")
    cloud = make_cloud(server("bus", "broker"), broken)
    with pytest.raises(
        PartError, match=r"The simulator stopped with exit status 3\. The last lines of .*simulator\.log"
    ) as e:
        cloud.start()
    assert "Port 7443 is taken." in str(e.value)
    assert is_free(ports.broker)


def test_a_part_that_never_gets_ready_is_given_up(make_cloud, monkeypatch) -> None:
    monkeypatch.setattr("sandbox.cloud.START_TIMEOUT", 0.5)
    cloud = make_cloud(script("sleeper", "import time; print('thinking', flush=True); time.sleep(600)"))
    with pytest.raises(PartError, match=r"The sleeper was not ready within 0 s|The sleeper was not ready within 1 s"):
        cloud.start()
    assert cloud.pid("sleeper") is None


def test_a_part_that_dies_is_reported_by_check(make_cloud, server) -> None:
    with make_cloud(server("bus", "broker")) as cloud:
        cloud.check()
        psutil.Process(cloud.pid("bus")).kill()
        assert wait_until(lambda: cloud.pid("bus") is None, 5)
        with pytest.raises(PartError, match=r"The bus (was ended by SIGKILL|stopped with exit status)"):
            cloud.check()


def test_kill_is_a_crash_and_the_part_can_be_started_again_on_its_port(make_cloud, server, journal, ports) -> None:
    with make_cloud(server("bus", "broker")) as cloud:
        first = cloud.pid("bus")
        cloud.kill("bus")
        cloud.check()
        assert is_free(ports.broker)
        assert "stop bus" not in journal.read_text()
        cloud.start_part("bus")
        second = cloud.pid("bus")
        cloud.restart("bus")
        assert len({first, second, cloud.pid("bus")}) == 3
        assert not is_free(ports.broker)
    assert journal.read_text().split("\n").count("stop bus") == 2


def test_a_part_that_does_not_stop_is_killed_with_what_it_started(make_cloud, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.5)
    stubborn = script(
        "stubborn",
        f"""
        import signal, subprocess, sys, time
        for name in ("SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
        print("READY {{}}", flush=True)
        time.sleep(600)
        """,
    )
    with make_cloud(stubborn) as cloud:
        parent = cloud.pid("stubborn")
    assert not psutil.pid_exists(parent)
    if sys.platform != "win32":
        assert wait_until(lambda: _gone(int((tmp_path / "child").read_text())), 5)


def test_a_taken_port_is_named_with_its_holder_and_its_option_and_nothing_starts(
    make_cloud, server, ports, journal
) -> None:
    with make_cloud(server("old bus", "broker")):
        with pytest.raises(PortsInUseError) as refused:
            make_cloud(server("new bus", "broker"), server("store", "table")).start()
        assert f"Port {ports.broker} (the Service Bus broker) is in use by" in str(refused.value)
        assert "--broker-port" in str(refused.value)
        assert "--table-port" not in str(refused.value)
    assert "store" not in journal.read_text()


def test_output_of_both_streams_is_in_the_log_of_this_run_only(make_cloud, server, tmp_path) -> None:
    log = tmp_path / "logs" / "bus.log"
    log.parent.mkdir()
    log.write_text("of an earlier run\n")
    with make_cloud(server("bus", "broker")):
        assert wait_until(lambda: "a line on stderr" in log.read_text(), 5)
    assert "some words before" in log.read_text()
    assert "earlier run" not in log.read_text()


STARTER = """
import sys
from pathlib import Path
from sandbox.cloud import Cloud
from sandbox.ports import Ports
from sandbox.processes import Part
server, port, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
part = Part("bus", "the bus", [sys.executable, "-c", server, "bus", port, str(folder / "journal")], ())
with Cloud(Ports(broker=int(port)), folder=folder, parts=[part]) as cloud:
    print(cloud.pid("bus"), flush=True)
    sys.stdin.read()
"""


def test_the_parts_stop_when_the_program_that_started_them_is_killed(ports, tmp_path, journal) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, SERVER, str(ports.broker), str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with starter:
        pid = int(starter.stdout.readline())
        starter.kill()
    assert wait_until(lambda: _gone(pid), 10)
    assert wait_until(lambda: "stop bus" in journal.read_text(), 1), "it was killed; it should have been asked to stop"
    if sys.platform != "win32":
        assert starter.returncode == -signal.SIGKILL


def test_stopping_twice_is_harmless_and_stopping_is_quick(make_cloud, server) -> None:
    cloud = make_cloud(server("bus", "broker"))
    cloud.start()
    started = time.monotonic()
    cloud.stop()
    cloud.stop()
    assert time.monotonic() - started < processes.GRACE / 2


def test_an_unknown_part_is_refused_by_name(make_cloud, server) -> None:
    with pytest.raises(KeyError, match="no part 'bsu'; it has bus"):
        make_cloud(server("bus", "broker")).kill("bsu")


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
