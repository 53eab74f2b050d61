"""Real TLS handshakes, with the sandbox's trunks and with servers that misbehave."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import trustme
from trustme import Blob

from onboarding.azure.credential import trust
from onboarding.azure.dns import DnsLookup
from onboarding.azure.dns_question import UnansweredError
from onboarding.azure.tls import MOST_BYTES, TlsHandshake
from onboarding.core.certificate_chain import MOST_CERTIFICATES
from onboarding.core.certificate_check import Severity, TrunkSeen, judge_certificates
from onboarding.core.x509 import read_chain
from onboarding.ports import TlsProbe
from onboarding.settings import Settings
from sandbox.microsoft import Microsoft
from sandbox.microsoft.trunks import USUAL_PORT, Shows
from tests.twins.tls import TRUNK, TlsBehaviour

HERE = "127.0.0.1"


@pytest.fixture
async def microsoft() -> AsyncIterator[Microsoft]:
    async with Microsoft() as running:
        yield running


def at(*addresses: str) -> Callable[[str], Awaitable[Sequence[str]]]:
    """Every name is there."""

    async def found(name: str) -> Sequence[str]:
        return addresses

    return found


@pytest.fixture
def tls(microsoft: Microsoft, monkeypatch: pytest.MonkeyPatch) -> TlsHandshake:
    monkeypatch.setenv("ServiceBus", "Endpoint=sb://unused")
    monkeypatch.setenv("Tables", "unused")
    monkeypatch.setenv("ONBOARDING_CA_FILE", str(microsoft.ca_file))
    chosen = Settings()  # type: ignore[call-arg]
    return TlsHandshake(at(HERE), lambda: trust(chosen).get_ca_certs(binary_form=True))


class SandboxTrunk:
    def __init__(self, microsoft: Microsoft) -> None:
        self._trunks, self.port = microsoft.world.trunks, microsoft.trunks_port

    def show_good(self) -> None:
        self._trunks.set(TRUNK, Shows.GOOD)

    def show_nothing(self) -> None:
        self._trunks.set(TRUNK, Shows.NOTHING)


class TestTlsHandshake(TlsBehaviour):
    @pytest.fixture
    def tls(self, tls: TlsHandshake) -> TlsProbe:
        return tls

    @pytest.fixture
    def trunk(self, microsoft: Microsoft) -> SandboxTrunk:
        return SandboxTrunk(microsoft)


@pytest.mark.parametrize(
    ("shows", "severity", "said"),
    [
        (Shows.EXPIRED, Severity.WRONG, "has expired"),
        (Shows.SOON_OVER, Severity.WARNING, "in 9 days"),
        (Shows.NOT_YET_VALID, Severity.WRONG, "is not valid before"),
        (Shows.WRONG_NAME, Severity.WRONG, "names are another.sbc1.contoso.com; expected sbc1.contoso.com"),
        (Shows.INCOMPLETE, Severity.WRONG, "of 'Sandbox, for trunks', which has issued this one, is missing"),
        (Shows.OUT_OF_ORDER, Severity.WRONG, "out of order"),
        (Shows.SELF_SIGNED, Severity.WRONG, "self-signed"),
        (Shows.CLIENT_ONLY, Severity.WRONG, "is not for servers"),
        (Shows.UNKNOWN_AUTHORITY, Severity.UNKNOWN, "the chain ends at 'Nobody's Root'"),
        (Shows.SHORT_KEY, Severity.WRONG, "an RSA key of 1024 bits"),
    ],
)
async def test_each_certificate_of_the_sandbox_is_seen_as_what_it_is(
    microsoft: Microsoft, tls: TlsHandshake, shows: Shows, severity: Severity, said: str
) -> None:
    microsoft.world.trunks.set("*", shows)
    answer = await tls.chain(TRUNK, microsoft.trunks_port)
    chain = read_chain(answer.chain, await tls.roots())
    ((finding, _),) = judge_certificates([TrunkSeen(TRUNK, (chain,))], datetime.now(UTC)).findings
    assert (finding.severity, said in finding.seen) == (severity, True), finding.seen


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_wants_a_clients_certificate_shows_its_own_all_the_same(
    tls: TlsHandshake, newest: ssl.TLSVersion
) -> None:
    """By TLS 1.2 it breaks the handshake off, by 1.3 only afterwards."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.maximum_version, context.verify_mode = newest, ssl.CERT_REQUIRED
    authority.configure_trust(context)
    authority.create_child_ca().issue_cert(TRUNK).configure_cert(context)
    async with await asyncio.start_server(lambda reader, writer: writer.close(), HERE, 0, ssl=context) as listening:
        assert len((await tls.chain(TRUNK, listening.sockets[0].getsockname()[1])).chain) == 2


