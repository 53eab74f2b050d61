"""Which certificates a server shows, by pyOpenSSL: one TLS handshake, of which nothing is verified.

Python's own `ssl` gives the chain of a peer that fails verification only from 3.13 on. Host and port are a request's,
so only addresses on the Internet are connected to (`dns_bounds`), those that were looked at and no others: the name is
not looked up again in between. Nothing is sent but the handshake, without a certificate of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from onboarding.azure.dns_question import UnansweredError
from onboarding.core.certificate_chain import MOST_CERTIFICATES
from onboarding.ports import TlsAnswer

if TYPE_CHECKING:
    from OpenSSL.SSL import Connection

CONNECT_SECONDS = 5.0
HANDSHAKE_SECONDS = 5.0
MOST_BYTES = 200_000
"""Of what a server may send in its handshake: twice what OpenSSL takes of certificates."""
_PIECE = 16_384


class TlsHandshake:
    """A port `TlsProbe`.

    `addresses` gives those of a host that may be connected to, and raises UnansweredError when there are none; `roots`
    the authorities that are trusted, as DER.
    """

    def __init__(
        self,
        addresses: Callable[[str], Awaitable[Sequence[str]]],
        roots: Callable[[], Sequence[bytes]],
        *,
        connect_seconds: float = CONNECT_SECONDS,
        handshake_seconds: float = HANDSHAKE_SECONDS,
    ) -> None:
        self._addresses, self._roots = addresses, roots
        self._connect_seconds, self._handshake_seconds = connect_seconds, handshake_seconds

    async def roots(self) -> Sequence[bytes]:
        return self._roots()

    async def chain(self, name: str, port: int) -> TlsAnswer:
        """What the first of its addresses shows that shows anything."""
        try:
            addresses = await self._addresses(name)
        except UnansweredError as error:
            return TlsAnswer(why_not=f"its address in DNS can't be used: {error}")
        said: list[str] = []
        for address in addresses:
            answer = await self._at(address, name, port)
            if answer.chain:
                return answer
            said.append(f"{answer.why_not} ({address}, port {port})")
        return TlsAnswer(why_not="; ".join(said))

    async def _at(self, address: str, name: str, port: int) -> TlsAnswer:
        try:
            async with asyncio.timeout(self._connect_seconds):
                reader, writer = await asyncio.open_connection(address, port)
        except TimeoutError:
            return TlsAnswer(why_not=f"no connection within {self._connect_seconds:g} s")
        except OSError as error:
            return TlsAnswer(why_not=_in_words(error))
        connection = _client(name)
        try:
            async with asyncio.timeout(self._handshake_seconds):
                why_not = await _shake_hands(connection, reader, writer)
        except TimeoutError:
            why_not = f"it did not end the TLS handshake within {self._handshake_seconds:g} s"
        except OSError as error:
            why_not = _in_words(error)
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        chain = _sent(connection)
        return TlsAnswer(chain, "" if chain else why_not or "it showed no certificate")


def _client(name: str) -> Connection:
    """Whatever may be wrong with a certificate is to be seen: a short key, an old hash."""
    from OpenSSL import SSL

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(b"DEFAULT@SECLEVEL=0")
    connection = SSL.Connection(context, None)
    connection.set_tlsext_host_name(name.encode("ascii"))
    connection.set_connect_state()
    return connection


async def _shake_hands(
    connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> str:
    """Until the handshake ends. Why it ended badly, which may be after the certificates; empty: it did not."""
    from OpenSSL import SSL

    taken = 0
    while True:
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            await _send(connection, writer)
        except SSL.Error as error:
            return f"the TLS handshake failed ({_reason(error)})"
        else:
            await _send(connection, writer)
            return ""
        piece = await reader.read(_PIECE)
        taken += len(piece)
        if not piece:
            return "it closed the connection during the TLS handshake"
        if taken > MOST_BYTES:
            return f"it sent more than {MOST_BYTES} bytes in the TLS handshake"
        connection.bio_write(piece)


async def _send(connection: Connection, writer: asyncio.StreamWriter) -> None:
    """What the handshake has to say by now."""
    from OpenSSL import SSL

    with contextlib.suppress(SSL.WantReadError):
        writer.write(connection.bio_read(_PIECE))
    await writer.drain()


def _sent(connection: Connection) -> tuple[bytes, ...]:
    """The first of them, where a server sends more than anybody needs: each is compared with all others."""
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        sent = connection.get_peer_cert_chain(as_cryptography=True) or []
        return tuple(one.public_bytes(Encoding.DER) for one in sent[:MOST_CERTIFICATES])
    except ValueError:
        return ()


def _reason(error: Exception) -> str:
    """OpenSSL's own words, such as `wrong version number`."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return str(queue[0][-1]) if queue else "no reason given"


def _in_words(error: OSError) -> str:
    match error.errno:
        case errno.ECONNREFUSED:
            return "the connection was refused"
        case errno.ECONNRESET:
            return "the connection was reset"
        case number:
            return f"the connection failed ({os.strerror(number) if number else type(error).__name__})"
