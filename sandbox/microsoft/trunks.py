"""The trunks of an operator's session border controllers: one TLS port on loopback, which shows for each name a
certificate made on the spot, good or bad as the control port says. It says nothing else, and hears nothing.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandbox.microsoft.certificates import Certificates
from sandbox.microsoft.clock import Clock
from sandbox.microsoft.issuer import FOR_CLIENTS, USUAL_BITS, Issuer, Made, pem, self_signed, server_key
from sandbox.microsoft.ports import PortInUseError

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
USUAL_PORT = 5061
"""Where requests have their trunks (SIP over TLS, RFC 3261, 19.1.2)."""
EVERY = "*"
"""What a trunk shows that was not told what."""


class Shows(StrEnum):
    """What a trunk shows of itself."""

    GOOD = "good"
    EXPIRED = "expired"
    SOON_OVER = "soon-over"
    """It ends in ten days."""
    NOT_YET_VALID = "not-yet-valid"
    WRONG_NAME = "wrong-name"
    DEEP_WILDCARD = "deep-wildcard"
    """Its wildcard stands one label too high: `*.contoso.com` for `sbc1.voice.contoso.com`."""
    INCOMPLETE = "incomplete"
    """The intermediate certificate is missing."""
    OUT_OF_ORDER = "out-of-order"
    SELF_SIGNED = "self-signed"
    CLIENT_ONLY = "client-only"
    """Its extended key usage is that of clients."""
    UNKNOWN_AUTHORITY = "unknown-authority"
    SHORT_KEY = "short-key"
    """RSA, 1024 bits."""
    ASKS_FOR_OURS = "asks-for-ours"
    """A good one, from a server that wants a client's certificate too, and breaks the handshake off without."""
    NOTHING = "nothing"
    """It breaks the handshake off before."""


class Trunks:
    """What each shows, by its name in lower case."""

    def __init__(self) -> None:
        self.shows: dict[str, Shows] = {}

    def set(self, name: str, what: str) -> None:
        """Of one, or of all others with `*`. Raises ValueError."""
        if what not in set(Shows):
            raise ValueError(f"A trunk shows one of {', '.join(Shows)}; got {what!r}.")
        self.shows[name.lower()] = Shows(what)

    def of(self, name: str) -> Shows:
        """What it shows now."""
        return self.shows.get(name.lower(), self.shows.get(EVERY, Shows.GOOD))


class TrunkServer:
    """The port. `authority` issues the certificates of good trunks."""

    def __init__(self, trunks: Trunks, clock: Clock) -> None:
        self._trunks, self._clock = trunks, clock
        self._stranger = Issuer.root("Nobody's Root").below("Nobody's Authority")
        self._servers: list[asyncio.Server] = []
        self.port = 0

    async def start(self, port: int, certificates: Certificates) -> None:
        """Listen on that port of 127.0.0.1, or on any free one for 0. Raises PortInUseError."""
        self._authority = certificates.authority()
        self._usual = certificates.server_context()
        self._usual.sni_callback = self._choose
        try:
            self.port = await self._listen(HOST, port)
        except OSError as problem:
            raise PortInUseError("trunks", port, "--trunks-port") from problem

    async def start_beside(self) -> str:
        """Listen on the usual port besides, at a loopback address that no other sandbox has; the address of trunks.

        So a request fits as it is where the port is another one. A machine with one loopback address only (macOS)
        has no second place: there the trunks stay where they are.
        """
        if self.port == USUAL_PORT:
            return HOST
        address = address_beside(self.port)
        try:
            for port in (self.port, USUAL_PORT):
                await self._listen(address, port)
        except OSError as problem:
            log.info("trunks: at port %s only (%s has none: %s)", self.port, address, problem.strerror)
            return HOST
        return address

    async def _listen(self, address: str, port: int) -> int:
        server = await asyncio.start_server(_nothing_more, address, port, ssl=self._usual)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the ports."""
        while self._servers:
            self._servers.pop().close()

    def _choose(self, connection: ssl.SSLObject, name: str | None, usual: ssl.SSLContext) -> int | None:
        """The context of the name that the client asks for."""
        what = self._trunks.of(name or "")
        if what is Shows.NOTHING or not name:
            return ssl.AlertDescription.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
        connection.context = self._context(name.lower(), what)
        return None

    def _context(self, name: str, what: Shows) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        _load(context, self.chain(name, what), server_key(_bits(what)))
        if what is Shows.ASKS_FOR_OURS:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=pem([self._authority.certificate]))
        return context

    def chain(self, name: str, what: Shows) -> Sequence[x509.Certificate]:
        """The certificates that a trunk sends then."""
        now = self._clock.now()
        authority = self._stranger if what is Shows.UNKNOWN_AUTHORITY else self._authority
        if what is Shows.SELF_SIGNED:
            return [self_signed(Made(names=(name,)), now)]
        own = authority.issue(_made(name, what), server_key(_bits(what)), now)
        match what:
            case Shows.INCOMPLETE:
                return [own]
            case Shows.OUT_OF_ORDER:
                above = self._authority.below("Sandbox, second authority", now=now)
                own = above.issue(_made(name, what), now=now)
                return [own, self._authority.certificate, above.certificate]
        return [own, authority.certificate]


def address_beside(port: int) -> str:
    """The loopback address of whoever has that port of 127.0.0.1."""
    return f"127.1.{port >> 8}.{port & 255}"


def _bits(what: Shows) -> int:
    return 1024 if what is Shows.SHORT_KEY else USUAL_BITS


def _made(name: str, what: Shows) -> Made:
    day = timedelta(days=1)
    match what:
        case Shows.EXPIRED:
            return Made(names=(name,), begins=-90 * day, ends=-day)
        case Shows.SOON_OVER:
            return Made(names=(name,), ends=10 * day)
        case Shows.NOT_YET_VALID:
            return Made(names=(name,), begins=day)
        case Shows.WRONG_NAME:
            return Made(names=(f"another.{name}",))
        case Shows.DEEP_WILDCARD:
            return Made(names=(f"*.{name.split('.', 2)[-1]}",))
        case Shows.CLIENT_ONLY:
            return Made(names=(name,), usages=(FOR_CLIENTS,))
    return Made(names=(name,))


def _load(context: ssl.SSLContext, chain: Sequence[x509.Certificate], key: object) -> None:
    """Python's `ssl` takes files only."""
    assert hasattr(key, "private_bytes")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with tempfile.TemporaryDirectory(prefix="trunk-") as folder:
        file = Path(folder) / "chain.pem"
        file.write_bytes(private + pem(chain).encode())
        context.load_cert_chain(file)


async def _nothing_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
