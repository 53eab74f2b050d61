"""Real DNS queries, to the simulated zone commsgw.azure.com and to servers that misbehave."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from dns import asyncquery, message

from onboarding.azure.dns import DnsLookup
from onboarding.azure.dns_bounds import ADDRESSES_OF_A_SERVER, REFERRALS, SERVERS_OF_A_ZONE
from onboarding.azure.dns_question import Asking, UnansweredError
from onboarding.azure.dns_silence import IN_A_ROW, SPARED, Silences
from onboarding.ports import TxtAnswer
from onboarding.steps.address_verdict import AddressKind, judge_addresses
from onboarding.steps.txt_verdict import TxtKind, judge_txt_answers
from sandbox.microsoft import Microsoft
from sandbox.microsoft.faults import Fault
from tests.twins.dns import ELSEWHERE, NAME, VALUE, DnsBehaviour, kind_of


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

    def publish_at(self, name: str, *values: str) -> None:
        self._microsoft.world.records.put("*", name, list(values))

    def lead(self, name: str) -> None:
        self._microsoft.world.records.lead(NAME, name)

    def break_down(self, server: str) -> None:
        self.fail(kind="servfail", server=server)

    def silence(self, server: str) -> None:
        self.fail(kind="hang", server=server)

    def fail(self, **fault: object) -> None:
        """Let TXT questions fail, in the control port's words."""
        fault = {"service": "dns", "method": "TXT", "times": None, **fault}
        self._microsoft.world.faults.active.append(Fault.parse(fault))


@pytest.fixture
def zone(microsoft: Microsoft) -> SimulatedZone:
    return SimulatedZone(microsoft)


async def test_the_addresses_of_a_trunk_by_each_server(microsoft: Microsoft) -> None:
    dns, records = lookup(microsoft), microsoft.world.records
    name = "sbc1.voice.contoso.example"
    records.place("*", name, ["20.0.0.1"])
    records.place("ns2", name, ["20.0.0.2"])
    answers = await dns.addresses(name)
    assert [(a.addresses, a.error) for a in answers] == [(("20.0.0.1",), None), (("20.0.0.2",), None)]
    assert judge_addresses(answers, name).kind is AddressKind.DIFFERENT
    records.place("*", name, ["20.0.0.1"])
    records.lead("alias.contoso.example", name)
    assert judge_addresses(await dns.addresses("alias.contoso.example"), name).kind is AddressKind.PUBLIC
    assert judge_addresses(await dns.addresses("none.contoso.example"), name).kind is AddressKind.NOTHING_YET
    records.lead("alias.contoso.example", "elsewhere.contoso.example")
    assert judge_addresses(await dns.addresses("alias.contoso.example"), name).kind is AddressKind.NOWHERE


async def test_aliases_in_a_circle_are_named(microsoft: Microsoft) -> None:
    records = microsoft.world.records
    records.lead("a.contoso.example", "b.contoso.example")
    records.lead("b.contoso.example", "a.contoso.example")
    verdict = judge_addresses(await lookup(microsoft).addresses("a.contoso.example"), "a.contoso.example")
    assert verdict.kind in (AddressKind.FAILING, AddressKind.NOWHERE)
    assert "CNAME" in verdict.sentence


