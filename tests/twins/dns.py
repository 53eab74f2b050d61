"""What every port `Dns` does: run for the twin in memory and for real queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from onboarding.ports import Dns, TxtAnswer
from onboarding.steps.txt_verdict import TxtKind, judge_txt_answers

NAME = "contoso.commsgw.azure.com"
VALUE = "MS=ms12345678"


DOUBLED = f"{NAME}.commsgw.azure.com"
ELSEWHERE = "contoso.elsewhere.example"


class Zone(Protocol):
    """How a test sets what the servers say. Servers are `ns1`, `ns2` and `resolver`."""

    def publish(self, server: str, *values: str) -> None:
        """Set the TXT values of NAME on one server, or on all with `*`."""

    def publish_at(self, name: str, *values: str) -> None:
        """Set the TXT values of another name on all."""

    def lead(self, name: str) -> None:
        """An alias at NAME leads there."""

    def break_down(self, server: str) -> None:
        """Let that server answer SERVFAIL from now on."""

    def silence(self, server: str) -> None:
        """Let that server answer nothing from now on."""


def seen(answers: Sequence[TxtAnswer]) -> list[tuple[bool, tuple[str, ...], bool]]:
    """(authoritative, values, whether it answered) of each."""
    return [(a.authoritative, a.values, a.error is None) for a in answers]


def kind_of(answers: Sequence[TxtAnswer]) -> TxtKind:
    """What the answers come to."""
    return judge_txt_answers(answers, VALUE, NAME).kind


class DnsBehaviour:
    """Subclasses give fixtures `dns` and `zone`: two authoritative servers and a public resolver, without records."""

    async def test_no_record_is_an_empty_answer_of_every_server_of_the_zone(self, dns: Dns, zone: Zone) -> None:
        answers = await dns.txt(NAME, VALUE)
        assert seen(answers) == [(True, (), True), (True, (), True)]
        assert kind_of(answers) is TxtKind.NOTHING_YET

    async def test_each_server_says_what_it_has(self, dns: Dns, zone: Zone) -> None:
        zone.publish("ns1", VALUE)
        zone.publish("ns2", "v=spf1 -all", VALUE)
        answers = await dns.txt(NAME, VALUE)
        first, second, public = answers
        assert first.values == (VALUE,)
        assert set(second.values) == {VALUE, "v=spf1 -all"}
        assert public.values == ()
        assert len({first.server, second.server, public.server}) == 3
        assert kind_of(answers) is TxtKind.SOMEWHERE

    async def test_public_resolvers_are_asked_only_once_the_zones_own_servers_have_it(
        self, dns: Dns, zone: Zone
    ) -> None:
        zone.publish("ns1", VALUE)
        answers = await dns.txt(NAME, VALUE)
        assert seen(answers) == [(True, (VALUE,), True), (True, (), True)]
        assert kind_of(answers) is TxtKind.CONTRADICTED
        zone.publish("*", VALUE)
        assert seen(await dns.txt(NAME, VALUE))[2:] == [(False, (VALUE,), True)]

    async def test_seen_when_all_have_it_whatever_the_case_of_the_name(self, dns: Dns, zone: Zone) -> None:
        zone.publish("*", VALUE)
        assert kind_of(await dns.txt(NAME.upper(), VALUE)) is TxtKind.EVERYWHERE

    async def test_a_server_that_fails_is_an_answer_too_and_holds_nothing_up(self, dns: Dns, zone: Zone) -> None:
        zone.publish("*", VALUE)
        zone.break_down("ns2")
        answers = await dns.txt(NAME, VALUE)
        assert seen(answers) == [(True, (VALUE,), True), (True, (), False), (False, (VALUE,), True)]
        assert "SERVFAIL" in str(answers[1].error)
        assert not answers[1].silent
        assert kind_of(answers) is TxtKind.SOMEWHERE

    async def test_a_resolver_that_fails_holds_nothing_up(self, dns: Dns, zone: Zone) -> None:
        zone.publish("*", VALUE)
        zone.break_down("resolver")
        assert kind_of(await dns.txt(NAME, VALUE)) is TxtKind.EVERYWHERE

    async def test_silence_of_all_is_not_said_to_be_the_zones_fault(self, dns: Dns, zone: Zone) -> None:
        zone.publish("*", VALUE)
        for server in ("ns1", "ns2"):
            zone.silence(server)
        answers = await dns.txt(NAME, VALUE)
        assert [a.silent for a in answers] == [True, True]
        assert kind_of(answers) is TxtKind.BLIND

    async def test_a_value_at_the_name_with_the_zones_name_doubled_is_found(self, dns: Dns, zone: Zone) -> None:
        zone.publish_at(DOUBLED, VALUE)
        answers = await dns.txt(NAME, VALUE)
        assert answers[0].stands_at == DOUBLED
        assert kind_of(answers) is TxtKind.WRONG_NAME

    async def test_an_alias_into_another_zone_is_followed(self, dns: Dns, zone: Zone) -> None:
        zone.lead(ELSEWHERE)
        answers = await dns.txt(NAME, VALUE)
        assert {a.alias for a in answers} == {ELSEWHERE}
        assert kind_of(answers) is TxtKind.ALIAS
        zone.publish_at(ELSEWHERE, VALUE)
        assert kind_of(await dns.txt(NAME, VALUE)) is TxtKind.EVERYWHERE
