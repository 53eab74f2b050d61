"""When a TXT record counts as visible, and what people are told until then."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onboarding.ports import TxtAnswer
from onboarding.steps.txt_verdict import SENTENCE_LENGTH, judge_txt_answers

NAME = "contoso.commsgw.azure.com"
VALUE = "MS=ms12345678"


def ns(number: int, *values: str, error: str | None = None) -> TxtAnswer:
    return TxtAnswer(f"ns{number}.example.net", True, values, error)


def public(*values: str, error: str | None = None) -> TxtAnswer:
    return TxtAnswer("1.1.1.1", False, values, error)


def sentence(*answers: TxtAnswer) -> str:
    verdict = judge_txt_answers(answers, VALUE, NAME)
    assert not verdict.visible
    return verdict.sentence


def test_visible_when_every_server_has_it_among_others() -> None:
    verdict = judge_txt_answers([ns(1, VALUE), ns(2, "v=spf1 -all", VALUE), public(VALUE)], VALUE, NAME)
    assert verdict.visible
    assert verdict.sentence == f"The TXT record at {NAME} is visible on all 3 servers."


def test_one_authoritative_server_is_enough_where_there_is_one() -> None:
    verdict = judge_txt_answers([ns(1, VALUE)], VALUE, NAME)
    assert verdict.visible
    assert verdict.sentence == f"The TXT record at {NAME} is visible on the one server asked."


def test_public_resolvers_alone_are_not_enough() -> None:
    said = f'No authoritative DNS server of {NAME} was found; 1.1.1.1 answered. Expected "{VALUE}".'
    assert sentence(public(VALUE)) == said
    assert sentence() == f'No authoritative DNS server of {NAME} was found. Expected "{VALUE}".'


def test_no_record_anywhere() -> None:
    said = f'No TXT record found at {NAME} by ns1.example.net, ns2.example.net, 1.1.1.1; expected "{VALUE}".'
    assert sentence(ns(1), ns(2), public()) == said


def test_a_wrong_record() -> None:
    said = f'Wrong TXT record "MS=ms1" at {NAME} on ns1.example.net, 1.1.1.1, expected "{VALUE}".'
    assert sentence(ns(1, "MS=ms1"), public("MS=ms1")) == said


def test_wrong_records_are_counted_and_servers_without_any_are_named() -> None:
    said = (
        f'Wrong TXT record "a" (and 2 more) at {NAME} on ns1.example.net, ns2.example.net, expected "{VALUE}";'
        f" no TXT record found at {NAME} by 1.1.1.1."
    )
    assert sentence(ns(1, "a", "b"), ns(2, "c"), public()) == said


def test_some_have_it() -> None:
    said = (
        f'2 of 4 servers answer with the value "{VALUE}" at {NAME}; still missing:'
        ' ns2.example.net ("old" and 1 more), 1.1.1.1 (timeout).'
    )
    assert sentence(ns(1, VALUE), ns(2, "old", "older"), ns(3, VALUE), public(error="timeout")) == said


def test_nobody_answers() -> None:
    said = f'No answer from ns1.example.net (SERVFAIL), 1.1.1.1 (timeout); expected "{VALUE}" at {NAME}.'
    assert sentence(ns(1, error="SERVFAIL"), public(error="timeout")) == said


def test_the_value_must_be_exact() -> None:
    for almost in (VALUE.lower(), f" {VALUE}", f"{VALUE} ", f'"{VALUE}"', VALUE[:-1]):
        assert not judge_txt_answers([ns(1, almost)], VALUE, NAME).visible


def test_many_servers_are_shortened() -> None:
    said = sentence(*(ns(n) for n in range(30)))
    assert "ns7.example.net, and 22 more;" in said
    assert "ns8.example.net" not in said


ANSWERS = st.lists(
    st.builds(
        TxtAnswer,
        server=st.text(max_size=300),
        authoritative=st.booleans(),
        values=st.lists(st.one_of(st.just(VALUE), st.text(max_size=600)), max_size=5).map(tuple),
        error=st.one_of(st.none(), st.text(max_size=300)),
    ),
    max_size=20,
)


@given(ANSWERS)
def test_visible_means_that_everyone_asked_has_it(answers: list[TxtAnswer]) -> None:
    everyone = all(a.error is None and VALUE in a.values for a in answers)
    assert judge_txt_answers(answers, VALUE, NAME).visible == (everyone and any(a.authoritative for a in answers))


@given(ANSWERS, st.text(max_size=400), st.text(max_size=400))
def test_the_sentence_is_one_line_of_bounded_length(answers: list[TxtAnswer], value: str, name: str) -> None:
    said = judge_txt_answers(answers, value, name).sentence
    assert 0 < len(said) <= SENTENCE_LENGTH
    assert said.isprintable()