class TestDnsLookup(DnsBehaviour):
    @pytest.fixture(autouse=True)
    def _own_addresses(self, microsoft: Microsoft) -> None:
        if len({"127.0.0.1", *microsoft.world.records.addresses.values()}) < 3:
            pytest.skip("this machine has one loopback address, so one server answers for all")

    @pytest.fixture
    def dns(self, microsoft: Microsoft) -> DnsLookup:
        return lookup(microsoft, timeout=1.0)

    async def test_servers_are_called_by_their_names(
        self, dns: DnsLookup, zone: SimulatedZone, microsoft: Microsoft
    ) -> None:
        zone.publish("*", VALUE)
        address, port = microsoft.dns_address
        names = [a.server for a in await dns.txt(NAME, VALUE)]
        assert names == ["ns1.commsgw.azure.com", "ns2.commsgw.azure.com", f"{address}:{port}"]

    async def test_values_of_several_strings_are_joined(self, dns: DnsLookup, zone: SimulatedZone) -> None:
        long = "v=" + "x" * 400
        zone.publish("*", long)
        assert {a.values for a in await dns.txt(NAME, VALUE)} == {(long,)}

    async def test_an_answer_too_long_for_udp_comes_by_tcp(self, dns: DnsLookup, zone: SimulatedZone) -> None:
        values = [VALUE, *(f"{n}" * 200 for n in range(9))]
        zone.publish("*", *values)
        assert {frozenset(a.values) for a in await dns.txt(NAME, VALUE)} == {frozenset(values)}

    async def test_a_truncated_answer_is_asked_for_again_by_tcp(self, dns: DnsLookup, zone: SimulatedZone) -> None:
        zone.publish("*", VALUE)
        zone.fail(kind="truncate")
        assert kind_of(await dns.txt(NAME, VALUE)) is TxtKind.EVERYWHERE

    async def test_a_lost_datagram_is_sent_again(self, microsoft: Microsoft, zone: SimulatedZone) -> None:
        zone.publish("*", VALUE)
        zone.fail(kind="hang", times=1)
        assert kind_of(await lookup(microsoft, timeout=1.0).txt(NAME, VALUE)) is TxtKind.EVERYWHERE

    async def test_a_silent_server_times_out_while_the_others_answer(
        self, microsoft: Microsoft, zone: SimulatedZone
    ) -> None:
        zone.publish("*", VALUE)
        zone.fail(kind="hang", server="ns2")
        answers = await lookup(microsoft, timeout=0.4).txt(NAME, VALUE)
        assert [(a.values, a.error) for a in answers] == [((VALUE,), None), ((), "timeout"), ((VALUE,), None)]
        verdict = judge_txt_answers(answers, VALUE, NAME)
        assert verdict.kind is TxtKind.SOMEWHERE
        assert "no answer from ns2.commsgw.azure.com (timeout)" in verdict.sentence

    @pytest.mark.parametrize("rcode", ["FORMERR", "NOTIMP", "BADVERS", "SILENCE"])
    async def test_a_server_that_knows_no_edns_is_asked_again_without(
        self, microsoft: Microsoft, zone: SimulatedZone, rcode: str
    ) -> None:
        zone.publish("*", VALUE)
        zone.fail(kind="no-edns", rcode=rcode)
        assert kind_of(await lookup(microsoft, timeout=0.6).txt(NAME, VALUE)) is TxtKind.EVERYWHERE

    async def test_a_servfail_says_why_where_the_server_does(self, dns: DnsLookup, zone: SimulatedZone) -> None:
        zone.publish("*", VALUE)
        zone.fail(kind="servfail", ede=6, server="resolver")
        zone.fail(kind="servfail", ede=22, server="ns2")
        answers = await dns.txt(NAME, VALUE)
        assert [a.error for a in answers] == [
            None,
            "SERVFAIL: 22 (No Reachable Authority)",
            "SERVFAIL: 6 (DNSSEC Bogus)",
        ]
        assert kind_of(answers) is TxtKind.SOMEWHERE

    async def test_our_own_look_does_not_plant_the_no(
        self, microsoft: Microsoft, dns: DnsLookup, zone: SimulatedZone
    ) -> None:
        """A resolver that keeps denials has none of this name when the record is published at last."""
        microsoft.world.options.update({"dnsKeepsDenials": True})
        assert kind_of(await dns.txt(NAME, VALUE)) is TxtKind.NOTHING_YET
        zone.publish("*", VALUE)
        assert kind_of(await dns.txt(NAME, VALUE)) is TxtKind.EVERYWHERE
        asked = [f"{e.method} {e.url}" for e in microsoft.world.journal.select("dns", None)]
        of_the_name = [question for question in asked if question.endswith(f"{NAME} @resolver")]
        assert of_the_name == [f"TXT {NAME} @resolver"], "once, when the zone's own servers have it"

    async def test_a_resolver_that_keeps_the_no_of_somebody_else_holds_it_up_for_a_while(
        self, microsoft: Microsoft, dns: DnsLookup, zone: SimulatedZone
    ) -> None:
        microsoft.world.options.update({"dnsKeepsDenials": True})
        address, port = microsoft.dns_address
        await asyncquery.udp(message.make_query(NAME, "TXT"), address, port=port, timeout=2)
        zone.publish("*", VALUE)
        verdict = judge_txt_answers(await dns.txt(NAME, VALUE), VALUE, NAME)
        assert verdict.kind is TxtKind.SOMEWHERE
        assert "may keep for a while that it was not there" in verdict.sentence
        microsoft.world.clock.advance(60)
        assert kind_of(await dns.txt(NAME, VALUE)) is TxtKind.EVERYWHERE

    async def test_one_blocked_public_resolver_holds_nothing_up(
        self, microsoft: Microsoft, zone: SimulatedZone
    ) -> None:
        zone.publish("*", VALUE)
        address, port = microsoft.dns_address
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as blocked:
            blocked.bind(("127.0.0.1", 0))
            resolvers = [f"127.0.0.1:{blocked.getsockname()[1]}", f"{address}:{port}"]
            dns = DnsLookup(resolvers, authoritative_port=port, timeout=0.4, look_timeout=2, private=True)
            answers = await dns.txt(NAME, VALUE)
        assert [a.error for a in answers] == [None, None, "timeout", None]
        assert kind_of(answers) is TxtKind.EVERYWHERE

    async def test_where_nothing_gets_out_it_is_our_own_network(
        self, microsoft: Microsoft, zone: SimulatedZone
    ) -> None:
        zone.publish("*", VALUE)
        zone.fail(kind="hang", method=".*")
        verdict = judge_txt_answers(await lookup(microsoft, timeout=0.2).txt(NAME, VALUE), VALUE, NAME)
        assert verdict.kind is TxtKind.BLIND
        assert "its name servers were not found: no resolver answered (timeout)" in verdict.sentence

    @pytest.mark.parametrize("kind", ["refused", "servfail"])
    async def test_where_every_server_refuses_it_is_not_our_network(
        self, dns: DnsLookup, zone: SimulatedZone, kind: str
    ) -> None:
        zone.fail(kind=kind, server="ns.")
        verdict = judge_txt_answers(await dns.txt(NAME, VALUE), VALUE, NAME)
        assert verdict.kind is TxtKind.FAILING
        assert kind.upper() in verdict.sentence

    async def test_an_alias_whose_end_nobody_serves(self, dns: DnsLookup, zone: SimulatedZone) -> None:
        zone.lead("gone.nowhere.invalid")
        verdict = judge_txt_answers(await dns.txt(NAME, VALUE), VALUE, NAME)
        assert verdict.kind is TxtKind.ALIAS
        assert "put the TXT record at gone.nowhere.invalid" in verdict.sentence

    async def test_aliases_that_lead_in_a_circle_end(
        self, microsoft: Microsoft, dns: DnsLookup, zone: SimulatedZone
    ) -> None:
        zone.lead(ELSEWHERE)
        microsoft.world.records.lead(ELSEWHERE, NAME)
        assert kind_of(await dns.txt(NAME, VALUE)) is not TxtKind.EVERYWHERE

    async def test_many_names_at_once(self, dns: DnsLookup, zone: SimulatedZone) -> None:
        zone.publish("*", VALUE)
        looks = await asyncio.gather(*(dns.txt(NAME, VALUE) for _ in range(40)))
        assert all(kind_of(answers) is TxtKind.EVERYWHERE for answers in looks)


