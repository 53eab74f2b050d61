"""What a phone number is, and when two are the same. Pure.

And numbers in texts that are shown where none may stand: logs, and the columns that dashboards read.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from onboarding.core import patterns

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

EXAMPLE = "+442079460101"

IN_TEXT = re.compile(r"(?<![\w+])(?:\+|%2B|tel:\+?)(?:[ ().-]{0,2}\d){7,15}(?!\d)", re.IGNORECASE)
"""A number with its country code, however it is punctuated."""
INSTEAD = "[number]"
LONGEST = 40
"""Characters of digits that are read as a number."""
_DIGITS = frozenset("0123456789")


def without(text: str) -> str:
    """The text with a mark in the place of each number."""
    # Hardly any text has one, and to look for its first sign alone is a hundred times as fast.
    possible = "+" in text or "%" in text or (":" in text and "tel:" in text.lower())
    return IN_TEXT.sub(INSTEAD, text) if possible else text


def number_problem(number: str) -> str | None:
    """Why this can't be a phone number in E.164 with its country code; None when it can be one.

    A number is right when it is written as its own E.164 form: one whose trunk zero was kept is not, though it can be
    dialled. Whether its area code is in use is for `is_known`.
    """
    if not patterns.fits(patterns.PHONE_NUMBER, number):
        return f"must be in E.164 form: '+', country code and number, digits only, such as {EXAMPLE}"
    parsed = _parsed(number)
    if parsed is None:
        return f"must begin with '+' and a country code that exists, such as {EXAMPLE}"
    written = canonical(number)
    if written != number:
        return f"must be written as {written}: after the country code comes no zero, or other prefix of calls at home"
    import phonenumbers

    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return (
            f"has {len(number) - 1} digits with its country code, which no number in its country's numbering plan has;"
            f" expected is one such as {EXAMPLE}"
        )
    return None


def is_known(number: str) -> bool:
    """Whether a number that can be one is in use by the numbering plans that are known here.

    Plans change, and the library's are as old as its release: an area code that is newer is not known.
    """
    import phonenumbers

    parsed = _parsed(number)
    return parsed is not None and bool(phonenumbers.is_valid_number(parsed))


def canonical(number: str) -> str:
    """The number as E.164 writes it, to be compared: however it is punctuated, and with or without a trunk zero.

    Microsoft's own example is `+1-555-1234`. What can't be read as a number is its digits.
    """
    digits = "+" + "".join(c for c in number if c in _DIGITS)
    parsed = _parsed(digits) if len(digits) <= LONGEST else None
    if parsed is None:
        return digits
    import phonenumbers

    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


@lru_cache(maxsize=1024)
def _parsed(number: str) -> PhoneNumber | None:
    # phonenumbers loads its metadata at import: only a request that holds a number pays for it.
    import phonenumbers

    try:
        return phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
