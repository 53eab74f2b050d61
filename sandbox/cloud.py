"""The sandbox as one object: every part of the cloud on this machine, started, watched and stopped."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox import azurite
from sandbox.guardian import Guardian
from sandbox.options import FOLDER, ROOT
from sandbox.ports import HOST, Ports
from sandbox.processes import GRACE, Facts, Part, Process
from sandbox.settings import inherited, settings
from sandbox.setup.adaptive_cards import AdaptiveCards

START_TIMEOUT = 60.0
"""Seconds for a part to become ready: a cold disk, a busy machine."""
BROKER_FAULTS = "broker-faults.json"
"""In the folder: what the Service Bus broker is to do wrong. A cloud starts without."""


def standard_parts(ports: Ports, folder: Path, *, provisioning: float, dns_delay: float, persist: bool) -> list[Part]:
    """The parts of the cloud. Times in seconds.

    Raises:
        SetupError: Azurite is not installed.
    """

    def module(name: str, **options: object) -> list[str]:
        flags = (text for option, value in options.items() for text in (f"--{option.replace('_', '-')}", str(value)))
        return [sys.executable, "-m", f"sandbox.{name}", *flags]

    microsoft = ("arm", "graph", "teams", "events", "identity", "control", "dns", "trunks")
    return [
        azurite.part(ports, ROOT, folder / "azurite-data" if persist else None),
        Part(
            "broker",
            "the Service Bus broker",
            module(
                "servicebus",
                config=ROOT / "infra" / "servicebus" / "Config.json",
                port=ports.broker,
                faults=folder / BROKER_FAULTS,
            ),
            ("broker",),
        ),
        Part(
            "microsoft",
            "simulated Microsoft",
            module(
                "microsoft",
                **{f"{name}_port": getattr(ports, name) for name in microsoft},
                certificates=folder / "certificates",
                provisioning=provisioning,
                dns_delay=dns_delay,
                renderer=AdaptiveCards(ROOT).script,
            ),
            microsoft,
        ),
        Part(
            "functions",
            "the Functions host",
            module("functions_host", port=ports.functions, app=ROOT, grace=GRACE / 2),
            ("functions",),
            after=frozenset({"azurite", "broker", "microsoft"}),
        ),
    ]


class Cloud:
    """Runs the parts. A context manager: leaving it stops every process, whatever happened inside.

    Nothing restarts by itself; `check` says when a part is gone.
    """

    def __init__(
        self,
        ports: Ports | None = None,
        *,
        folder: Path = FOLDER,
        provisioning: float = 0.0,
        dns_delay: float = 0.0,
        persist: bool = False,
        without: Iterable[str] = (),
        overrides: Mapping[str, str] | None = None,
        parts: Iterable[Part] | None = None,
    ) -> None:
        """Describe a cloud; nothing is started yet.

        Args:
            ports: the default ones when left out.
            folder: for logs, certificates and, with `persist`, Azurite's data.
            provisioning: seconds that a gateway stays ChangePending.
            dns_delay: seconds until a shared TXT record is in DNS.
            persist: keep Azurite's data on disk, so that it survives a restart of Azurite.
            without: parts that someone else runs.
            overrides: app settings to change or add.
            parts: other parts, for tests of this class.

        Raises:
            SetupError: Azurite is not installed.
        """
        self.ports = ports or Ports.default()
        self.folder = folder
        self.settings = {**settings(self.ports, folder), **(overrides or {})}
        without = frozenset(without)
        if parts is None:
            parts = standard_parts(self.ports, folder, provisioning=provisioning, dns_delay=dns_delay, persist=persist)
        environment = {**inherited(os.environ), **self.settings}
        self._processes = {
            part.name: Process(part, log=folder / "logs" / f"{part.name}.log", folder=ROOT, environment=environment)
            for part in parts
            if part.name not in without
        }
        self._expected: set[str] = set()
        self._guardian: Guardian | None = None

    # Addresses that people and tests use.

    @property
    def api(self) -> str:
        """The function app, as `http://127.0.0.1:7071`."""
        return f"http://{HOST}:{self.ports.functions}"

    @property
    def control(self) -> str:
        """The simulator's control port: clock, faults, transitions, mailbox, Teams messages, request log."""
        return f"http://{HOST}:{self.ports.control}"

    # The whole.

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start every part, side by side where they don't need each other, and wait until all answer.

        Raises:
            PortsInUseError: a port is taken; nothing was started.
            PartError: a part did not start; the others were stopped again.
        """
        numbers = asdict(self.ports)
        self.ports.check(n for p in self._processes.values() for n in p.part.ports if n in numbers)
        for process in self._processes.values():
            process.log.unlink(missing_ok=True)
        (self.folder / BROKER_FAULTS).unlink(missing_ok=True)
        self._guardian = Guardian()
        atexit.register(self.stop)
        try:
            for stage in self._stages():
                for process in stage:
                    self._begin(process)
                for process in stage:
                    process.wait_ready(START_TIMEOUT)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every part, the last started first. Stopping twice is harmless."""
        self._expected.clear()
        for stage in reversed(self._stages()):
            for process in stage:
                process.ask()
            for process in stage:
                process.wait_stopped()
        if self._guardian:
            self._guardian.close()
            self._guardian = None
        atexit.unregister(self.stop)

    def check(self) -> None:
        """Make sure that every part that should run does.

        Raises:
            PartError: one stopped by itself; with the last lines of its log.
        """
        for name in sorted(self._expected):
            if not self._processes[name].alive:
                raise self._processes[name].ended()

    # One part.

    def facts(self, name: str) -> Facts:
        """What the part said when it became ready."""
        return self._process(name).facts

    def pid(self, name: str) -> int | None:
        """The part's process id while it runs."""
        return self._process(name).pid

    def kill(self, name: str) -> None:
        """End a part at once, as a crash would (SIGKILL)."""
        self._end(name, Process.kill)

    def stop_part(self, name: str) -> None:
        """Stop a part in an orderly way."""
        self._end(name, Process.stop)

    def start_part(self, name: str) -> Facts:
        """Start a part that was stopped or killed, on its ports, and wait until it answers.

        Raises:
            PortsInUseError: someone else took its port.
            PartError: it did not start.
        """
        process = self._process(name)
        self.ports.check(n for n in process.part.ports if n in asdict(self.ports))
        self._begin(process)
        return process.wait_ready(START_TIMEOUT)

    def restart(self, name: str) -> Facts:
        """Stop a part if it runs, and start it."""
        self.stop_part(name)
        return self.start_part(name)

    def _process(self, name: str) -> Process:
        try:
            return self._processes[name]
        except KeyError:
            raise KeyError(f"the cloud has no part {name!r}; it has {', '.join(self._processes)}") from None

    def _begin(self, process: Process) -> None:
        process.start()
        self._expected.add(process.part.name)
        if self._guardian and process.pid:
            self._guardian.watch(process.pid)

    def _end(self, name: str, how: Callable[[Process], None]) -> None:
        process = self._process(name)
        self._expected.discard(name)
        pid = process.pid
        how(process)
        if self._guardian and pid:
            self._guardian.forget(pid)

    def _stages(self) -> list[list[Process]]:
        """The parts in the order in which they can start; those of one stage can start at the same time."""
        left, stages = dict(self._processes), list[list[Process]]()
        while left:
            stage = [p for p in left.values() if not p.part.after & left.keys()]
            if not stage:
                raise ValueError(f"these parts wait for each other: {', '.join(left)}")
            stages.append(stage)
            for process in stage:
                del left[process.part.name]
        return stages