async def test_of_more_certificates_than_anybody_needs_the_first_are_looked_at(tls: TlsHandshake) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own = authority.issue_cert(TRUNK)
    more = b"".join([trustme.CA().cert_pem.bytes()] * 30)
    with Blob(own.private_key_pem.bytes() + own.cert_chain_pems[0].bytes() + more).tempfile() as file:
        context.load_cert_chain(file)
    async with await asyncio.start_server(lambda reader, writer: writer.close(), HERE, 0, ssl=context) as listening:
        answer = await tls.chain(TRUNK, listening.sockets[0].getsockname()[1])
    assert len(answer.chain) == MOST_CERTIFICATES


async def test_a_trunk_of_the_sandbox_that_wants_one_too(microsoft: Microsoft, tls: TlsHandshake) -> None:
    microsoft.world.trunks.set(TRUNK, Shows.ASKS_FOR_OURS)
    assert len((await tls.chain(TRUNK, microsoft.trunks_port)).chain) == 2


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[int]:
    """Something that listens and is no TLS server."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(one, HERE, 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def why_not(talk: Talk, **seconds: float) -> str:
    async with server(talk) as port:
        answer = await TlsHandshake(at(HERE), list, **seconds).chain(TRUNK, port)
        assert answer.chain == ()
        return answer.why_not.replace(str(port), "PORT")


async def test_a_server_that_speaks_something_else() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SIP/2.0 400 Bad Request\r\n\r\n")
        await reader.read()

    assert await why_not(talk) == "the TLS handshake failed (wrong version number) (127.0.0.1, port PORT)"


async def test_a_server_that_hangs_up() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    assert "during the TLS handshake" in await why_not(talk) or "reset" in await why_not(talk)


async def test_a_server_that_says_nothing() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    assert "did not end the TLS handshake within 0.2 s" in await why_not(talk, handshake_seconds=0.2)


async def test_a_server_that_never_ends_its_certificates() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        # Records of a handshake (RFC 8446, 5.1) that are part of one endless message.
        record = bytes.fromhex("16030340000bffffff") + b"\0" * 0x3FFC
        for _ in range(MOST_BYTES // len(record) + 20):
            writer.write(record)
            await writer.drain()
        await reader.read()

    said = await why_not(talk)
    assert "the TLS handshake failed" in said or f"more than {MOST_BYTES} bytes" in said


async def test_a_port_where_nobody_listens_and_a_second_address_that_answers(
    microsoft: Microsoft, tls: TlsHandshake
) -> None:
    async with server(lambda reader, writer: asyncio.sleep(0)) as port:
        pass
    answer = await TlsHandshake(at(HERE), list).chain(TRUNK, port)
    assert answer.why_not == f"the connection was refused (127.0.0.1, port {port})"
    both = TlsHandshake(at("127.0.0.9", HERE), list)
    assert len((await both.chain(TRUNK, microsoft.trunks_port)).chain) == 2


async def test_addresses_that_are_not_on_the_internet_are_not_connected_to(microsoft: Microsoft) -> None:
    """The zone's own name server stands for any name whose owner lets it lead into our network."""
    address, port = microsoft.dns_address
    name, found = "ns1.commsgw.azure.com", []
    for private in (False, True):
        lookup = DnsLookup([f"{address}:{port}"], authoritative_port=port, private=private)
        found.append(await TlsHandshake(lookup.to_reach, list).chain(name, microsoft.trunks_port))
    assert found[0].why_not == (
        "its address in DNS can't be used: not asked: its address is not on the Internet"
    )
    assert "connection" in found[1].why_not or found[1].chain


async def test_a_name_without_an_address_or_without_an_answer_in_time(microsoft: Microsoft) -> None:
    address, port = microsoft.dns_address
    lookup = DnsLookup([f"{address}:{port}"], authoritative_port=port)
    answer = await TlsHandshake(lookup.to_reach, list).chain("nobody.example", 5061)
    assert answer.why_not.startswith("its address in DNS can't be used: its address was not found")
    impatient = DnsLookup([f"{address}:{port}"], authoritative_port=port, look_timeout=0.0)
    with pytest.raises(UnansweredError, match="no answer within 0 s"):
        await impatient.to_reach("nobody.example")


async def test_a_trunk_is_at_the_usual_port_too_where_its_own_is_another_one() -> None:
    """`up --free-ports`: a request as the samples have it, at port 5061, finds its trunks."""
    async with Microsoft(trunks_beside=True) as microsoft:
        if not microsoft.ready()["trunks"]["usualPort"]:
            pytest.skip("this machine has one loopback address only")
        host, port = microsoft.dns_address
        lookup = DnsLookup([f"{host}:{port}"], authoritative_port=port, timeout=5, private=True)
        name = "sbc1.voice.contoso.example"
        tls = TlsHandshake(lookup.to_reach, list)
        for reached in (USUAL_PORT, microsoft.trunks_port):
            assert len((await tls.chain(name, reached)).chain) == 2
        microsoft.world.reset()
        assert len((await tls.chain(name, USUAL_PORT)).chain) == 2
