"""The cloud of this machine, whole: its parts, their failures, and `dev.py up` around them."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import httpx
import psutil
import pytest
from azure.data.tables import TableServiceClient

from sandbox.cloud import Cloud
from sandbox.ports import Ports, PortsInUseError, is_free
from sandbox.processes import wait_until

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("azurite", "broker", "microsoft", "functions")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud(Ports.free(), folder=tmp_path_factory.mktemp("cloud")) as running:
        yield running


def answers(cloud: Cloud) -> bool:
    """Whether the function app serves HTTP: it knows no such onboarding."""
    try:
        return httpx.get(f"{cloud.api}/api/onboardings/none", trust_env=False, timeout=30).status_code == 404
    except httpx.HTTPError:
        return False


def test_every_part_answers_at_its_port(cloud: Cloud) -> None:
    ports = cloud.ports
    assert answers(cloud)
    assert httpx.get(f"{cloud.control}/clock", trust_env=False).status_code == 200
    trusted = ssl.create_default_context(cafile=cloud.settings["ONBOARDING_CA_FILE"])
    for port in (ports.arm, ports.graph, ports.teams):
        assert httpx.get(f"https://127.0.0.1:{port}/", verify=trusted, trust_env=False).status_code >= 400
    with TableServiceClient.from_connection_string(cloud.settings["Tables"]) as tables:
        tables.create_table("probe")
        assert "probe" in [table.name for table in tables.list_tables()]
    for port in (ports.broker, ports.dns, ports.blob, ports.queue):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_the_settings_are_what_the_parts_say_of_themselves(cloud: Cloud) -> None:
    said, settings = cloud.facts("microsoft"), cloud.settings
    assert settings["ONBOARDING_ARM_ENDPOINT"] == said["arm"]
    assert settings["ONBOARDING_GRAPH_ENDPOINT"] == said["graph"]
    assert settings["ONBOARDING_TEAMS_WEBHOOK_URL"] == said["teams"]
    assert settings["IDENTITY_ENDPOINT"] == said["identityEndpoint"]
    assert settings["IDENTITY_HEADER"] == said["identityHeader"]
    assert Path(settings["ONBOARDING_CA_FILE"]).samefile(said["ca"])
    assert settings["ONBOARDING_DNS_AUTHORITATIVE_PORT"] == str(said["dns"]["port"])
    assert settings["ServiceBus"].rstrip(";") == cloud.facts("broker")["connectionString"].rstrip(";")


def test_a_crashed_functions_host_can_be_started_again(cloud: Cloud) -> None:
    cloud.kill("functions")
    assert not answers(cloud)
    cloud.start_part("functions")
    assert answers(cloud)


@pytest.mark.parametrize("name", ["broker", "microsoft"])
def test_a_part_restarts_on_the_same_ports_and_the_app_lives_on(cloud: Cloud, name: str) -> None:
    before = cloud.pid(name)
    cloud.restart(name)
    assert cloud.pid(name) not in (None, before)
    cloud.check()
    assert answers(cloud)


def test_a_second_cloud_on_the_same_ports_is_refused(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(PortsInUseError) as refused:
        Cloud(cloud.ports, folder=tmp_path).start()
    assert set(refused.value.taken) == set(asdict(cloud.ports))
    assert "process" in str(refused.value)


@pytest.mark.parametrize("persist", [True, False])
def test_tables_survive_a_restart_of_azurite_when_they_are_kept_on_disk(persist: bool, tmp_path: Path) -> None:
    with (
        Cloud(Ports.free(), folder=tmp_path, persist=persist, without=("broker", "microsoft", "functions")) as storage,
        TableServiceClient.from_connection_string(storage.settings["Tables"]) as tables,
    ):
        tables.create_table("probe")
        storage.restart("azurite")
        assert [table.name for table in tables.list_tables()] == (["probe"] if persist else [])


class Up:
    """`dev.py up`, as a user runs it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.ports = Ports.free()
        chosen = [text for name, port in asdict(self.ports).items() for text in (f"--{name}-port", str(port))]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sandbox.up", "--folder", str(folder), *chosen, *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []

    def until(self, text: str) -> None:
        """Read on until a line holds that text, or the program ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if text in line:
                return
        pytest.fail(f"it ended without {text!r}:\n" + "\n".join(self.lines))

    def end(self) -> tuple[int, str]:
        """Exit status and everything that it printed."""
        output = self.process.communicate(timeout=100)[0]
        return self.process.returncode, "\n".join([*self.lines, output])

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    made: list[Up] = []

    def start(*arguments: str) -> Up:
        made.append(Up(tmp_path, *arguments))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
        if one.process.stdout:
            one.process.stdout.close()
        one.process.wait()


def test_up_with_confirm_takes_the_sample_to_its_end(up: Callable[..., Up]) -> None:
    status, output = up("--confirm", "--speed", "0").end()
    assert status == 0, output
    assert "Completed: 19 of 19 steps in" in output
    assert "verify-domain: done" in output


def test_up_with_an_already_onboarded_operator_puts_project_synergy_in_first(up: Callable[..., Up]) -> None:
    sample = ROOT / "samples" / "already-onboarded.json"
    status, output = up("--confirm", "--speed", "0", "--request", str(sample)).end()
    assert status == 0, output
    assert "Project Synergy was put into the simulated tenant first" in output
    assert "operator-information: skipped" in output


def test_up_without_confirm_says_what_a_person_should_do_and_stops_everything_when_told(up: Callable[..., Up]) -> None:
    running = up("--speed", "0")
    running.until("curl -H")
    assert any("the button for it: http" in line for line in running.lines)
    children = running.children()
    assert len(children) >= len(PARTS)
    running.process.send_signal(signal.CTRL_BREAK_EVENT if sys.platform == "win32" else signal.SIGINT)
    status, output = running.end()
    assert status == 0, output
    assert wait_until(lambda: not any(child.is_running() for child in children), 5)
    assert all(is_free(port) for port in asdict(running.ports).values())


def test_up_says_when_a_part_dies_and_shows_its_last_lines(up: Callable[..., Up]) -> None:
    running = up("--no-request")
    running.until("Ctrl-C stops everything")
    broker = next(child for child in running.children() if "sandbox.servicebus" in child.cmdline())
    broker.kill()
    status, output = running.end()
    assert status == 1
    assert "The Service Bus broker was ended by SIGKILL" in output
    assert "broker.log" in output
    assert "Traceback" not in output


def test_up_that_does_not_get_there_says_where_it_is(up: Callable[..., Up]) -> None:
    status, output = up("--confirm", "--speed", "1h", "--bound", "2").end()
    assert status == 1
    assert "contoso-sbc was not completed within 2.0 s (--bound)" in output
    assert "txt-record-visible" in output.rpartition("it is at ")[2]


def test_up_on_a_port_in_use_names_it_and_its_option(up: Callable[..., Up], cloud: Cloud) -> None:
    status, output = up("--no-request", "--table-port", str(cloud.ports.table)).end()
    assert status == 3
    assert f"Port {cloud.ports.table} (Azurite's tables) is in use by node (process {cloud.pid('azurite')})" in output
    assert "--table-port" in output
    assert "Traceback" not in output
