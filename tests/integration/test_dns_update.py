"""Updates by RFC 2136 and TSIG, and what is seen of a zone, with a real DNS server: BIND.

It knows nothing of this program, so it says what the simulator can't: what the protocol is.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator
from typing import Any

import dns.message
import dns.tsig
import pytest
from dns import asyncquery

from onboarding.azure.dns import DnsLookup
from onboarding.azure.dns_update import DnsUpdater
from onboarding.azure.update_server import UpdateServer
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError
from onboarding.ports import Delegation, TxtRecord
from onboarding.steps.txt_verdict import TxtKind, judge_txt_answers
from tests.support.named import ADDRESS, CHILD, KEY, READER, READERS_SECRET, SECRET, ZONE, Named, running_named

pytestmark = pytest.mark.xdist_group("bind")
VALUE = "MS=ms12345678"
SPF = "v=spf1 -all"


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Named]:
    with running_named(tmp_path_factory.mktemp("named")) as server:
        yield server


def record(name: str, value: str = VALUE, ttl: int = 3600) -> TxtRecord:
    return TxtRecord(name=name, value=value, ttl=ttl)


def updater(named: Named, *, timeout: float = 10.0, secret: str = SECRET, **changes: Any) -> DnsUpdater:
    values = {"address": ADDRESS, "port": named.port, "zones": [ZONE, CHILD], "key": KEY, **changes}
    server = UpdateServer.model_validate(values)
    return DnsUpdater({"corp": server}, {KEY: secret, READER: READERS_SECRET, "stranger": SECRET}, timeout)


def lookup(named: Named) -> DnsLookup:
    return DnsLookup([named.resolver], authoritative_port=named.port, timeout=5.0, private=True)


async def problem(of: Any) -> StepProblemError:
    with pytest.raises(StepProblemError) as caught:
        await of
    assert SECRET not in f"{caught.value} {caught.value.what_next}"
    return caught.value


# -- what it adds


async def test_a_record_is_added_and_everybody_sees_it(named: Named) -> None:
    name = f"added.{ZONE}"
    assert (await updater(named).txt_at("corp", name)).values == ()
    await updater(named).update_txt("corp", record(name))
    assert (await updater(named).txt_at("corp", name)).values == (VALUE,)
    answers = await lookup(named).txt(name, VALUE)
    assert judge_txt_answers(answers, VALUE, name).kind is TxtKind.EVERYWHERE


async def test_what_stands_there_stays_with_its_ttl(named: Named) -> None:
    """A set has one TTL: a server gives that of what is added to all that is there."""
    await updater(named).update_txt("corp", record(ZONE, ttl=60))
    there = await updater(named).txt_at("corp", ZONE)
    assert sorted(there.values) == sorted((SPF, VALUE))
    query = dns.message.make_query(ZONE, "TXT", flags=0)
    answer = await asyncquery.udp(query, ADDRESS, 5, named.port)
    assert answer.answer[0].ttl == 900


async def test_twice_is_once(named: Named) -> None:
    """So it is for a function that was killed after the update, before it could say so."""
    for _ in range(2):
        await updater(named).update_txt("corp", record(f"twice.{ZONE}"))
    assert (await updater(named).txt_at("corp", f"twice.{ZONE}")).values == (VALUE,)


async def test_many_at_once_lose_none(named: Named) -> None:
    name = f"many.{ZONE}"
    values = [f"MS=ms{n}" for n in range(10)]
    await asyncio.gather(*(updater(named).update_txt("corp", record(name, value)) for value in values))
    assert sorted((await updater(named).txt_at("corp", name)).values) == values


async def test_a_long_value_is_cut_and_joined(named: Named) -> None:
    long = "MS=" + "x" * 600
    await updater(named).update_txt("corp", TxtRecord.model_construct(name=f"long.{ZONE}", value=long, ttl=60))
    assert (await updater(named).txt_at("corp", f"long.{ZONE}")).values == (long,)


async def test_the_longest_of_its_zones_is_sent_the_update(named: Named) -> None:
    assert await updater(named).zone_at("corp", f"a.{CHILD}") == CHILD
    await updater(named).update_txt("corp", record(f"a.{CHILD}"))
    assert (await updater(named).txt_at("corp", f"a.{CHILD}")).values == (VALUE,)


async def test_a_set_that_is_too_long_for_udp_comes_by_tcp(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    by_tcp: list[str] = []
    ask = asyncquery.tcp

    async def noted(query: dns.message.Message, where: str, *more: Any, **named_too: Any) -> dns.message.Message:
        by_tcp.append(where)
        return await ask(query, where, *more, **named_too)

    monkeypatch.setattr(asyncquery, "tcp", noted)
    await updater(named).update_txt("corp", record(f"big.{ZONE}"))
    assert len((await updater(named).txt_at("corp", f"big.{ZONE}")).values) == 10
    assert by_tcp


# -- what it refuses


async def test_a_key_that_the_server_does_not_know(named: Named) -> None:
    told = await problem(updater(named, key="stranger").update_txt("corp", record(ZONE)))
    assert told.code == ProblemCode.DNS_KEY_REFUSED
    assert "does not know the key that signs it, BADKEY (key stranger, hmac-sha256)" in told.seen
    assert "add the TXT record that is shown with this step by hand" in told.what_next


async def test_a_secret_that_is_another(named: Named) -> None:
    wrong = base64.b64encode(b"something else").decode()
    told = await problem(updater(named, secret=wrong).update_txt("corp", record(ZONE)))
    assert told.code == ProblemCode.DNS_KEY_REFUSED
    assert "says that the signature is wrong, BADSIG" in told.seen
    assert wrong not in f"{told} {told.what_next}"


async def test_an_algorithm_that_is_another(named: Named) -> None:
    told = await problem(updater(named, algorithm="hmac-sha512").txt_at("corp", ZONE))
    assert told.code == ProblemCode.DNS_KEY_REFUSED
    assert "hmac-sha512" in told.seen


@pytest.mark.parametrize("off", [-3600, 3600])
async def test_a_clock_that_is_wrong(named: Named, monkeypatch: pytest.MonkeyPatch, off: int) -> None:
    now = time.time
    monkeypatch.setattr("dns.message.time.time", lambda: now() + off)
    told = await problem(updater(named).update_txt("corp", record(ZONE)))
    assert told.code == ProblemCode.DNS_KEY_REFUSED
    assert "says that the signature is of another time, BADTIME" in told.seen
    assert "have its clock set" in told.what_next


async def test_a_key_that_may_not_update(named: Named) -> None:
    reader = updater(named, key=READER, algorithm="hmac-sha512")
    assert SPF in (await reader.txt_at("corp", ZONE)).values
    told = await problem(reader.update_txt("corp", record(f"refused.{ZONE}")))
    assert isinstance(told, PersonMustActError)
    assert told.code == ProblemCode.DNS_UPDATE_REFUSED
    assert "answered REFUSED" in told.seen
    assert f"grant the key {READER} to add TXT records in {ZONE}, {CHILD}" in told.what_next


async def test_a_zone_that_the_server_does_not_have(named: Named) -> None:
    told = await problem(updater(named, zones=["fabrikam.test"]).txt_at("corp", "fabrikam.test"))
    assert (told.code, "answered REFUSED" in told.seen) == (ProblemCode.DNS_UPDATE_REFUSED, True)


async def test_a_zone_that_is_none_on_the_server(named: Named) -> None:
    told = await problem(updater(named, zones=[f"sub.{ZONE}"]).update_txt("corp", record(f"sub.{ZONE}")))
    assert told.code == ProblemCode.DNS_UPDATE_REFUSED
    assert "answered NOTAUTH: it is not authoritative for the zone" in told.seen
    assert f"is the primary of sub.{ZONE}" in told.what_next


async def test_an_alias_at_the_name(named: Named) -> None:
    """Servers pass over what is added beside one, and say that all is well."""
    there = await updater(named).txt_at("corp", f"www.{ZONE}")
    assert (there.values, there.alias) == ((), "elsewhere.example")
    told = await problem(updater(named).update_txt("corp", record(f"www.{ZONE}")))
    assert told.code == ProblemCode.TXT_NAME_TAKEN
    assert "answered YXRRSET: an alias (CNAME) stands at that name" in told.seen


async def test_a_server_that_is_not_in_the_settings(named: Named) -> None:
    told = await problem(updater(named).zone_at("lab", ZONE))
    assert told.code == ProblemCode.DNS_ZONE_UNKNOWN
    assert told.seen == "The request names the DNS server 'lab', but ONBOARDING_DNS_SERVERS has 'corp'."


async def test_a_domain_that_is_in_none_of_its_zones(named: Named) -> None:
    told = await problem(updater(named).zone_at("corp", "fabrikam.test"))
    assert told.code == ProblemCode.DNS_ZONE_WRONG
    assert told.seen.endswith(f"in none of the zones of the DNS server 'corp': {ZONE}, {CHILD}.")


async def test_a_server_that_is_not_there(named: Named) -> None:
    told = await problem(updater(named, address="127.0.0.9", timeout=0.2).update_txt("corp", record(ZONE)))
    assert isinstance(told, TryLaterError)
    assert told.code in (ProblemCode.TIMEOUT, ProblemCode.NO_ANSWER)
    assert "asked to say which TXT records stand at contoso.test" in told.seen


async def test_an_answer_that_is_not_signed_is_not_believed(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    send = asyncquery.udp_with_fallback

    async def unsigned(query: dns.message.Message, *where: Any, **more: Any) -> tuple[dns.message.Message, bool]:
        await send(query, *where, **more)
        return dns.message.make_response(dns.message.make_query(ZONE, "TXT")), False

    monkeypatch.setattr(asyncquery, "udp_with_fallback", unsigned)
    told = await problem(updater(named).txt_at("corp", ZONE))
    assert told.code == ProblemCode.DNS_KEY_REFUSED
    assert "not signed, or wrongly, so it is not believed" in told.seen


# -- what everybody sees of its zones


async def test_a_zones_servers_are_seen(named: Named) -> None:
    assert await lookup(named).delegation(f"x.{ZONE}") == Delegation(ZONE, (f"ns1.{ZONE}",))


async def test_a_zone_below_on_the_same_server_is_seen(named: Named) -> None:
    """Nobody is referred to it, as whoever asks is there already: its SOA record alone tells."""
    for name in (CHILD, f"y.{CHILD}"):
        assert await lookup(named).delegation(name) == Delegation(CHILD, (f"ns1.{ZONE}",))


async def test_an_alias_is_seen(named: Named) -> None:
    found = await lookup(named).delegation(f"www.{ZONE}")
    assert found is not None
    assert (found.zone, found.alias) == (ZONE, "elsewhere.example")


@pytest.mark.parametrize("seen_before", [True, False])
async def test_the_zone_of_an_alias_is_the_same_whatever_was_looked_at_before(named: Named, seen_before: bool) -> None:
    """An alias hides the SOA record that tells a zone below on the same server."""
    dns = lookup(named)
    if seen_before:
        await dns.addresses(f"sbc1.{CHILD}")
        await dns.delegation(CHILD)
    assert await dns.delegation(f"www.{CHILD}") == Delegation(CHILD, (f"ns1.{ZONE}",), "elsewhere.example")


async def test_what_cannot_be_seen_is_none(named: Named) -> None:
    assert await lookup(named).delegation("www.fabrikam.test") is None
    assert await lookup(named).delegation("x" * 70 + ".test") is None


async def test_a_long_answer_of_a_real_server_and_one_without_the_value(named: Named) -> None:
    answers = await lookup(named).txt(f"big.{ZONE}", "0" * 200)
    assert judge_txt_answers(answers, "0" * 200, f"big.{ZONE}").kind is TxtKind.EVERYWHERE
    nothing = await lookup(named).txt(f"nothing.{ZONE}", VALUE)
    assert judge_txt_answers(nothing, VALUE, f"nothing.{ZONE}").kind is TxtKind.NOTHING_YET