async def test_resolvers_that_fail_leave_the_zone_unknown(microsoft: Microsoft) -> None:
    microsoft.world.faults.active.append(Fault.parse({"kind": "servfail", "ede": 6, "service": "dns", "times": None}))
    (first,) = await lookup(microsoft, timeout=0.5).txt(NAME, VALUE)
    assert (first.server, first.authoritative, first.silent) == (f"the zone of {NAME}", True, False)
    assert first.error == "its name servers were not found: no resolver could answer (SERVFAIL: 6 (DNSSEC Bogus))"


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".example", "." * 300, "", "*\\", "exa mple.net", "ä" * 70])
async def test_a_name_that_is_none_is_an_error_in_the_answers(microsoft: Microsoft, name: str) -> None:
    answers = await lookup(microsoft, timeout=0.5).txt(name, VALUE)
    assert judge_txt_answers(answers, VALUE, name).kind in (TxtKind.NOTHING_YET, TxtKind.FAILING)


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
        return list(await lookup.txt("gw.example.net", VALUE))


def gw_kind(answers: Sequence[TxtAnswer]) -> TxtKind:
    """What the answers come to."""
    return judge_txt_answers(answers, VALUE, "gw.example.net").kind


async def test_a_plain_zone() -> None:
    answers = await ask(ORDINARY)
    assert gw_kind(answers) is TxtKind.EVERYWHERE
    assert [(a.server, a.authoritative) for a in answers[:1]] == [("ns1.example.net", True)]


