"""Real DNS queries, to the simulated zone commsgw.azure.com and to servers that misbehave."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from onboarding.azure.dns import DnsLookup
from onboarding.azure.dns_bounds import ADDRESSES_OF_A_SERVER, SERVERS_OF_A_ZONE
from onboarding.ports import TxtAnswer
from onboarding.steps.txt_verdict import judge_txt_answers
from sandbox.microsoft import Microsoft
from sandbox.microsoft.faults import Fault
from tests.twins.dns import NAME, VALUE, DnsBehaviour


@pytest.fixture
async def microsoft() -> AsyncIterator[Microsoft]:
    async with Microsoft() as running:
        yield running


def lookup(microsoft: Microsoft, timeout: float = 5.0) -> DnsLookup:
    address, port = microsoft.dns_address
    return DnsLookup([f"{address}:{port}"], authoritative_port=port, timeout=timeout, private=True)


class SimulatedZone:
    """Sets the records of the simulator."""

    def __init__(self, microsoft: Microsoft) -> None:
        self._microsoft = microsoft

    def publish(self, server: str, *values: str) -> None:
        self._microsoft.world.records.put(server, NAME, list(values))

    def break_down(self, server: str) -> None:
        self.fail(kind="servfail", server=server)

    def fail(self, **fault: object) -> None:
        """Let TXT questions fail, in the control port's words."""
        fault = {"service": "dns", "method": "TXT", "times": None, **fault}
        self._microsoft.world.faults.active.append(Fault.parse(fault))


@pytest.fixture
def zone(microsoft: Microsoft) -> SimulatedZone:
    return SimulatedZone(microsoft)


class TestDnsLookup(DnsBehaviour):
    @pytest.fixture(autouse=True)
    def _own_addresses(self, microsoft: Microsoft) -> None:
        if len({"127.0.0.1", *microsoft.world.records.addresses.values()}) < 3:
            pytest.skip("this machine has one loopback address, so one server answers for all")

    @pytest.fixture
    def dns(self, microsoft: Microsoft) -> DnsLookup:
        return lookup(microsoft)

    async def test_servers_are_called_by_their_names(self, dns: DnsLookup, microsoft: Microsoft) -> None:
        address, port = microsoft.dns_address
        names = [a.server for a in await dns.txt(NAME)]
        assert names == ["ns1.commsgw.azure.com", "ns2.commsgw.azure.com", f"{address}:{port}"]

    async def test_values_of_several_strings_are_joined(self, dns: DnsLookup, zone: SimulatedZone) -> None:
        long = "v=" + "x" * 400
        zone.publish("*", long)
        assert {a.values for a in await dns.txt(NAME)} == {(long,)}

    async def test_an_answer_too_long_for_udp_comes_by_tcp(self, dns: DnsLookup, zone: SimulatedZone) -> None:
        values = [VALUE, *(f"{n}" * 200 for n in range(9))]
        zone.publish("*", *values)
        assert {frozenset(a.values) for a in await dns.txt(NAME)} == {frozenset(values)}

    async def test_a_truncated_answer_is_asked_for_again_by_tcp(self, dns: DnsLookup, zone: SimulatedZone) -> None:
        zone.publish("*", VALUE)
        zone.fail(kind="truncate")
        assert judge_txt_answers(await dns.txt(NAME), VALUE, NAME).visible

    async def test_a_lost_datagram_is_sent_again(self, microsoft: Microsoft, zone: SimulatedZone) -> None:
        zone.publish("*", VALUE)
        zone.fail(kind="hang", times=1)
        assert judge_txt_answers(await lookup(microsoft, timeout=1.0).txt(NAME), VALUE, NAME).visible

    async def test_a_silent_server_times_out_while_the_others_answer(
        self, microsoft: Microsoft, zone: SimulatedZone
    ) -> None:
        zone.publish("*", VALUE)
        zone.fail(kind="hang", server="ns2")
        answers = await lookup(microsoft, timeout=0.4).txt(NAME)
        assert [(a.values, a.error) for a in answers] == [((VALUE,), None), ((), "timeout"), ((VALUE,), None)]
        assert "still missing: ns2.commsgw.azure.com (timeout)" in judge_txt_answers(answers, VALUE, NAME).sentence

    async def test_many_names_at_once(self, dns: DnsLookup, zone: SimulatedZone) -> None:
        zone.publish("*", VALUE)
        looks = await asyncio.gather(*(dns.txt(NAME) for _ in range(40)))
        assert all(judge_txt_answers(answers, VALUE, NAME).visible for answers in looks)


