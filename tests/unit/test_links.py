"""Signed links for people outside: good for one checkpoint, one opening, one use, until they expire."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.decide import decide
from onboarding.core.events import CancelRequested, Confirmed, ProblemReported, RetryRequested, Started
from onboarding.core.links import Link, LinkError, check, read, sign
from tests.support.records import NOW, after

KEY = "the current key, long enough to be trusted"
OLD = "the previous key, long enough to be trusted"
STEP = "operator-information"


def link() -> Link:
    record = after(STEP)
    return Link(record.id, STEP, record.step(STEP).ticket, NOW + timedelta(days=30))


def test_a_link_says_what_it_is_good_for() -> None:
    assert read(sign(link(), KEY), [KEY, OLD], NOW) == link()


def test_a_rotated_key_is_good_until_it_is_dropped() -> None:
    token = sign(link(), OLD)
    assert read(token, [KEY, OLD], NOW) == link()
    with pytest.raises(LinkError) as error:
        read(token, [KEY], NOW)
    assert error.value.kind == "forged"


@given(st.data())
def test_no_changed_link_is_taken(data: st.DataObject) -> None:
    token = sign(link(), KEY)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda c: c != token[at]))
    # Base64 has spare bits at its end, so that another spelling may say the very same.
    with contextlib.suppress(LinkError):
        assert read(token[:at] + other + token[at + 1 :], [KEY], NOW) == link()


@pytest.mark.parametrize("token", ["", ".", "a.b", "x" * 5000, "e30.", "äöü.ß", "\ud800.\ud800"])
def test_nonsense_is_forged(token: str) -> None:
    with pytest.raises(LinkError) as error:
        read(token, [KEY], NOW)
    assert error.value.kind == "forged"


def test_no_key_takes_no_link() -> None:
    with pytest.raises(LinkError):
        read(sign(link(), KEY), [], NOW)


def test_a_short_key_signs_nothing() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        sign(link(), "short")


def test_an_expired_link_says_until_when_it_was_good() -> None:
    with pytest.raises(LinkError, match="was good until 01 April 2026") as error:
        read(sign(link(), KEY), [KEY], NOW + timedelta(days=30))
    assert error.value.kind == "expired"
    assert error.value.link == link()


def test_a_link_is_good_while_its_checkpoint_is_open_at_that_opening() -> None:
    record = after(STEP)
    check(link(), record)
    confirmed = decide(record, Confirmed(STEP, "the holder of a link"), NOW).record
    reported = decide(record, ProblemReported(STEP, "the holder of a link", "no form"), NOW).record
    reopened = decide(reported, RetryRequested(STEP, "ada"), NOW).record
    running = decide(record, Started("add-domain", record.step("add-domain").ticket), NOW).record
    cancelling = decide(running, CancelRequested("ada", "enough"), NOW).record
    assert not cancelling.closed
    for later in (confirmed, reported, reopened, cancelling):
        with pytest.raises(LinkError) as error:
            check(link(), later)
        assert error.value.kind == "used"


def test_a_link_to_something_unknown_is_foreign() -> None:
    record = after(STEP)
    strange = Link(record.id, "no-such-step", 1, NOW)
    for known in (record, None):
        with pytest.raises(LinkError) as error:
            check(strange, known)
        assert error.value.kind == "foreign"
