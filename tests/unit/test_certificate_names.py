"""Which names a certificate is good for (RFC 6125, 6.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.certificate_names import covers

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
DOMAIN = st.lists(LABEL, min_size=2, max_size=5).map(".".join)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("sbc1.contoso.com", "sbc1.contoso.com"),
        ("SBC1.Contoso.COM", "sbc1.contoso.com"),
        ("sbc1.contoso.com.", "sbc1.contoso.com"),
        ("*.contoso.com", "sbc1.contoso.com"),
        ("*.sip.contoso.com", "sbc1.sip.contoso.com"),
        ("*.contoso.com", "xn--bcher-kva.contoso.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.bücher.example", "sbc1.xn--bcher-kva.example"),
    ],
)
def test_covered(pattern: str, name: str) -> None:
    assert covers(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("sbc2.contoso.com", "sbc1.contoso.com"),
        ("*.contoso.com", "contoso.com"),
        ("*.contoso.com", "a.sbc1.contoso.com"),
        ("sbc*.contoso.com", "sbc1.contoso.com"),
        ("*1.contoso.com", "sbc1.contoso.com"),
        ("sbc1.*.com", "sbc1.contoso.com"),
        ("*.*.com", "sbc1.contoso.com"),
        ("*.com", "contoso.com"),
        ("*", "contoso"),
        ("", "sbc1.contoso.com"),
        (".", "sbc1.contoso.com"),
        ("*.contoso.com", "*.contoso.com"),
        ("\u2026\u0000.example", "sbc1.example"),
        ("*.\u2026", "a.b"),
        ("\u00fc*", "a.b"),
    ],
)
def test_not_covered(pattern: str, name: str) -> None:
    assert not covers(pattern, name)


@given(DOMAIN)
def test_a_name_covers_itself_and_its_wildcard_does_whatever_the_case(name: str) -> None:
    assert covers(name.upper(), name)
    above = name.partition(".")[2]
    assert covers(f"*.{above}", name) is ("." in above)


@given(DOMAIN, LABEL)
def test_a_wildcard_never_stands_for_two_labels_or_none(above: str, label: str) -> None:
    assert not covers(f"*.{above}", above)
    assert not covers(f"*.{above}", f"{label}.{label}.{above}")


@given(st.text(max_size=30), DOMAIN)
def test_whatever_a_certificate_says_is_compared_and_raises_nothing(pattern: str, name: str) -> None:
    assert covers(pattern, name) in (True, False)