async def test_resolvers_that_fail_leave_the_zone_unknown(microsoft: Microsoft) -> None:
    microsoft.world.faults.active.append(Fault.parse({"kind": "servfail", "service": "dns", "times": None}))
    first, public = await lookup(microsoft, timeout=0.5).txt(NAME)
    assert (first.server, first.authoritative) == (f"the zone of {NAME}", True)
    assert first.error == "its name servers were not found: no resolver could answer (SERVFAIL or REFUSED)"
    assert (public.values, public.error) == ((), "SERVFAIL")


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".example", "." * 300, "", "*\\", "exa mple.net", "ä" * 70])
async def test_a_name_that_is_none_is_an_error_in_the_answers(microsoft: Microsoft, name: str) -> None:
    answers = await lookup(microsoft, timeout=0.5).txt(name)
    assert not judge_txt_answers(answers, VALUE, name).visible


# -- servers that misbehave ------------------------------------------------------------------------------------

Zone = dict[tuple[str, str], str]
"""(name, type) → data of the records there, one a line."""
Change = Callable[[dns.message.Message, bool], object]
"""May alter a response, knowing whether the name server was meant; the response that is False is not sent."""
ORDINARY: Zone = {
    ("example.net.", "SOA"): "ns1.example.net. host.example.net. 1 3600 300 1209600 60",
    ("example.net.", "NS"): "ns1.example.net.",
    ("ns1.example.net.", "A"): "127.0.0.1",
    ("gw.example.net.", "TXT"): f'"{VALUE}"',
}


class Scripted(asyncio.DatagramProtocol):
    """Answers by UDP, for resolver and name server alike, from a dictionary."""

    def __init__(self, zone: Zone, change: Change) -> None:
        self._zone = zone
        self._change = change

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.DatagramTransport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        for one in (kind, "CNAME"):
            if (name, one) in self._zone:
                response.answer.append(dns.rrset.from_text(name, 60, "IN", one, *self._zone[name, one].splitlines()))
                break
        if self._change(response, not query.flags & dns.flags.RD) is not False:
            self._transport.sendto(response.to_wire(), addr)


