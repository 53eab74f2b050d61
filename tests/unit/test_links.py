"""Signed links for people outside: good for one checkpoint, one opening, one use, until they expire."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from onboarding.core.decide import decide
from onboarding.core.events import CancelRequested, Confirmed, ProblemReported, RetryRequested, Started
from onboarding.core.links import Link, LinkError, check_open, read_link, sign
from tests.support.records import NOW, after

KEY = "the current key, long enough to be trusted"
OLD = "the previous key, long enough to be trusted"
STEP = "operator-information"


def link() -> Link:
    record = after(STEP)
    return Link(record.id, STEP, record.step(STEP).ticket, NOW + timedelta(days=30))


def test_a_link_says_what_it_is_good_for() -> None:
    assert read_link(sign(link(), KEY), [KEY, OLD], NOW) == link()


def test_a_rotated_key_is_good_until_it_is_dropped() -> None:
    token = sign(link(), OLD)
    assert read_link(token, [KEY, OLD], NOW) == link()
    with pytest.raises(LinkError) as error:
        read_link(token, [KEY], NOW)
    assert error.value.kind == "forged"


SENT_EARLIER = (
    "WyJjb250b3NvLWFjZy0zNTY2N2Q4ZWIxIiwib3BlcmF0b3ItaW5mb3JtYXRpb24iLDEyLDE3NzUwMzQwMDBd"
    ".273j7UM_YH9apBxBadij6Aofh9qPM9L-IR-9jgO5Q1Y"
)
"""As it was signed with KEY before each purpose had a key of its own."""


def test_a_link_that_was_sent_before_an_upgrade_says_the_same_until_it_expires() -> None:
    sent = Link("contoso-acg-35667d8eb1", STEP, 12, datetime(2026, 4, 1, 9, tzinfo=UTC))
    assert read_link(SENT_EARLIER, [KEY], NOW) == read_link(SENT_EARLIER, [OLD, KEY], NOW) == sent
    assert sign(sent, KEY) != SENT_EARLIER
    for key, now, kind in ((OLD, NOW, "forged"), (KEY, sent.expires_at, "expired")):
        with pytest.raises(LinkError) as error:
            read_link(SENT_EARLIER, [key], now)
        assert error.value.kind == kind


@pytest.mark.parametrize("salt", ["onboarding.form", "onboarding.link2", "itsdangerous"])
@pytest.mark.parametrize("derived", ["hmac", "django-concat", "concat"])
def test_what_was_signed_for_another_purpose_with_the_same_key_is_no_link(salt: str, derived: str) -> None:
    signer = {"key_derivation": derived, "digest_method": sha256}
    other = URLSafeSerializer(KEY, salt=salt, signer_kwargs=signer)
    said = [link().onboarding_id, STEP, link().opening, int(link().expires_at.timestamp())]
    with pytest.raises(LinkError) as error:
        read_link(str(other.dumps(said)), [KEY, OLD], NOW)
    assert error.value.kind == "forged"


def test_every_link_looks_the_same() -> None:
    repeated = Link("a" * 24 + "-0000000000", "a" * 200, 1, NOW)
    assert re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}", sign(repeated, KEY))


@pytest.mark.parametrize("more", ["\n", " ", "!", "=", "%", "\u00e9", "\u0660"])
def test_a_link_has_one_spelling(more: str) -> None:
    token = sign(link(), KEY)
    for spelled in (token + more, more + token, token[:-9] + more + token[-9:]):
        with pytest.raises(LinkError) as error:
            read_link(spelled, [KEY], NOW)
        assert error.value.kind == "forged"


@given(st.data())
def test_no_changed_link_is_taken(data: st.DataObject) -> None:
    token = sign(link(), KEY)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda c: c != token[at]))
    # Base64 has spare bits at its end, so that another spelling may say the very same.
    with contextlib.suppress(LinkError):
        assert read_link(token[:at] + other + token[at + 1 :], [KEY], NOW) == link()


@pytest.mark.parametrize("token", ["", ".", "a.b", "x" * 5000, "e30.", "äöü.ß", "\ud800.\ud800"])
def test_nonsense_is_forged(token: str) -> None:
    with pytest.raises(LinkError) as error:
        read_link(token, [KEY], NOW)
    assert error.value.kind == "forged"


def test_no_key_takes_no_link() -> None:
    with pytest.raises(LinkError):
        read_link(sign(link(), KEY), [], NOW)


def test_a_short_key_signs_nothing() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        sign(link(), "short")


def test_an_expired_link_says_until_when_it_was_good() -> None:
    with pytest.raises(LinkError, match="was good until 01 April 2026") as error:
        read_link(sign(link(), KEY), [KEY], NOW + timedelta(days=30))
    assert error.value.kind == "expired"
    assert error.value.link == link()


def test_a_link_is_good_while_its_checkpoint_is_open_at_that_opening() -> None:
    record = after(STEP)
    check_open(link(), record)
    confirmed = decide(record, Confirmed(STEP, "the holder of a link"), NOW).record
    reported = decide(record, ProblemReported(STEP, "the holder of a link", "no form"), NOW).record
    reopened = decide(reported, RetryRequested(STEP, "ada"), NOW).record
    running = decide(record, Started("add-domain", record.step("add-domain").ticket), NOW).record
    cancelling = decide(running, CancelRequested("ada", "enough"), NOW).record
    assert not cancelling.closed
    for later in (confirmed, reported, reopened, cancelling):
        with pytest.raises(LinkError) as error:
            check_open(link(), later)
        assert error.value.kind == "used"


@pytest.mark.parametrize(
    ("name", "said"), [("Nora", "by somebody who gave the name Nora."), ("", "by somebody who gave no name.")]
)
def test_a_used_link_says_who_used_it_as_far_as_that_is_known(name: str, said: str) -> None:
    used = decide(after(STEP), Confirmed(STEP, "the holder of a link", outside=True, name=name), NOW).record
    with pytest.raises(LinkError, match=said):
        check_open(link(), used)


def test_a_link_to_something_unknown_is_foreign() -> None:
    record = after(STEP)
    strange = Link(record.id, "no-such-step", 1, NOW)
    for known in (record, None):
        with pytest.raises(LinkError) as error:
            check_open(strange, known)
        assert error.value.kind == "foreign"
