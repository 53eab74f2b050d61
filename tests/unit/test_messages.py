"""Queue messages: what is sent, what is understood, and what makes a message the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.events import Effect, Nudge, NudgeNotice
from onboarding.core.messages import (
    MESSAGE_ID_LENGTH,
    ForeignMessageError,
    decode,
    encode,
    is_ours,
    message_id,
    queue_of,
)
from onboarding.core.patterns import MESSAGE_SUBJECT, ONBOARDING_ID
from onboarding.steps import QUEUES, TASKS

ID = st.from_regex(ONBOARDING_ID, fullmatch=True)
SUBJECT = st.from_regex(MESSAGE_SUBJECT, fullmatch=True)
TICKET = st.integers(min_value=0, max_value=2**63 - 1)
EFFECTS: st.SearchStrategy[Effect] = st.one_of(
    st.builds(Nudge, ID, st.sampled_from([s.name for s in TASKS]), TICKET), st.builds(NudgeNotice, ID, SUBJECT, TICKET)
)


@given(EFFECTS)
def test_what_is_sent_is_understood(effect: Effect) -> None:
    assert decode(encode(effect)) == effect
    assert decode(encode(effect).decode()) == effect
    assert queue_of(effect) in QUEUES


@given(EFFECTS, EFFECTS)
def test_an_id_fits_and_is_the_same_only_for_the_same(one: Effect, other: Effect) -> None:
    assert len(message_id(one)) <= MESSAGE_ID_LENGTH
    if encode(one) == encode(other):
        assert message_id(one) == message_id(other)


def test_ids_of_long_notices_differ_by_notice_and_ticket() -> None:
    long = "checkpoint-opened:" + "x" * 150
    notices = [NudgeNotice("contoso-acg-0123456781", long + end, t) for end in "ab" for t in (1, 2)]
    assert len({message_id(n) for n in notices}) == 4
    assert all(message_id(n).startswith("contoso-acg-0123456781/") for n in notices)


def test_the_body_and_the_id_are_readable() -> None:
    nudge = Nudge("contoso-acg-0123456781", "add-domain", 7, after=30)
    assert json.loads(encode(nudge)) == {"onboarding": "contoso-acg-0123456781", "step": "add-domain", "ticket": 7}
    assert message_id(nudge) == "contoso-acg-0123456781/add-domain/7"
    notice = NudgeNotice("contoso-acg-0123456781", "completed:onboarding:9", 9)
    assert message_id(notice) == "contoso-acg-0123456781/completed:onboarding:9/9"


def body(**changes: Any) -> str:
    """One of ours, but for these keys; None leaves one out."""
    ours = {"onboarding": "contoso-acg-0123456781", "step": "add-domain", "ticket": 1}
    return json.dumps({name: value for name, value in {**ours, **changes}.items() if value is not None})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        ("[]", "Input should be an object"),
        (body(ticket=None), "ticket: Field required"),
        (body(ticket="1"), "ticket: Input should be a valid integer"),
        (body(ticket=-1), "greater than or equal to 0"),
        (body(ticket=2**63), "less than 9223372036854775808"),
        (body(step=None), "none of a step, a notice, a plan, drift and a day's mail"),
        (body(notice="completed:onboarding:1"), "or several"),
        (body(trace="x"), "1 key that no message of it has"),
        (body(MessageId="x", deadlettersource="x"), "2 keys that no message of it has"),
        # What would be no key of a table, or one of another kind: Table Storage would refuse it at each delivery.
        (body(onboarding=""), "onboarding: String should match"),
        (body(onboarding="a/b-0123456789"), "onboarding: String should match"),
        (body(onboarding="contoso-acg-0123456781\n"), "onboarding: String should match"),
        (body(onboarding="x" * 2000 + "-0123456789"), "onboarding: String should match"),
        (body(step="add domain\n"), "step: String should match"),
        (body(step=None, notice="x" * 201), "notice: String should match"),
    ],
)
def test_a_foreign_body_is_refused_with_the_reason(body: bytes | str, reason: str) -> None:
    with pytest.raises(ForeignMessageError, match=reason):
        decode(body)
    assert not is_ours(body)


def test_a_foreign_body_is_not_repeated_in_a_log() -> None:
    with pytest.raises(ForeignMessageError) as caught:
        decode('{"note": "' + "x" * 100_000 + '"}')
    assert "xxx" not in str(caught.value)
    assert "100012 characters" in str(caught.value)


@given(EFFECTS)
def test_what_is_sent_is_known_as_ours(effect: Effect) -> None:
    assert is_ours(encode(effect))
    assert is_ours(encode(effect).decode())


@pytest.mark.parametrize(
    "body",
    [
        "hello",
        "{}",
        '["MessageId"]',
        body(MessageId="x"),
        body(deadlettersource="x"),
        '{"ApplicationProperties": {"DeadLetterReason": "x"}}',
        # What the host's reader takes for an object, and we for no JSON.
        "{'MessageId': 'x'}",
        "{MessageId: 'x'}",
        '/* { */ {"MessageId": "x"}',
        body().replace("}", ",}"),
        "\ufeff" + body(),
        body().encode() + b"\xff",
    ],
)
def test_a_body_that_is_not_ours_is_known_as_foreign(body: bytes | str) -> None:
    assert not is_ours(body)
