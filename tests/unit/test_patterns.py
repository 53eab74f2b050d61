"""What a request's texts must look like; that other engines agree is tested in tests/api/test_patterns.py."""

from __future__ import annotations

import sys
import unicodedata

from onboarding.core import patterns
from onboarding.core.patterns import EMAIL_ADDRESS, fits
from onboarding.core.publishing import DnsPublishing
from onboarding.core.request import Contacts
from onboarding.kinds import KINDS
from tests.unit.test_openapi import inside

LETTERS_OF_AZURE = {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd"}
"""What .NET's Char.IsLetterOrDigit takes. Source: "Naming rules and restrictions for Azure resources"."""
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"}


def in_resource_group() -> set[str]:
    return {c for c in map(chr, range(sys.maxunicode + 1)) if fits(patterns.RESOURCE_GROUP, c)}


def test_a_resource_group_may_have_every_letter_and_digit_that_azure_takes() -> None:
    azures = {c for c in map(chr, range(0x10000)) if unicodedata.category(c) in LETTERS_OF_AZURE} | set("_-()")
    assert azures <= in_resource_group()


def test_a_resource_group_has_nothing_that_nobody_sees() -> None:
    assert {c for c in in_resource_group() if unicodedata.category(c) in UNSEEN} == set()
    assert {c for c in in_resource_group() if c.isascii() and not c.isalnum()} == set("_-()")


def test_a_text_ends_where_its_pattern_does() -> None:
    assert fits(patterns.RESOURCE_NAME, "abc")
    assert not fits(patterns.RESOURCE_NAME, "abc\n")


def test_every_pattern_of_a_request_is_told_in_words() -> None:
    schemas = [model.model_json_schema() for model in (*KINDS.values(), Contacts, DnsPublishing)]
    used = {part["pattern"] for schema in schemas for part in inside(schema) if "pattern" in part}
    assert used - {EMAIL_ADDRESS} | {patterns.EMAIL} == set(patterns.IN_WORDS)
