"""Starts and stops the simulator: in process for tests, and under `python -m sandbox.microsoft`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox.microsoft import certificates
from sandbox.microsoft.clock import Clock
from sandbox.microsoft.control import Control
from sandbox.microsoft.dns import DnsServers
from sandbox.microsoft.dns_updates import UpdateKey
from sandbox.microsoft.receiver import PATH
from sandbox.microsoft.trunks import HOST as TRUNKS_AT
from sandbox.microsoft.trunks import USUAL_PORT, TrunkServer
from sandbox.microsoft.web import Listener, serve
from sandbox.microsoft.world import World, read_seed


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports on 127.0.0.1; 0 is any free one."""

    arm: int = 0
    graph: int = 0
    teams: int = 0
    events: int = 0
    identity: int = 0
    control: int = 0
    dns: int = 0
    trunks: int = 0


class Microsoft:
    """The simulated Microsoft as an async context manager, on ephemeral ports unless told otherwise.

    `provisioning` and `dns_delay` are seconds; None: not by itself. `options` are further options by their
    camelCase names. Without `certificates` they are made in a temporary directory. With `trunks_beside` the trunks are
    at the usual port besides, wherever the machine has a loopback address for it. `renderer` is the script that draws
    Adaptive Cards.
    """

    def __init__(
        self,
        *,
        ports: Ports | None = None,
        certificates: Path | None = None,
        seed: Path | None = None,
        clock: Clock | None = None,
        provisioning: float | None = 0.0,
        dns_delay: float | None = 0.0,
        options: Mapping[str, Any] | None = None,
        trunks_beside: bool = False,
        renderer: Path | None = None,
    ) -> None:
        overrides = {"provisioningSeconds": provisioning, "dnsDelay": dns_delay, **(options or {})}
        self._ports = ports or Ports()
        self._trunks_beside, self._renderer = trunks_beside, renderer
        self._certificates = certificates
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._seed = read_seed(seed)
        self.world = World(self._seed, clock or Clock(), overrides)
        self._listeners: dict[str, Listener] = {}
        self._dns = DnsServers(
            self.world.records,
            self.world.faults,
            self.world.journal,
            UpdateKey(self._seed["dnsUpdates"]["key"], self.world.options),
            frozenset(self._seed["dnsUpdates"]["zones"]),
        )
        self._trunks = TrunkServer(self.world.trunks, self.world.clock)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen everywhere. Raises PortInUseError, having stopped what had started."""
        if self._certificates is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="microsoft-")
            self._certificates = Path(self._temporary.name)
        files = certificates.ensure(self._certificates)
        self.ca_file = files.ca
        tls = files.server_context()
        self._listeners = {
            name: Listener(name, f"--{name}-port", serve(pipeline), None if name == "identity" else tls)
            for name, pipeline in self.world.pipelines.items()
        }
        self._listeners["control"] = Listener("control", "--control-port", Control(self.world, self._renderer).handle)
        try:
            for name, listener in self._listeners.items():
                await listener.start(getattr(self._ports, name))
            await self._dns.start(self._ports.dns)
            await self._trunks.start(self._ports.trunks, files)
            if self._trunks_beside:
                self.world.lead_to_trunks(await self._trunks.start_beside())
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every port, and end hanging calls."""
        self.world.stopping.set()
        for listener in self._listeners.values():
            await listener.stop()
        await self._dns.stop()
        await self._trunks.stop()
        if self._temporary:
            self._temporary.cleanup()

    @property
    def arm_url(self) -> str:
        """Base URL of Azure Resource Manager."""
        return self._listeners["arm"].url

    @property
    def graph_url(self) -> str:
        """Base URL of Microsoft Graph, without the version."""
        return self._listeners["graph"].url

    @property
    def teams_url(self) -> str:
        """The webhook's whole URL, with its signature."""
        return self._listeners["teams"].url + self.world.webhook.path

    @property
    def events_url(self) -> str:
        """Where the operator's own program takes events."""
        return self._listeners["events"].url + PATH

    @property
    def control_url(self) -> str:
        """Base URL of the control port."""
        return self._listeners["control"].url

    @property
    def identity_endpoint(self) -> str:
        """Value of IDENTITY_ENDPOINT."""
        return self._listeners["identity"].url + "/msi/token"

    @property
    def identity_header(self) -> str:
        """Value of IDENTITY_HEADER."""
        return str(self._seed["identityHeader"])

    @property
    def dns_address(self) -> tuple[str, int]:
        """Address and port of the public resolver, UDP and TCP. The name servers use the same port."""
        return "127.0.0.1", self._dns.port

    @property
    def trunks_port(self) -> int:
        """Port on 127.0.0.1 where every trunk is."""
        return self._trunks.port

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which azure-identity finds the managed identity."""
        return {"IDENTITY_ENDPOINT": self.identity_endpoint, "IDENTITY_HEADER": self.identity_header}

    def ready(self) -> dict[str, Any]:
        """What the READY line says."""
        address, port = self.dns_address
        return {
            "part": "microsoft",
            "arm": self.arm_url,
            "graph": self.graph_url,
            "teams": self.teams_url,
            "events": self.events_url,
            "control": self.control_url,
            "identityEndpoint": self.identity_endpoint,
            "identityHeader": self.identity_header,
            "dns": {"address": address, "port": port, "nameServers": dict(self.world.records.addresses)},
            "trunks": {
                "port": self.trunks_port,
                "usualPort": self.trunks_port == USUAL_PORT or self.world.trunk_address != TRUNKS_AT,
            },
            "ca": str(self.ca_file),
        }