@asynccontextmanager
async def scripted(
    zone: Zone, change: Change = lambda response, direct: None, **options: Any
) -> AsyncIterator[DnsLookup]:
    """A lookup through such a server."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Scripted(zone, change), ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    try:
        yield DnsLookup([f"127.0.0.1:{port}"], authoritative_port=port, **{"timeout": 1.0, "private": True, **options})
    finally:
        transport.close()
        await asyncio.sleep(0)


async def ask(zone: Zone, change: Change = lambda r, d: None) -> list[TxtAnswer]:
    async with scripted(zone, change) as lookup:
        return list(await lookup.txt("gw.example.net"))


async def test_a_plain_zone() -> None:
    answers = await ask(ORDINARY)
    assert judge_txt_answers(answers, VALUE, "gw.example.net").visible
    assert [(a.server, a.authoritative) for a in answers[:1]] == [("ns1.example.net", True)]


async def test_a_server_that_does_not_serve_the_zone_proves_nothing() -> None:
    def lame(response: dns.message.Message, direct: bool) -> None:
        if direct:
            response.flags &= ~dns.flags.AA

    authoritative, public = await ask(ORDINARY, lame)
    assert authoritative.error == "it does not serve the zone (its answer is not authoritative)"
    assert public.error is None
    assert not judge_txt_answers([authoritative, public], VALUE, "gw.example.net").visible


async def test_a_refusal_is_told_by_its_name() -> None:
    def refuse(response: dns.message.Message, direct: bool) -> None:
        if direct:
            response.set_rcode(dns.rcode.REFUSED)
            response.answer.clear()

    assert (await ask(ORDINARY, refuse))[0].error == "REFUSED"


async def test_the_value_behind_an_alias_counts() -> None:
    zone = {
        **{k: v for k, v in ORDINARY.items() if k[1] != "TXT"},
        ("gw.example.net.", "CNAME"): "target.example.net.",
    }

    def with_target(response: dns.message.Message, direct: bool) -> None:
        if response.answer and response.answer[0].rdtype == dns.rdatatype.CNAME:
            response.answer.append(dns.rrset.from_text("target.example.net.", 60, "IN", "TXT", f'"{VALUE}"'))

    assert judge_txt_answers(await ask(zone, with_target), VALUE, "gw.example.net").visible
    assert [a.values for a in await ask(zone)] == [(), ()]


async def test_a_zones_servers_are_kept_for_a_while_and_what_they_say_of_the_record_is_not() -> None:
    asked: list[str] = []

    def note(response: dns.message.Message, direct: bool) -> None:
        question = response.question[0]
        asked.append(f"{question.name} {dns.rdatatype.to_text(question.rdtype)}")

    zone = dict(ORDINARY)
    async with scripted(zone, note) as lookup:
        assert judge_txt_answers(await lookup.txt("gw.example.net"), VALUE, "gw.example.net").visible
        assert {"example.net. SOA", "example.net. NS", "ns1.example.net. A"} < set(asked)
        asked.clear()
        zone["gw.example.net.", "TXT"] = '"another value"'
        assert not judge_txt_answers(await lookup.txt("gw.example.net"), VALUE, "gw.example.net").visible
        # What there was not (an SOA of the name itself, an IPv6 address) is asked for again: it may be there now.
        assert sorted(asked) == ["gw.example.net. SOA", *["gw.example.net. TXT"] * 2, "ns1.example.net. AAAA"]


async def test_what_is_kept_is_forgotten_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboarding.azure.dns.KEEP", -1.0)
    zone = dict(ORDINARY)
    async with scripted(zone) as lookup:
        await lookup.txt("gw.example.net")
        zone["example.net.", "NS"] = "ns2.example.net."
        zone["ns2.example.net.", "A"] = "127.0.0.1"
        assert next(iter(await lookup.txt("gw.example.net"))).server == "ns2.example.net"


HOSTILE: Zone = {
    **ORDINARY,
    ("example.net.", "NS"): "\n".join(f"ns{n}.example.net." for n in range(10, 50)),
    **{(f"ns{n}.example.net.", "A"): "\n".join(f"127.0.0.{m}" for m in range(1, 9)) for n in range(10, 50)},
    **{(f"ns{n}.example.net.", "AAAA"): "\n".join(f"fd00::{m}" for m in range(1, 9)) for n in range(10, 50)},
}
"""Forty name servers, each at eight addresses of IPv4 and as many of IPv6."""


async def test_of_a_zone_with_very_many_servers_some_are_asked() -> None:
    asked: list[str] = []

    def note(response: dns.message.Message, direct: bool) -> None:
        asked.append(f"{response.question[0].name} {dns.rdatatype.to_text(response.question[0].rdtype)}")

    async with scripted(HOSTILE, note, timeout=0.2) as lookup:
        answers = await lookup.txt("gw.example.net")
    assert len([a for a in answers if a.authoritative]) <= SERVERS_OF_A_ZONE * 2 * ADDRESSES_OF_A_SERVER
    assert len({a.server.partition(" ")[0] for a in answers if a.authoritative}) == SERVERS_OF_A_ZONE
    assert len([q for q in asked if q.endswith((" A", " AAAA"))]) == 2 * SERVERS_OF_A_ZONE


async def test_a_look_ends_in_its_time_with_what_was_answered_until_then() -> None:
    def silent(response: dns.message.Message, direct: bool) -> bool:
        return not direct

    async with scripted(HOSTILE, silent, timeout=50.0, look_timeout=0.3) as lookup:
        answers = await lookup.txt("gw.example.net")
    assert [(a.values, a.error) for a in answers] == [
        ((VALUE,), None),
        ((), "not all of its servers answered within 0.3 s"),
    ]
    assert not judge_txt_answers(answers, VALUE, "gw.example.net").visible


async def test_a_server_that_is_not_on_the_internet_is_not_asked() -> None:
    direct_questions: list[dns.message.Message] = []

    def note(response: dns.message.Message, direct: bool) -> None:
        direct_questions.extend([response] if direct else [])

    async with scripted(ORDINARY, note, private=False) as lookup:
        server, resolver = await lookup.txt("gw.example.net")
    assert (server.server, server.authoritative) == ("ns1.example.net", True)
    assert server.error == "not asked: its address is not on the Internet"
    assert resolver.values == (VALUE,), "the resolvers are the operator's own choice"
    assert direct_questions == []
    assert "ns1.example.net (not asked: " in judge_txt_answers([server, resolver], VALUE, "gw.example.net").sentence


async def test_that_there_is_no_such_name_is_an_answer() -> None:
    def absent(response: dns.message.Message, direct: bool) -> None:
        if response.question[0].rdtype == dns.rdatatype.TXT:
            response.set_rcode(dns.rcode.NXDOMAIN)
            response.answer.clear()

    assert [(a.values, a.error) for a in await ask(ORDINARY, absent)] == [((), None), ((), None)]


async def test_a_name_server_without_address_is_an_error() -> None:
    zone = {k: v for k, v in ORDINARY.items() if k[1] != "A"}
    answers = await ask(zone)
    assert answers[0].server == "ns1.example.net"
    assert answers[0].error == "its address was not found: it has none"


async def test_silence_over_ipv6_is_not_held_against_a_server_that_answers_over_ipv4() -> None:
    answers = await ask({**ORDINARY, ("ns1.example.net.", "AAAA"): "::1"})
    assert [(a.server, a.error) for a in answers if a.authoritative] == [("ns1.example.net (127.0.0.1)", None)]
    assert judge_txt_answers(answers, VALUE, "gw.example.net").visible


async def test_a_server_reached_over_ipv6_alone_must_answer() -> None:
    zone = {k: v for k, v in ORDINARY.items() if k[1] != "A"} | {("ns1.example.net.", "AAAA"): "::1"}
    authoritative, _ = await ask(zone)
    assert authoritative.error
    assert not judge_txt_answers([authoritative], VALUE, "gw.example.net").visible


async def test_a_value_that_is_not_utf8_is_shown_and_does_not_match() -> None:
    answers = await ask({**ORDINARY, ("gw.example.net.", "TXT"): '"\\255MS"'})
    assert [a.values for a in answers] == [("\ufffdMS",), ("\ufffdMS",)]


async def test_nonsense_on_the_wire_is_a_timeout() -> None:
    loop = asyncio.get_running_loop()

    class Nonsense(Scripted):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self._transport.sendto(b"\x00" * 3, addr)
            self._transport.sendto(struct.pack(">HHHHHH", 0, 0x8400, 1, 9, 0, 0), addr)

    transport, _ = await loop.create_datagram_endpoint(lambda: Nonsense({}, lambda r, d: None), ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    answers = await DnsLookup([f"127.0.0.1:{port}"], timeout=0.2).txt("gw.example.net")
    transport.close()
    assert [a.values for a in answers] == [(), ()]
    assert all(a.error for a in answers)


async def test_a_closed_port_is_an_error_and_nothing_is_raised() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    answers = await DnsLookup([f"127.0.0.1:{port}"], timeout=0.2).txt("gw.example.net")
    assert len(answers) == 2
    assert all(a.error for a in answers)


@pytest.mark.parametrize("text", ["1.1.1.1", "1.1.1.1:5353", "::1", "[::1]", "[::1]:53", "2606:4700:4700::1111"])
def test_forms_of_a_resolver(text: str) -> None:
    assert DnsLookup([text])


@pytest.mark.parametrize(
    "text",
    [
        "dns.example",
        "1.1.1.1:",
        "1.1.1.1:0",
        "1.1.1.1:65536",
        "[::1]53",
        "[::1",
        "",
        "1.1.1.1:x",
        "1.1.1.1:" + "9" * 5000,
        "[[::1]]",
    ],
)
def test_what_is_no_resolver(text: str) -> None:
    with pytest.raises(ValueError, match="expected an IP address or address:port"):
        DnsLookup([text])
