"""Queue messages: what is sent, what is understood, and what makes a message the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.events import Effect, Nudge, NudgeNotice
from onboarding.core.messages import (
    MESSAGE_ID_LENGTH,
    ForeignMessageError,
    decode,
    encode,
    is_labelled_by_the_bus,
    message_id,
    queue_of,
)
from onboarding.steps import QUEUES, TASKS

TEXT = st.text(min_size=1, max_size=200)
TICKET = st.integers(min_value=0, max_value=2**63)
EFFECTS: st.SearchStrategy[Effect] = st.one_of(
    st.builds(Nudge, TEXT, st.sampled_from([s.name for s in TASKS]), TICKET), st.builds(NudgeNotice, TEXT, TEXT, TICKET)
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
    notices = [NudgeNotice("contoso-acg-1", "checkpoint-opened:" + "x" * 200 + end, t) for end in "ab" for t in (1, 2)]
    assert len({message_id(n) for n in notices}) == 4
    assert all(message_id(n).startswith("contoso-acg-1/") for n in notices)


def test_the_body_and_the_id_are_readable() -> None:
    nudge = Nudge("contoso-acg-1", "add-domain", 7, after=30)
    assert json.loads(encode(nudge)) == {"onboarding": "contoso-acg-1", "step": "add-domain", "ticket": 7}
    assert message_id(nudge) == "contoso-acg-1/add-domain/7"
    notice = NudgeNotice("contoso-acg-1", "completed:onboarding:9", 9)
    assert message_id(notice) == "contoso-acg-1/completed:onboarding:9/9"


def test_fields_of_a_later_version_are_no_obstacle() -> None:
    assert decode('{"onboarding": "a", "step": "add-domain", "ticket": 1, "trace": "x"}') == Nudge("a", "add-domain", 1)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        ("[]", "Input should be an object"),
        ('{"onboarding": "a", "step": "add-domain"}', "ticket: Field required"),
        ('{"onboarding": "a", "step": "add-domain", "ticket": "1"}', "ticket: Input should be a valid integer"),
        ('{"onboarding": "a", "step": "add-domain", "ticket": -1}', "greater than or equal to 0"),
        ('{"onboarding": "", "step": "add-domain", "ticket": 1}', "onboarding: String should have at least 1"),
        ('{"onboarding": "a", "ticket": 1}', "neither"),
        ('{"onboarding": "a", "step": "add-domain", "notice": "n", "ticket": 1}', "both a step and a notice"),
    ],
)
def test_a_foreign_body_is_refused_with_the_reason(body: bytes | str, reason: str) -> None:
    with pytest.raises(ForeignMessageError, match=reason):
        decode(body)


def test_a_foreign_body_is_not_repeated_in_a_log() -> None:
    with pytest.raises(ForeignMessageError) as caught:
        decode('{"note": "' + "x" * 100_000 + '"}')
    assert "xxx" not in str(caught.value)
    assert "100012 characters" in str(caught.value)


@given(EFFECTS)
def test_what_is_said_beside_a_body_of_ours_is_service_buses_word(effect: Effect) -> None:
    assert is_labelled_by_the_bus(encode(effect))
    assert is_labelled_by_the_bus(encode(effect).decode())


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", "hello", '["MessageId"]', '"MessageId"', "7", "{}"])
def test_a_body_that_is_no_object_labels_nothing(body: bytes | str) -> None:
    assert is_labelled_by_the_bus(body)


@pytest.mark.parametrize(
    "body",
    [
        '{"onboarding": "a", "step": "add-domain", "ticket": 1, "MessageId": "x"}',
        '{"onboarding": "a", "step": "add-domain", "ticket": 1, "deadlettersource": "x"}',
        '{"Onboarding": "a"}',
        '{"ApplicationProperties": {"DeadLetterReason": "x"}}',
        # What the host's reader takes for an object, and we for no JSON.
        "{'MessageId': 'x'}",
        "{MessageId: 'x'}",
        '/* { */ {"MessageId": "x"}',
        '{"MessageId": "x",}',
        '\ufeff{"MessageId": "x"}',
        b'{"MessageId": "x", "a": "\xff"}',
    ],
)
def test_a_body_with_keys_of_its_own_may_have_labelled_itself(body: bytes | str) -> None:
    assert not is_labelled_by_the_bus(body)
