"""The ports of the sandbox, all on 127.0.0.1, and who sits on one that should be free."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil  # type: ignore[import-untyped]

HOST = "127.0.0.1"

PURPOSES: Mapping[str, str] = {
    "functions": "the API, served by the Functions host",
    "blob": "Azurite's blobs",
    "queue": "Azurite's queues",
    "table": "Azurite's tables",
    "broker": "the Service Bus broker",
    "identity": "the managed-identity endpoint",
    "control": "the simulator's control port",
    "arm": "simulated Azure Resource Manager",
    "graph": "simulated Microsoft Graph",
    "teams": "the simulated Teams webhook",
    "events": "the receiver of events",
    "dns": "the DNS server",
    "trunks": "the trunks' TLS port",
}

FREE_RANGE = range(20000, 32000)
"""Below the ports that operating systems give to outgoing connections, which could take one at any moment."""
PARTS = 64
"""Of that range: processes whose numbers are closer than this try different ports."""


class PortsInUseError(Exception):
    """Ports that the sandbox needs are taken."""

    def __init__(self, taken: Mapping[str, int]) -> None:
        self.taken = dict(taken)
        holders = {port: holder(port) for port in self.taken.values()}
        whom = "; ".join(
            f"port {port} ({PURPOSES[name]}) is in use by {holders[port] or 'another program'}"
            for name, port in self.taken.items()
        )
        options = ", ".join(f"--{name}-port" for name in self.taken)
        super().__init__(
            f"{whom[0].upper()}{whom[1:]}: stop it, "
            f"or choose other ports with {options}, or --free-ports."
        )


@dataclass(frozen=True)
class Ports:
    """One port for each thing that listens; the field names are the names of the options."""

    functions: int = 7071
    blob: int = 10000
    queue: int = 10001
    table: int = 10002
    broker: int = 5672
    identity: int = 7081
    control: int = 7080
    arm: int = 7443
    graph: int = 7444
    teams: int = 7445
    events: int = 7446
    dns: int = 7053
    trunks: int = 5061

    @classmethod
    def default(cls) -> Ports:
        """The ports that people and documents know."""
        return cls()

    @classmethod
    def free(cls) -> Ports:
        """Ports that are free now, for tests: they are no one's default, and no two are the same.

        Nor are they those that this process was given shortly before, or that one beside it is given now: what is to
        listen on them takes a while to start.
        """
        names = [field.name for field in fields(cls)]
        found: dict[str, int] = {}
        for port in _candidates():
            if is_free(port):
                found[names[len(found)]] = port
            if len(found) == len(names):
                return cls(**found)
        raise OSError(f"fewer than {len(names)} ports are free from {FREE_RANGE.start} to {FREE_RANGE.stop}")

    def check(self, names: Iterable[str]) -> None:
        """Make sure that these can be listened on.

        A forgotten Azurite answers on the same ports, and would be taken for ours.

        Raises:
            PortsInUseError: with every port that is taken, by whom, and the options that change it.
        """
        numbers = asdict(self)
        taken = {name: numbers[name] for name in names if not is_free(numbers[name])}
        if taken:
            raise PortsInUseError(taken)


_given: dict[int, int] = {}
"""Process → how many ports it has tried."""


def _candidates() -> Iterator[int]:
    """This process's own part of the range, on from where it stopped; then all the others."""
    me = os.getpid()
    # Processes that are started one after the other have parts of their own. Where one begins in it is chance: other
    # runs of tests, whose processes have any numbers, should begin elsewhere.
    mine = FREE_RANGE[me % PARTS :: PARTS]
    start = _given.setdefault(me, random.randrange(len(mine) or 1))
    for number in range(start, start + len(mine)):
        _given[me] = number + 1
        yield mine[number % len(mine)]
    yield from (port for port in FREE_RANGE if port not in mine)


def is_free(port: int) -> bool:
    """Whether a server can listen on the port, TCP and UDP.

    Connecting comes first: on macOS a bind to 127.0.0.1 succeeds beside a server on all addresses.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        if client.connect_ex((HOST, port)) == 0:
            return False
    return _can_bind(port, socket.SOCK_STREAM) and _can_bind(port, socket.SOCK_DGRAM)


def _can_bind(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as server:
        if os.name != "nt" and kind is socket.SOCK_STREAM:
            # Connections of a sandbox that was just stopped are still fading; servers set the same option.
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, port))
        except OSError:
            return False
    return True


def _named(process: psutil.Process) -> str:
    """A program for people; a part of a sandbox by the `up` that started it."""
    up = next((parent for parent in process.parents() if "sandbox.up" in parent.cmdline()), None)
    return f"`dev.py up` (process {up.pid})" if up else f"{process.name()} (process {process.pid})"


def holder(port: int) -> str | None:
    """The program that listens on the port, where the operating system lets us know."""
    import psutil

    try:
        for connection in psutil.net_connections(kind="inet"):
            listening = connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM
            if listening and connection.laddr and connection.laddr.port == port and connection.pid:
                return _named(psutil.Process(connection.pid))
    except (psutil.Error, OSError):
        return None
    return None
