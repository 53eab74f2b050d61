"""The DNS servers, on UDP and TCP: a recursive resolver and the two authoritative servers of commsgw.azure.com.
ns1 takes signed updates of the operator's zone (`dns_updates.py`).

Each has an address of its own where the machine has several loopback addresses (Linux and Windows: 127.0.0.1 to
127.0.0.3), all on one port. Where there is only 127.0.0.1 (macOS), a query without the RD flag is one for ns1.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from dataclasses import dataclass, field
from typing import Any

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype

from sandbox.microsoft.dns_updates import SignatureRefusedError, UpdateKey, updated
from sandbox.microsoft.faults import Fault, Faults
from sandbox.microsoft.journal import Journal
from sandbox.microsoft.ports import PortInUseError
from sandbox.microsoft.zone import Records

log = logging.getLogger(__name__)
RESOLVER = "127.0.0.1"
AUTHORITATIVE = {"ns1": "127.0.0.2", "ns2": "127.0.0.3"}
SMALLEST_UDP = 512
"""Bytes a client without EDNS accepts over UDP."""
ATTEMPTS = 20
"""Free ports tried, until one is free for UDP and TCP on every address."""


@dataclass
class DnsServers:
    """Starts and stops the listeners; answers from `records`, unless a fault strikes."""

    records: Records
    faults: Faults
    journal: Journal
    key: UpdateKey
    updatable: frozenset[str]
    """Zones of which ns1 takes updates."""
    port: int = 0
    _transports: list[asyncio.DatagramTransport] = field(default_factory=list)
    _listeners: list[asyncio.Server] = field(default_factory=list)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self, port: int) -> None:
        """Listen on that port, or on any free one for 0. Raises PortInUseError."""
        for attempt in range(ATTEMPTS if port == 0 else 1):
            try:
                await self._listen(RESOLVER, "resolver", port)
                for server, address in AUTHORITATIVE.items():
                    self.records.addresses[server] = await self._listen_beside(address, server)
                return
            except OSError as problem:
                await self.stop()
                if port or attempt == ATTEMPTS - 1:
                    raise PortInUseError("dns", port, "--dns-port") from problem

    async def stop(self) -> None:
        """Close all listeners and connections."""
        for transport in self._transports:
            transport.close()
        for writer in self._writers:
            writer.close()
        for listener in self._listeners:
            listener.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(listener.wait_closed(), 1)
        self._transports.clear()
        self._listeners.clear()

    async def _listen_beside(self, address: str, server: str) -> str:
        """An address of its own, or the resolver's where the machine has only one loopback address."""
        try:
            await self._listen(address, server, self.port)
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                raise
            log.info("dns: %s shares %s (%s)", server, RESOLVER, problem.strerror)
            return RESOLVER
        return address

    async def _listen(self, address: str, server: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self, server), local_addr=(address, port))
        self._transports.append(transport)
        if server == "resolver":
            self.port = transport.get_extra_info("sockname")[1]
        listener = await asyncio.start_server(
            lambda reader, writer: self._stream(reader, writer, server), address, self.port
        )
        self._listeners.append(listener)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: str) -> None:
        self._writers.add(writer)
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                wire = await self.handle(await reader.readexactly(length), server, udp=False)
                if wire is None:
                    await reader.read()
                    return
                writer.write(len(wire).to_bytes(2, "big") + wire)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()

    async def handle(self, wire: bytes, server: str, *, udp: bool) -> bytes | None:
        """The answer to one query in wire format; None for no answer at all."""
        try:
            query = self.key.read(wire)
        except SignatureRefusedError as refused:
            log.info("dns: a signature was refused: %s", refused)
            return refused.answer()
        except dns.exception.DNSException as problem:
            log.warning("dns: unreadable query dropped: %s", problem)
            return None
        if not query.question:
            return None
        if server == "resolver" and not query.flags & dns.flags.RD:
            server = "ns1"
        question, update = query.question[0], query.opcode() == dns.opcode.UPDATE
        kind = "UPDATE" if update else dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text(omit_final_dot=True)
        entry = self.journal.note("dns", kind, f"{name} @{server}")
        fault = self.faults.strike("dns", kind, name, server)
        if fault:
            entry.fault = fault.kind
        if fault and (fault.kind in ("hang", "cut", "lost-answer") or _is_silent_to(query, fault)):
            return None
        if fault and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        response = self._respond(query, server, fault, udp)
        entry.result = dns.rcode.to_text(response.rcode())
        limit = max(query.payload, SMALLEST_UDP) if udp else 65535
        return response.to_wire(max_size=limit, prefer_truncation=True)

    def _respond(self, query: dns.message.Message, server: str, fault: Fault | None, udp: bool) -> dns.message.Message:
        if fault and fault.kind in ("servfail", "refused", "status"):
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.REFUSED if fault.kind == "refused" else dns.rcode.SERVFAIL)
            if fault.ede is not None and query.edns >= 0:
                response.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.make(fault.ede))])
            return response
        if fault and fault.kind == "no-edns" and query.edns >= 0:
            response = dns.message.make_response(query)
            if fault.rcode != "BADVERS":
                response.use_edns(False)
            response.set_rcode(dns.rcode.from_text(fault.rcode))
            return response
        if fault and fault.kind == "truncate" and udp:
            response = dns.message.make_response(query)
            response.flags |= dns.flags.TC
            return response
        if query.opcode() == dns.opcode.UPDATE:
            return updated(self.records, query, self.updatable)
        return self.records.answer(query, server)


def _is_silent_to(query: dns.message.Message, fault: Fault) -> bool:
    """Whether a server that knows no EDNS passes over what comes with it."""
    return fault.kind == "no-edns" and fault.rcode == "SILENCE" and query.edns >= 0


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, servers: DnsServers, server: str) -> None:
        self._servers = servers
        self._server = server
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.DatagramTransport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._tasks:
            task.cancel()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        wire = await self._servers.handle(data, self._server, udp=True)
        if wire is not None:
            self._transport.sendto(wire, addr)