async def test_a_server_that_does_not_serve_the_zone_proves_nothing() -> None:
    def lame(response: dns.message.Message, direct: bool) -> None:
        if direct:
            response.flags &= ~dns.flags.AA

    (authoritative,) = await ask(ORDINARY, lame)
    assert authoritative.error == "it does not serve the zone (its answer is not authoritative)"
    assert gw_kind([authoritative]) is TxtKind.FAILING


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

    assert gw_kind(await ask(zone, with_target)) is TxtKind.EVERYWHERE
    assert [(a.values, a.alias) for a in await ask(zone)] == [((), "target.example.net")]


async def test_the_zone_is_searched_from_its_parent_and_no_resolver_hears_of_the_name() -> None:
    heard: list[tuple[bool, str]] = []

    def refer(response: dns.message.Message, direct: bool) -> None:
        question = response.question[0]
        heard.append((direct, f"{question.name} {dns.rdatatype.to_text(question.rdtype)}"))
        below = dns.name.from_text("sub.example.net.")
        if direct and question.name.is_subdomain(below) and not published:
            published.append(True)
            response.flags &= ~dns.flags.AA
            response.answer.clear()
            response.authority.append(dns.rrset.from_text(below, 60, "IN", "NS", "ns2.example.net."))

    published: list[bool] = []
    zone = {**ORDINARY, ("ns2.example.net.", "A"): "127.0.0.1"}
    async with scripted(zone, refer) as lookup:
        answers = await lookup.txt("gw.sub.example.net", VALUE)
    assert [(a.server, a.values, a.error) for a in answers] == [("ns2.example.net", (), None)]
    to_resolvers = {question for direct, question in heard if not direct}
    assert to_resolvers == {
        "example.net. NS",
        *(f"ns{n}.example.net. {kind}" for n in (1, 2) for kind in ("A", "AAAA")),
    }


async def test_a_zone_of_its_own_below_a_top_level_is_found_through_that() -> None:
    zone = {
        ("net.", "NS"): "ns1.example.org.",
        ("ns1.example.org.", "A"): "127.0.0.1",
        ("gw.net.", "TXT"): f'"{VALUE}"',
    }
    async with scripted(zone) as lookup:
        first, public = await lookup.txt("gw.net", VALUE)
    assert (first.server, first.values, public.values) == ("ns1.example.org", (VALUE,), (VALUE,))


async def test_an_answer_too_long_for_udp_whose_tcp_is_blocked_says_so() -> None:
    def long(response: dns.message.Message, direct: bool) -> None:
        if response.question[0].rdtype == dns.rdatatype.TXT:
            response.flags |= dns.flags.TC

    (answer,) = await ask(ORDINARY, long)
    assert (answer.error, answer.silent) == ("its answer is too long for UDP, and nothing came by TCP", False)


