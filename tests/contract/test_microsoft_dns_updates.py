"""Signed updates (RFC 2136, TSIG), as the product's own adapter sends them, and as a server refuses them."""

from __future__ import annotations

from typing import Any

import dns.asyncquery
import dns.message
import dns.rcode
import dns.tsig
import dns.update
import httpx
import pytest

from onboarding.azure.dns import DnsLookup
from onboarding.azure.dns_update import DnsUpdater
from onboarding.azure.update_server import UpdateServer
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import StepProblemError
from onboarding.ports import TxtRecord
from onboarding.steps.txt_verdict import TxtKind, judge_txt_answers
from sandbox.microsoft import Microsoft
from sandbox.microsoft.world import read_seed
from sandbox.ports import Ports
from sandbox.settings import UPDATED_SERVER, update_server

UPDATES = read_seed()["dnsUpdates"]
NAME, VALUE = "edge.contoso.example", "MS=ms12345678"


def updater(microsoft: Microsoft, secret: str = UPDATES["key"]["secret"], **changes: Any) -> DnsUpdater:
    values = update_server(Ports(dns=microsoft.dns_address[1]), UPDATES) | changes
    server = UpdateServer.model_validate(values)
    return DnsUpdater({UPDATED_SERVER: server}, {server.key: secret}, 5)


def record(value: str = VALUE, name: str = NAME) -> TxtRecord:
    return TxtRecord(name=name, value=value, ttl=3600)


async def refused(of: Any) -> StepProblemError:
    with pytest.raises(StepProblemError) as caught:
        await of
    return caught.value


async def test_a_signed_update_adds_a_record_beside_those_that_are_there(microsoft: Microsoft) -> None:
    microsoft.world.records.put("*", NAME, ["v=spf1 -all"])
    await updater(microsoft).update_txt(UPDATED_SERVER, record())
    await updater(microsoft).update_txt(UPDATED_SERVER, record())
    assert sorted((await updater(microsoft).txt_at(UPDATED_SERVER, NAME)).values) == sorted(("v=spf1 -all", VALUE))
    host, port = microsoft.dns_address
    lookup = DnsLookup([f"{host}:{port}"], authoritative_port=port, timeout=5, private=True)
    assert judge_txt_answers(await lookup.txt(NAME, VALUE), VALUE, NAME).kind is TxtKind.EVERYWHERE


async def test_secondaries_have_it_later(microsoft: Microsoft) -> None:
    microsoft.world.options.update({"dnsDelay": 30})
    await updater(microsoft).update_txt(UPDATED_SERVER, record())
    assert [microsoft.world.records.values(server, NAME) for server in ("ns1", "ns2")] == [{VALUE}, set()]
    microsoft.world.clock.advance(31)
    assert microsoft.world.records.values("resolver", NAME) == {VALUE}
    microsoft.world.options.update({"dnsDelay": None})
    await updater(microsoft).update_txt(UPDATED_SERVER, record("MS=ms2"))
    microsoft.world.clock.advance(31)
    assert microsoft.world.records.values("ns2", NAME) == {VALUE}


@pytest.mark.parametrize("answer", ["BADKEY", "BADSIG", "BADTIME"])
async def test_a_key_that_does_not_hold(answer: str, microsoft: Microsoft, control: httpx.AsyncClient) -> None:
    await control.put("/options", json={"dnsKey": answer})
    problem = await refused(updater(microsoft).update_txt(UPDATED_SERVER, record()))
    assert problem.code is ProblemCode.DNS_KEY_REFUSED
    assert answer in str(problem)


async def test_a_wrong_secret_and_a_key_that_nobody_knows(microsoft: Microsoft) -> None:
    wrong = updater(microsoft, "b3RoZXI=").txt_at(UPDATED_SERVER, NAME)
    assert "BADSIG" in str(await refused(wrong))
    unknown = updater(microsoft, key="somebody.else").txt_at(UPDATED_SERVER, NAME)
    assert "BADKEY" in str(await refused(unknown))


async def test_an_alias_at_the_name_is_told(microsoft: Microsoft) -> None:
    microsoft.world.records.lead(NAME, "elsewhere.example")
    problem = await refused(updater(microsoft).update_txt(UPDATED_SERVER, record()))
    assert problem.code is ProblemCode.TXT_NAME_TAKEN


async def test_a_fault_strikes_updates_alone(microsoft: Microsoft, control: httpx.AsyncClient) -> None:
    fault = {"kind": "refused", "service": "dns", "method": "UPDATE"}
    await control.post("/faults", json=fault)
    assert (await updater(microsoft).txt_at(UPDATED_SERVER, NAME)).values == ()
    problem = await refused(updater(microsoft).update_txt(UPDATED_SERVER, record()))
    assert problem.code is ProblemCode.DNS_UPDATE_REFUSED


async def sent(microsoft: Microsoft, update: dns.update.UpdateMessage, *, signed: bool = True) -> str:
    key = UPDATES["key"]
    if signed:
        update.use_tsig(dns.tsig.Key(key["name"], key["secret"], key["algorithm"]))
    host, port = microsoft.dns_address
    return dns.rcode.to_text((await dns.asyncquery.udp(update, host, port=port, timeout=2)).rcode())


async def test_what_the_primary_refuses(microsoft: Microsoft) -> None:
    txt = ("TXT", '"x"')
    unsigned = dns.update.UpdateMessage("contoso.example")
    unsigned.add("edge", 60, *txt)
    assert await sent(microsoft, unsigned, signed=False) == "REFUSED"
    other = dns.update.UpdateMessage("elsewhere.example")
    other.add("edge", 60, *txt)
    assert await sent(microsoft, other) == "NOTAUTH"
    outside = dns.update.UpdateMessage("contoso.example")
    outside.add("edge.example.org.", 60, *txt)
    assert await sent(microsoft, outside) == "NOTZONE"
    address = dns.update.UpdateMessage("contoso.example")
    address.add("edge", 60, "A", "192.0.2.1")
    assert await sent(microsoft, address) == "REFUSED"
    missing = dns.update.UpdateMessage("contoso.example")
    missing.present("edge", "TXT")
    missing.add("edge", 60, *txt)
    assert await sent(microsoft, missing) == "NXRRSET"
    exact = dns.update.UpdateMessage("contoso.example")
    exact.present("edge", *txt)
    exact.add("edge", 60, *txt)
    assert await sent(microsoft, exact) == "NOTIMP"
    assert microsoft.world.records.values("ns1", NAME) == set()


async def test_records_are_taken_away(microsoft: Microsoft) -> None:
    microsoft.world.records.put("*", NAME, ["one", "two"])
    one = dns.update.UpdateMessage("contoso.example")
    one.delete("edge", "TXT", '"one"')
    assert await sent(microsoft, one) == "NOERROR"
    assert microsoft.world.records.values("ns2", NAME) == {"two"}
    every = dns.update.UpdateMessage("contoso.example")
    every.delete("edge", "TXT")
    assert await sent(microsoft, every) == "NOERROR"
    assert microsoft.world.records.values("ns1", NAME) == set()
