"""The whole system with crash points in its host, an operator who does not give up, and the world around it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import azurite
from sandbox.cloud import BROKER_FAULTS, Cloud, standard_parts
from sandbox.options import ROOT
from sandbox.ports import Ports
from sandbox.processes import wait_until
from tests.chaos.crash_points import FOLDER, Orders, write_orders
from tests.support import requests
from tests.support.people import Operator, Simulator
from tests.support.table_proxy import Weather, table_proxy, through

Json = dict[str, Any]

BOUND = 60.0
"""Seconds without any progress after which a test gives up."""
LOOK_EVERY = 0.25

FAST = {
    "ONBOARDING_STEP_TIMEOUT": "4",
    "ONBOARDING_STEP_LEASE": "5",
    "ONBOARDING_NOTICE_LEASE": "4",
    "ONBOARDING_NUDGE_GRACE": "1",
    "ONBOARDING_RETRY_FIRST": "0.2",
    "ONBOARDING_POLL_FIRST": "0.2",
    "ONBOARDING_POLL_LONGEST": "0.5",
    # A sweep is of all onboardings, and no point of any one.
    "ONBOARDING_DRIFT_EVERY": "0",
}
"""Production's times, shortened."""
FUNCTION_TIMEOUT = "00:00:25"


def chaos_parts(ports: Ports, folder: Path) -> list[Any]:
    """The parts of the sandbox, with the app of this folder in the Functions host, and with Azurite's data on disk."""
    app = folder / "app"
    app.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).parent / "app" / "function_app.py", app)
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    (app / "host.json").write_text(json.dumps({**host, "functionTimeout": FUNCTION_TIMEOUT}), encoding="utf-8")
    parts = standard_parts(ports, folder, provisioning=0.0, dns_delay=0.0, persist=True)
    return [replace(p, command=_instead(p.command, app)) if p.name == "functions" else p for p in parts]


def _instead(command: Sequence[str], app: Path) -> list[str]:
    place = list(command).index("--app") + 1
    whole = [*command[:place], str(app), *command[place + 1 :]]
    warm = ["tests.chaos.warm_host" if part == "sandbox.functions_host" else part for part in whole]
    # As Microsoft's: what no function may come to must not pass unseen here.
    return [*warm, "--end-on-timeout"]


@dataclass
class Wanted:
    """One onboarding to be brought to its end."""

    body: Json
    posts: list[int] = field(default_factory=list)
    """Status of each answer to its POST."""

    @property
    def id(self) -> str:
        return requests.parsed(self.body).gateway.onboarding_id

    @property
    def gateway(self) -> str:
        return str(self.body["gateway"]["name"])