async def test_a_zones_servers_are_kept_for_a_while_and_what_they_say_of_the_record_is_not() -> None:
    asked: list[str] = []

    def note(response: dns.message.Message, direct: bool) -> None:
        question = response.question[0]
        asked.append(f"{question.name} {dns.rdatatype.to_text(question.rdtype)}")

    zone = dict(ORDINARY)
    async with scripted(zone, note) as lookup:
        assert gw_kind(await lookup.txt("gw.example.net", VALUE)) is TxtKind.EVERYWHERE
        assert {"example.net. NS", "ns1.example.net. A"} < set(asked)
        asked.clear()
        zone["gw.example.net.", "TXT"] = '"another value"'
        assert gw_kind(await lookup.txt("gw.example.net", VALUE)) is TxtKind.NOTHING_YET
        # What there was not (an IPv6 address) is asked for again: it may be there now.
        assert sorted(asked) == ["gw.example.net. TXT", "gw.example.net.example.net. TXT", "ns1.example.net. AAAA"]


async def test_what_is_kept_is_forgotten_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboarding.azure.dns.KEEP", -1.0)
    zone = dict(ORDINARY)
    async with scripted(zone) as lookup:
        await lookup.txt("gw.example.net", VALUE)
        zone["example.net.", "NS"] = "ns2.example.net."
        zone["ns2.example.net.", "A"] = "127.0.0.1"
        assert next(iter(await lookup.txt("gw.example.net", VALUE))).server == "ns2.example.net"


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
        answers = await lookup.txt("gw.example.net", VALUE)
    assert len([a for a in answers if a.authoritative]) <= SERVERS_OF_A_ZONE * 2 * ADDRESSES_OF_A_SERVER
    assert len({a.server.partition(" ")[0] for a in answers if a.authoritative}) == SERVERS_OF_A_ZONE
    assert len([q for q in asked if q.endswith((" A", " AAAA"))]) == 2 * SERVERS_OF_A_ZONE


async def test_of_zones_that_refer_to_ever_deeper_ones_some_are_asked() -> None:
    asked: list[str] = []
    name = dns.name.from_text("a.b.c.d.e.f.g.h.i.j.k.l.m.n.example.net.")

    def deeper(response: dns.message.Message, direct: bool) -> None:
        if direct:
            asked.append("again")
            response.flags &= ~dns.flags.AA
            below = name.split(3 + len(asked))[1]
            response.authority.append(dns.rrset.from_text(below, 60, "IN", "NS", "ns1.example.net."))

    async with scripted(ORDINARY, deeper) as lookup:
        (answer,) = await lookup.txt(name.to_text(omit_final_dot=True), VALUE)
    assert answer.error == "it does not serve the zone (its answer is not authoritative)"
    assert len(asked) == REFERRALS + 1


async def test_a_look_ends_in_its_time_with_what_was_answered_until_then() -> None:
    def silent(response: dns.message.Message, direct: bool) -> bool:
        return not direct

    async with scripted(HOSTILE, silent, timeout=50.0, look_timeout=0.3) as lookup:
        answers = await lookup.txt("gw.example.net", VALUE)
    assert [(a.values, a.error) for a in answers] == [((), "not all of its servers answered within 0.3 s")]
    assert gw_kind(answers) is TxtKind.BLIND


async def test_a_server_that_keeps_silent_is_left_alone_for_a_while() -> None:
    now, heard, speaks = [0.0], 0, False

    def count(response: dns.message.Message, direct: bool) -> bool:
        nonlocal heard
        heard += 1
        return speaks

    async with scripted(ORDINARY, count) as lookup:
        (server,) = lookup._finders
        silences, asking = Silences(lambda: now[0]), Asking(dns.name.from_text("gw.example.net."), "TXT", True)
        for _ in range(IN_A_ROW):
            with pytest.raises(UnansweredError, match="timeout"):
                await silences.ask(server, asking, 0.2)
        asked, speaks = heard, True
        with pytest.raises(UnansweredError, match="not asked: it left the last questions") as error:
            await silences.ask(server, asking, 0.2)
        assert (error.value.silent, heard) == (True, asked)
        now[0] += SPARED
        for _ in range(2):
            assert (await silences.ask(server, asking, 1.0)).answer
        assert heard == asked + 2


