"""The certificates of a request: PEM text, bounded, and never a private key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from onboarding.core.certificate_chain import (
    LONGEST_CHAIN_TEXT,
    MOST_CERTIFICATES,
    CertificateChain,
    certificate_chain_problem,
    certificates_in,
)
from onboarding.core.parts import Part
from onboarding.core.reasons import NOT_SHOWN, InvalidRequestError, read_part
from sandbox.microsoft.issuer import Issuer, Made, ders, pem

ROOT = Issuer.root("Root")
OWN = ROOT.issue(Made(names=("sbc1.contoso.com",)))
TEXT = pem([OWN, ROOT.certificate])
SECRET = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj"
KEY = f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n"


class Asked(Part):
    certificate: CertificateChain | None = None


def refused(text: Any) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        read_part(Asked, {"certificate": text})
    (reason,) = caught.value.reasons
    assert reason.field == "certificate"
    assert SECRET not in json.dumps([reason.to_json(), str(caught.value)])
    return reason.message


def test_a_chain_is_taken_as_it_is_and_read_in_its_order() -> None:
    assert read_part(Asked, {"certificate": f"\n {TEXT}"}).certificate == TEXT.strip()
    assert certificates_in(TEXT) == ders([OWN, ROOT.certificate])
    assert certificates_in(TEXT.replace("\n", "\r\n")) == ders([OWN, ROOT.certificate])
    assert certificate_chain_problem(f"subject=CN=sbc1\n{TEXT}# the end") is None


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"])
@pytest.mark.parametrize("before", ["", TEXT])
def test_a_private_key_is_refused_in_clear_words_and_never_shown(kind: str, before: str) -> None:
    said = refused(before + KEY.replace("PRIVATE KEY", kind))
    assert said.startswith("holds a private key, so none of it was kept.")
    # Half of one, and in small letters, as somebody may paste it.
    assert refused(f"{before}-----begin private key-----\n{SECRET}").startswith("holds a private key")


def test_a_private_key_in_any_other_place_is_not_answered_either() -> None:
    for body in ({"certificate": [KEY]}, {"certificates": KEY}, {KEY: 1}, {"certificate": {"key": KEY}}):
        with pytest.raises(InvalidRequestError) as caught:
            read_part(Asked, body)
        told = json.dumps([reason.to_json() for reason in caught.value.reasons]) + str(caught.value)
        assert SECRET not in told
        assert NOT_SHOWN in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be certificates as PEM text"),
        ("MIIB", "must be certificates as PEM text"),
        (TEXT.replace("CERTIFICATE", "PUBLIC KEY"), "must be certificates as PEM text"),
        (TEXT + TEXT[:90], "has a part that does not end"),
        (TEXT.replace("CERTIFICATE-----\n", "CERTIFICATE-----\n!", 1), "has a part that does not end"),
        (pem([OWN]) + "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----", "at place 2"),
        ("-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----", "no certificate at place 1: what stands"),
        (f"-----BEGIN CERTIFICATE-----\n{'AAAA' * 2700}\n-----END CERTIFICATE-----", "at place 1: what stands there"),
        ("x" * (LONGEST_CHAIN_TEXT + 1), f"at most {LONGEST_CHAIN_TEXT}"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" * 13, f"at most {MOST_CERTIFICATES} are"),
    ],
)
def test_what_is_no_chain_is_refused_with_what_was_expected(text: str, said: str) -> None:
    assert said in refused(text)


def test_what_was_accepted_earlier_is_read_whatever_it_is() -> None:
    assert Asked.model_validate({"certificate": "long ago"}, context={"stored": True}).certificate == "long ago"
    with pytest.raises(ValidationError):
        Asked.model_validate({"certificate": "today"})