@dataclass
class System:
    """Start onboardings, drive them while processes die, look at what came of it."""

    cloud: Cloud
    folder: Path
    operator: Operator
    microsoft: Simulator
    weather: Weather
    """Of Table Storage, as the host sees it."""
    _made: int = 0

    @property
    def restarts(self) -> int:
        """How often a host followed one that was killed."""
        file = self.folder / "restarts"
        return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0

    # -- what the host is to do at points

    def order(self, orders: Orders | None = None) -> None:
        """Tell the host; without orders it only writes down the points that it passes."""
        write_orders(self.folder, orders or Orders())

    def passed(self, onboarding: str | None = None) -> list[str]:
        """The points that were passed, in order, each as often as it was."""
        file = self.folder / "points.log"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        seen = [json.loads(line) for line in lines]
        return [p["point"] for p in seen if onboarding in (None, p["onboarding"])]

    def killed(self, kind: str = "killed") -> list[Json]:
        """The points at which a host died, in order, and the onboarding that it was about."""
        files = sorted((self.folder / kind).iterdir(), key=lambda f: f.stat().st_mtime_ns)
        return [json.loads(file.read_text(encoding="utf-8")) for file in files]

    def held(self) -> bool:
        """Whether the host waits at a point."""
        return any((self.folder / "held").iterdir())

    def go_on(self) -> None:
        """Let it go on."""
        (self.folder / "go").touch()

    def forget(self) -> None:
        """As if no point had been passed yet."""
        for name in ("killed", "held"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in ("points.log", "go", "restarts"):
            (self.folder / name).unlink(missing_ok=True)
        self.order()
        self.fair_weather()

    def fair_weather(self) -> None:
        """Table Storage is well again."""
        for fault in fields(Weather):
            if fault.init and fault.name != "seen":
                setattr(self.weather, fault.name, fault.default)
        self.weather.seen.clear()

    def new_tenant(self) -> None:
        """Microsoft as the seed has it, without Project Synergy; waits end when the test, as the world, ends them."""
        assert self.microsoft.violations() == []
        self.microsoft.call("POST", "/reset")
        # A pause of the webhook is kept by each process for itself: that is not what is tried here.
        self.microsoft.options(provisioningSeconds=None, dnsDelay=None, teamsCallsPerSecond=1000)

    # -- what the bus does wrong

    @contextmanager
    def half_dead_bus(self, **faults: Any) -> Iterator[None]:
        """With these faults of the broker (sandbox/servicebus/faults.py), until it is left."""
        try:
            self._faults(faults)
            yield
        finally:
            self._faults({})

    def _faults(self, faults: Json) -> None:
        log = self.cloud.folder / "logs" / "broker.log"
        before = log.read_text(encoding="utf-8").count(" faults: ")
        written = self.folder / BROKER_FAULTS
        written.write_text(json.dumps(faults), encoding="utf-8")
        written.replace(self.cloud.folder / BROKER_FAULTS)
        taken = "the broker has read its faults"
        wait_for(lambda: log.read_text(encoding="utf-8").count(" faults: ") > before, taken)

    # -- onboardings

    def gateway(self, **changes: Any) -> Wanted:
        """A gateway of its own in the simulated Azure, and the request for it."""
        self._made += 1
        body = requests.operator_connect(**changes)
        body["gateway"]["name"] = f"chaos-{self._made}"
        self.microsoft.call("PUT", "/gateways", {"name": body["gateway"]["name"], "base": "production"})
        return Wanted(body)

    def post(self, wanted: Wanted) -> bool:
        """Post it, again when there was no answer or none that is final; whether it is accepted."""
        try:
            answer = self.operator.post(wanted.body)
        except httpx.TransportError:
            wanted.posts.append(0)
            return False
        wanted.posts.append(answer.status_code)
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            return False
        assert answer.status_code in (200, 202), answer.text
        assert answer.json()["id"] == wanted.id
        return True

    def look(self, wanted: Wanted) -> Json | None:
        """Its record; None while nobody answers."""
        try:
            answer = self.operator.client.get(f"/onboardings/{wanted.id}")
        except httpx.TransportError:
            return None
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            return None
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def drive(self, wanted: Sequence[Wanted], until: Callable[[Json], bool] | None = None, **how: Any) -> list[Json]:
        """Bring them on until each is as wanted (else completed), however often the host dies meanwhile.

        People confirm what they were told of, Microsoft provisions what was looked at, the TXT record appears.
        """
        done: dict[str, Json] = {}
        last, progress = "", time.monotonic()
        while len(done) < len(wanted):
            shown = []
            for one in wanted:
                if one.id in done:
                    continue
                record = self.look(one) if one.posts and one.posts[-1] in (200, 202) else None
                if record is None:
                    if not one.posts or one.posts[-1] not in (200, 202):
                        self.post(one)
                    continue
                shown.append(f"{one.id} {record['version']} {record['state']}")
                assert record["state"] != "needs-attention", record["lastError"]
                if (until or _completed)(record):
                    done[one.id] = record
                else:
                    self._world_does_its_part(record, one, **how)
            now = " ".join(shown) + str(self.restarts)
            if now != last:
                last, progress = now, time.monotonic()
            if time.monotonic() - progress > BOUND:
                pytest.fail(f"nothing has moved for {BOUND} s: {now}; killed at {self.killed()[-3:]}")
            time.sleep(LOOK_EVERY)
        return [done[one.id] for one in wanted]

    def _world_does_its_part(
        self, record: Json, one: Wanted, *, provision: bool = True, dns: bool = True, confirm: bool = True
    ) -> None:
        for step in record["steps"]:
            if step["state"] != "waiting":
                continue
            name = step["name"]
            if name == "provisioning-complete" and step["detail"] and provision:
                self.microsoft.call("POST", "/transitions", {"gateway": one.gateway, "status": "Complete"})
            elif name == "txt-record-visible" and step["detail"] and dns:
                txt = record["findings"]["txtRecord"]
                self.microsoft.call("PUT", "/dns", {"name": txt["name"], "values": [txt["value"]]})
            elif step["kind"] == "checkpoint" and confirm and _told(record, name):
                try:
                    self.operator.confirm(record["id"], name, "done")
                except httpx.TransportError:
                    # The host died; whether it was confirmed, the next look tells.
                    continue


def _completed(record: Json) -> bool:
    return bool(record["state"] == "completed") and all(n["nextAttemptAt"] is None for n in record["notices"])


def _told(record: Json, step: str) -> bool:
    return any(n["step"] == step and n["sent"] and n["nextAttemptAt"] is None for n in record["notices"])


@contextmanager
def running(folder: Path, settings: Mapping[str, str] = FAST) -> Iterator[System]:
    """The whole system, on ports of its own; stopped at the end."""
    ports, points = Ports.free(), folder / "points"
    points.mkdir(parents=True, exist_ok=True)
    write_orders(points, Orders())
    with ExitStack() as stack:
        port, weather = stack.enter_context(table_proxy(ports.table))
        tables = through(azurite.connection_string(ports), port)
        overrides = {**settings, FOLDER: str(points), "Tables": tables}
        cloud = stack.enter_context(
            Cloud(ports, folder=folder, overrides=overrides, parts=chaos_parts(ports, folder))
        )
        operator, microsoft = Operator(cloud.api), Simulator(cloud.control)
        try:
            yield System(cloud, points, operator, microsoft, weather)
        finally:
            operator.close()
            microsoft.close()


def wait_for(condition: Callable[[], bool], what: str, timeout: float = BOUND) -> None:
    """Poll until it holds. Fails after the timeout with what was expected."""
    if not wait_until(condition, timeout, LOOK_EVERY):
        pytest.fail(f"after {timeout} s still not: {what}")