async def test_a_server_that_refuses_is_not_silent() -> None:
    def refuse(response: dns.message.Message, direct: bool) -> None:
        response.set_rcode(dns.rcode.REFUSED)

    async with scripted(ORDINARY, refuse) as lookup:
        (server,) = lookup._finders
        silences, asking = Silences(), Asking(dns.name.from_text("gw.example.net."), "TXT", True)
        for _ in range(IN_A_ROW + 1):
            with pytest.raises(UnansweredError, match="REFUSED"):
                await silences.ask(server, asking, 1.0)


async def test_a_server_that_is_not_on_the_internet_is_not_asked() -> None:
    direct_questions: list[dns.message.Message] = []

    def note(response: dns.message.Message, direct: bool) -> None:
        direct_questions.extend([response] if direct else [])

    async with scripted(ORDINARY, note, private=False) as lookup:
        (server,) = await lookup.txt("gw.example.net", VALUE)
    assert (server.server, server.authoritative) == ("ns1.example.net", True)
    assert server.error == "not asked: its address is not on the Internet"
    assert direct_questions == []
    assert "ns1.example.net (not asked: " in judge_txt_answers([server], VALUE, "gw.example.net").sentence
    assert gw_kind([server]) is TxtKind.FAILING, "Microsoft does not reach it either"


async def test_that_there_is_no_such_name_is_an_answer() -> None:
    def absent(response: dns.message.Message, direct: bool) -> None:
        if response.question[0].rdtype == dns.rdatatype.TXT:
            response.set_rcode(dns.rcode.NXDOMAIN)
            response.answer.clear()

    assert [(a.values, a.error) for a in await ask(ORDINARY, absent)] == [((), None)]


async def test_a_name_server_without_address_is_an_error() -> None:
    zone = {k: v for k, v in ORDINARY.items() if k[1] != "A"}
    answers = await ask(zone)
    assert answers[0].server == "ns1.example.net"
    assert answers[0].error == "its address was not found: it has none"


async def test_silence_over_ipv6_is_not_held_against_a_server_that_answers_over_ipv4() -> None:
    answers = await ask({**ORDINARY, ("ns1.example.net.", "AAAA"): "::1"})
    assert [(a.server, a.error) for a in answers if a.authoritative] == [("ns1.example.net (127.0.0.1)", None)]
    assert gw_kind(answers) is TxtKind.EVERYWHERE


async def test_a_server_reached_over_ipv6_alone_must_answer() -> None:
    zone = {k: v for k, v in ORDINARY.items() if k[1] != "A"} | {("ns1.example.net.", "AAAA"): "::1"}
    (authoritative,) = await ask(zone)
    assert authoritative.error
    assert gw_kind([authoritative]) is TxtKind.BLIND


async def test_a_value_that_is_not_utf8_is_shown_and_does_not_match() -> None:
    answers = await ask({**ORDINARY, ("gw.example.net.", "TXT"): '"\\255MS"'})
    assert [a.values for a in answers] == [("\ufffdMS",)]


async def test_nonsense_on_the_wire_is_a_timeout() -> None:
    loop = asyncio.get_running_loop()

    class Nonsense(Scripted):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self._transport.sendto(b"\x00" * 3, addr)
            self._transport.sendto(struct.pack(">HHHHHH", 0, 0x8400, 1, 9, 0, 0), addr)

    transport, _ = await loop.create_datagram_endpoint(lambda: Nonsense({}, lambda r, d: None), ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    answers = await DnsLookup([f"127.0.0.1:{port}"], timeout=0.2).txt("gw.example.net", VALUE)
    transport.close()
    assert [(a.values, a.silent) for a in answers] == [((), True)]


async def test_a_closed_port_is_an_error_and_nothing_is_raised() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    answers = await DnsLookup([f"127.0.0.1:{port}"], timeout=0.2).txt("gw.example.net", VALUE)
    assert [a.silent for a in answers] == [True]


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
