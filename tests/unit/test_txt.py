"""What the answers about a TXT record come to, and what people are told of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.ports import TxtAnswer
from onboarding.steps.txt_verdict import SENTENCE_LENGTH, TxtKind, judge_txt_answers

NAME = "contoso.commsgw.azure.com"
VALUE = "MS=ms12345678"


def ns(number: int, *values: str, error: str | None = None) -> TxtAnswer:
    return TxtAnswer(f"ns{number}.example.net", True, values, error)


def public(*values: str, error: str | None = None) -> TxtAnswer:
    return TxtAnswer("1.1.1.1", False, values, error)


def judged(*answers: TxtAnswer) -> tuple[TxtKind, str]:
    verdict = judge_txt_answers(answers, VALUE, NAME)
    return verdict.kind, verdict.sentence


def silent(number: int) -> TxtAnswer:
    return TxtAnswer(f"ns{number}.example.net", True, error="timeout", silent=True)


def alias(number: int, *values: str) -> TxtAnswer:
    return TxtAnswer(f"ns{number}.example.net", True, values, alias="end.example.org")


def test_everywhere_when_every_server_has_it_among_others() -> None:
    kind, said = judged(ns(1, VALUE), ns(2, "v=spf1 -all", VALUE), public(VALUE))
    assert kind is TxtKind.EVERYWHERE
    assert said == f"The TXT record at {NAME} is visible on all 3 servers."


def test_one_authoritative_server_is_enough_where_there_is_one() -> None:
    assert judged(ns(1, VALUE)) == (TxtKind.EVERYWHERE, f"The TXT record at {NAME} is visible on the one server asked.")


def test_public_resolvers_alone_are_not_enough() -> None:
    assert judged(public(VALUE))[0] is TxtKind.BLIND
    assert judged() == (TxtKind.BLIND, f'No answer from any DNS server; expected "{VALUE}" at {NAME}.')


@pytest.mark.parametrize("why", ["REFUSED", "SERVFAIL", "its address was not found: it has none", "timeout"])
def test_one_name_server_that_does_not_answer_makes_nobody_wait_for_ever(why: str) -> None:
    kind, said = judged(ns(1, VALUE), ns(2, error=why), public(VALUE))
    assert kind is TxtKind.SOMEWHERE
    assert said == (
        f"The TXT record at {NAME} is visible on ns1.example.net, 1.1.1.1; no answer from ns2.example.net ({why})."
    )


def test_one_blocked_public_resolver_makes_nobody_wait_at_all() -> None:
    kind, said = judged(ns(1, VALUE), ns(2, VALUE), public(error="timeout"))
    assert kind is TxtKind.EVERYWHERE
    assert said.endswith("; no answer from 1.1.1.1 (timeout).")


def test_a_resolver_that_keeps_an_old_answer_makes_wait_for_a_while() -> None:
    kind, said = judged(ns(1, VALUE), public())
    assert kind is TxtKind.SOMEWHERE
    assert said.endswith("; 1.1.1.1 may keep for a while that it was not there (no TXT record).")


def test_a_secondary_that_lags_behind_contradicts() -> None:
    kind, said = judged(ns(1, VALUE), ns(2, "old", "older"), ns(3), ns(4, error="SERVFAIL"))
    assert kind is TxtKind.CONTRADICTED
    assert said == (
        f'1 of the 3 servers of the zone that answer have the value "{VALUE}" at {NAME}; still missing: ns2.example.net'
        ' ("old" and 1 more), ns3.example.net (no TXT record). All of them must have it: see that the zone is carried'
        " over to these."
    )


def test_no_record_anywhere() -> None:
    said = f'No TXT record found at {NAME} by ns1.example.net, ns2.example.net; expected "{VALUE}".'
    assert judged(ns(1), ns(2)) == (TxtKind.NOTHING_YET, said)


def test_what_has_nothing_to_do_with_it_is_no_wrong_value() -> None:
    kind, said = judged(ns(1, "v=spf1 -all", "google-site-verification=x"), ns(2, error="SERVFAIL"))
    assert kind is TxtKind.NOTHING_YET
    assert said == (
        f'No TXT record found at {NAME} by ns1.example.net; expected "{VALUE}", beside "v=spf1 -all" and the like;'
        " no answer from ns2.example.net (SERVFAIL)."
    )


@pytest.mark.parametrize("value", ["MS=ms1", "ms12345678", f'"{VALUE}"', f"{VALUE} ", VALUE.lower(), "TXT ms12345678"])
def test_a_value_that_was_meant_is_wrong(value: str) -> None:
    kind, said = judged(ns(1, value), ns(2))
    assert kind is TxtKind.WRONG_VALUE
    assert said == (
        f'Wrong TXT record "{value}" at {NAME} on ns1.example.net, expected "{VALUE}"; no TXT record found at {NAME} by'
        " ns2.example.net."
    )


def test_a_stale_value_is_named_before_unrelated_records() -> None:
    kind, said = judged(ns(1, "v=spf1 -all", "a", "MS=ms00000001"))
    assert kind is TxtKind.WRONG_VALUE
    assert said == f'Wrong TXT record "MS=ms00000001" (and 2 more) at {NAME} on ns1.example.net, expected "{VALUE}".'


def test_a_panel_that_appends_the_zones_name() -> None:
    doubled = TxtAnswer("ns1.example.net", True, stands_at=f"{NAME}.azure.com")
    kind, said = judged(doubled, ns(2))
    assert kind is TxtKind.WRONG_NAME
    assert said == (
        f'The TXT record "{VALUE}" stands at {NAME}.azure.com in place of {NAME}: the zone\'s name was appended to it.'
        " Enter the name without the zone's, or with a dot at its end."
    )


def test_an_alias_at_the_name_is_a_finding_of_its_own() -> None:
    kind, said = judged(alias(1), alias(2))
    assert kind is TxtKind.ALIAS
    assert said == (
        f'No TXT record found at {NAME} by ns1.example.net, ns2.example.net, expected "{VALUE}". An alias (CNAME) at'
        " the name leads to end.example.org, and nothing beside it counts: put the TXT record at end.example.org, or"
        " remove the alias."
    )
    assert judged(alias(1, "MS=ms1"))[1].startswith(f'Wrong TXT record "MS=ms1" at {NAME} on ns1.example.net')
    assert judged(alias(1, VALUE))[0] is TxtKind.EVERYWHERE


def test_an_alias_that_leads_nowhere() -> None:
    nowhere = TxtAnswer("the zone of end.example.org", True, error="it has none", alias="end.example.org")
    kind, said = judged(nowhere)
    assert kind is TxtKind.ALIAS
    assert said.endswith("or remove the alias; no answer from the zone of end.example.org (it has none).")


def test_nobody_answers_and_that_is_ours_to_mend() -> None:
    said = f'No answer from ns1.example.net (timeout), ns2.example.net (timeout); expected "{VALUE}" at {NAME}.'
    assert judged(silent(1), silent(2)) == (TxtKind.BLIND, said)


def test_a_refusal_shows_that_our_network_is_not_the_cause() -> None:
    said = f'No answer from ns1.example.net (REFUSED), ns2.example.net (timeout); expected "{VALUE}" at {NAME}.'
    assert judged(ns(1, error="REFUSED"), silent(2)) == (TxtKind.FAILING, said)


def test_the_value_must_be_exact() -> None:
    for almost in (VALUE.lower(), f" {VALUE}", f"{VALUE} ", f'"{VALUE}"', VALUE[:-1]):
        assert judged(ns(1, almost))[0] is TxtKind.WRONG_VALUE


def test_many_servers_are_shortened() -> None:
    said = judged(*(ns(n) for n in range(30)))[1]
    assert "ns7.example.net, and 22 more;" in said
    assert "ns8.example.net" not in said


ANSWERS = st.lists(
    st.builds(
        TxtAnswer,
        server=st.text(max_size=300),
        authoritative=st.booleans(),
        values=st.lists(st.one_of(st.just(VALUE), st.text(max_size=600)), max_size=5).map(tuple),
        error=st.one_of(st.none(), st.text(max_size=300)),
        silent=st.booleans(),
        alias=st.one_of(st.none(), st.text(max_size=300)),
        stands_at=st.one_of(st.none(), st.text(max_size=300)),
    ),
    max_size=20,
)


@given(ANSWERS)
def test_seen_means_that_a_server_of_the_zone_has_it_and_none_denies_it(answers: list[TxtAnswer]) -> None:
    zone = [a for a in answers if a.authoritative and a.error is None]
    seen = bool(zone) and all(VALUE in a.values for a in zone)
    kind = judge_txt_answers(answers, VALUE, NAME).kind
    assert (kind in (TxtKind.EVERYWHERE, TxtKind.SOMEWHERE)) == seen


@given(ANSWERS, st.text(max_size=400), st.text(max_size=400))
def test_the_sentence_is_one_line_of_bounded_length(answers: list[TxtAnswer], value: str, name: str) -> None:
    said = judge_txt_answers(answers, value, name).sentence
    assert 0 < len(said) <= SENTENCE_LENGTH
    assert said.isprintable()
