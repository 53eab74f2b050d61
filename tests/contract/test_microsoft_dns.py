"""DNS over UDP and TCP, asked with dnspython."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import httpx
import pytest

from sandbox.microsoft import Microsoft
from tests.contract.conftest import Graph

DOMAIN = "0123456789abcdef.commsgw.azure.com"


def resolver(microsoft: Microsoft, address: str | None = None) -> dns.asyncresolver.Resolver:
    made = dns.asyncresolver.Resolver(configure=False)
    made.nameservers = [address or microsoft.dns_address[0]]
    made.port = microsoft.dns_address[1]
    made.lifetime = 2
    return made


async def values(microsoft: Microsoft, address: str | None = None) -> list[str]:
    found = await resolver(microsoft, address).resolve(DOMAIN, "TXT")
    return [b"".join(record.strings).decode() for record in found]


async def authorities(microsoft: Microsoft) -> dict[str, str]:
    asked = resolver(microsoft)
    hosts = [str(record.target) for record in await asked.resolve("commsgw.azure.com", "NS")]
    return {host.split(".")[0]: (await asked.resolve(host, "A"))[0].address for host in hosts}


async def test_zone_and_name_servers(microsoft: Microsoft) -> None:
    zone = await dns.asyncresolver.zone_for_name(DOMAIN, resolver=resolver(microsoft))
    assert zone.to_text() == "commsgw.azure.com."
    assert set(await authorities(microsoft)) == {"ns1", "ns2"}
    with pytest.raises(dns.resolver.NoAnswer):
        await resolver(microsoft).resolve("ns1.commsgw.azure.com", "AAAA")


async def test_absent_names_and_absent_records_have_the_soa_as_authority(microsoft: Microsoft) -> None:
    host, port = microsoft.dns_address
    gateway = next(microsoft.world.arm.named("contoso-acg"))
    absent = await dns.asyncquery.udp(dns.message.make_query(DOMAIN, "TXT"), host, port=port, timeout=2)
    empty = await dns.asyncquery.udp(dns.message.make_query(gateway.domain, "TXT"), host, port=port, timeout=2)
    elsewhere = await dns.asyncquery.udp(dns.message.make_query("example.org", "TXT"), host, port=port, timeout=2)
    assert [answer.rcode() for answer in (absent, empty, elsewhere)] == [dns.rcode.NXDOMAIN, 0, dns.rcode.NXDOMAIN]
    for answer in (absent, empty):
        assert answer.authority[0].name.to_text() == "commsgw.azure.com."
        assert answer.authority[0].to_text().split()[3] == "SOA"


async def test_each_server_has_its_own_records(microsoft: Microsoft, control: httpx.AsyncClient) -> None:
    for server in ("ns1", "ns2", "resolver"):
        await control.put("/dns", json={"name": DOMAIN, "values": [f"MS=ms{server}"], "server": server})
    servers = await authorities(microsoft)
    if len(set(servers.values())) < 2:
        pytest.skip("this machine has one loopback address only")
    assert await values(microsoft) == ["MS=msresolver"]
    for server, address in servers.items():
        assert await values(microsoft, address) == [f"MS=ms{server}"]
    await control.put("/dns", json={"name": DOMAIN, "values": [], "server": "ns2"})
    with pytest.raises(dns.resolver.NXDOMAIN):
        await values(microsoft, servers["ns2"])


async def test_authoritative_servers_say_so_and_refuse_other_zones(microsoft: Microsoft) -> None:
    port = microsoft.dns_address[1]
    microsoft.world.records.put("*", DOMAIN, ["MS=ms1"])
    address = microsoft.world.records.addresses["ns1"]
    query = dns.message.make_query(DOMAIN, "TXT", flags=0)
    assert (await dns.asyncquery.udp(query, address, port=port, timeout=2)).flags & dns.flags.AA
    other = dns.message.make_query("example.org", "TXT", flags=0)
    assert (await dns.asyncquery.udp(other, address, port=port, timeout=2)).rcode() == dns.rcode.REFUSED
    recursive = dns.message.make_query(DOMAIN, "TXT")
    answer = await dns.asyncquery.udp(recursive, microsoft.dns_address[0], port=port, timeout=2)
    assert answer.flags & dns.flags.RA
    assert not answer.flags & dns.flags.AA


async def test_an_answer_too_large_for_udp_is_truncated_and_whole_over_tcp(microsoft: Microsoft) -> None:
    host, port = microsoft.dns_address
    long = ["MS=ms1", *(f'v=spf1 "{number}" ' + "x" * 300 for number in range(6))]
    microsoft.world.records.put("*", DOMAIN, long)
    query = dns.message.make_query(DOMAIN, "TXT", use_edns=False)
    assert (await dns.asyncquery.udp(query, host, port=port, timeout=2)).flags & dns.flags.TC
    whole = await dns.asyncquery.tcp(query, host, port=port, timeout=2)
    assert len(whole.answer[0]) == 7
    assert sorted(await values(microsoft)) == sorted(long), "the resolver falls back to TCP by itself"


@pytest.mark.parametrize("channel", ["mail", "mime", "teams"])
async def test_the_team_publishes_the_record_some_time_after_it_was_told(
    channel: str, microsoft: Microsoft, graph: Graph
) -> None:
    microsoft.world.options.update({"dnsDelay": 30})
    await graph.call("POST", "/domains", {"id": DOMAIN})
    records = (await graph.call("GET", f"/domains/{DOMAIN}/verificationDnsRecords")).json()["value"]
    text = f"Please publish {records[0]['text']} as TXT of {DOMAIN}."
    if channel == "mail":
        to = [{"emailAddress": {"address": "team@example.com"}}]
        body = {"message": {"body": {"contentType": "Text", "content": text}, "toRecipients": to}}
        await graph.call("POST", "/users/onboarding@contoso.com/sendMail", body)
    elif channel == "mime":
        mime = EmailMessage()
        mime["To"] = "team@example.com"
        mime.set_content(text)
        await graph.client.post(
            "/users/onboarding@contoso.com/sendMail",
            content=base64.b64encode(mime.as_bytes()),
            headers={"Content-Type": "text/plain"},
        )
    else:
        card = {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": text}]}
        content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        await graph.client.post(microsoft.teams_url, json={"type": "message", "attachments": [content]})
    microsoft.world.clock.advance(29)
    with pytest.raises(dns.resolver.NXDOMAIN):
        await values(microsoft)
    microsoft.world.clock.advance(1)
    assert await values(microsoft) == [records[0]["text"]]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("servfail", dns.resolver.NoNameservers),
        ("refused", dns.resolver.NoNameservers),
        ("hang", dns.exception.Timeout),
    ],
)
async def test_faults(kind: str, expected: type[Exception], microsoft: Microsoft, control: httpx.AsyncClient) -> None:
    microsoft.world.records.put("*", DOMAIN, ["MS=ms1"])
    await control.post(
        "/faults", json={"kind": kind, "service": "dns", "method": "TXT", "server": "resolver", "times": None}
    )
    asked = resolver(microsoft)
    asked.lifetime = 0.3
    with pytest.raises(expected):
        await asked.resolve(DOMAIN, "TXT")
    assert microsoft.world.journal.entries[-1].fault == kind
    await control.delete("/faults")
    assert await values(microsoft) == ["MS=ms1"]


async def test_a_truncating_server_is_asked_over_tcp(microsoft: Microsoft, control: httpx.AsyncClient) -> None:
    microsoft.world.records.put("*", DOMAIN, ["MS=ms1"])
    await control.post("/faults", json={"kind": "truncate", "service": "dns", "times": None})
    assert await values(microsoft) == ["MS=ms1"]
