"""What every port `Dns` does: run for the twin in memory and for real queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from onboarding.ports import Dns, TxtAnswer
from onboarding.steps.txt_verdict import judge_txt_answers

NAME = "contoso.commsgw.azure.com"
VALUE = "MS=ms12345678"


class Zone(Protocol):
    """How a test sets what the servers say. Servers are `ns1`, `ns2` and `resolver`."""

    def publish(self, server: str, *values: str) -> None:
        """Set the TXT values of NAME on one server, or on all with `*`."""

    def break_down(self, server: str) -> None:
        """Let that server answer SERVFAIL from now on."""


def seen(answers: Sequence[TxtAnswer]) -> list[tuple[bool, tuple[str, ...], bool]]:
    """(authoritative, values, whether it answered) of each."""
    return [(a.authoritative, a.values, a.error is None) for a in answers]


class DnsBehaviour:
    """Subclasses give fixtures `dns` and `zone`: two authoritative servers and a public resolver, without records."""

    async def test_no_record_is_an_empty_answer_of_every_server(self, dns: Dns, zone: Zone) -> None:
        assert seen(await dns.txt(NAME)) == [(True, (), True), (True, (), True), (False, (), True)]

    async def test_each_server_says_what_it_has(self, dns: Dns, zone: Zone) -> None:
        zone.publish("ns1", VALUE)
        zone.publish("ns2", "v=spf1 -all", VALUE)
        first, second, public = await dns.txt(NAME)
        assert first.values == (VALUE,)
        assert set(second.values) == {VALUE, "v=spf1 -all"}
        assert public.values == ()
        assert len({first.server, second.server, public.server}) == 3
        assert not judge_txt_answers([first, second, public], VALUE, NAME).visible

    async def test_visible_when_all_have_it_whatever_the_case_of_the_name(self, dns: Dns, zone: Zone) -> None:
        zone.publish("*", VALUE)
        assert judge_txt_answers(await dns.txt(NAME.upper()), VALUE, NAME).visible

    async def test_a_server_that_fails_is_an_answer_too(self, dns: Dns, zone: Zone) -> None:
        zone.publish("*", VALUE)
        zone.break_down("ns2")
        answers = await dns.txt(NAME)
        assert seen(answers) == [(True, (VALUE,), True), (True, (), False), (False, (VALUE,), True)]
        assert "SERVFAIL" in str(answers[1].error)
