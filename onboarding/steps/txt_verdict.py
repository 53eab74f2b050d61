"""Is a TXT record visible to everyone who will look? A verdict over what each server said, and a sentence for people.

The domain's verification reads the record from servers that we don't choose. So it counts as visible only when all
that we know of have it: every authoritative server of the zone, and every configured public resolver.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from onboarding.ports import TxtAnswer

SENTENCE_LENGTH = 900
SHOWN_SERVERS = 8
SHOWN_VALUE = 80
SHOWN_NAME = 253
SERVER_ERROR_LENGTH = 80


@dataclass(frozen=True, slots=True)
class TxtVerdict:
    """Whether the record is visible, and what was seen, in at most SENTENCE_LENGTH characters."""

    visible: bool
    sentence: str


def judge_txt_answers(answers: Sequence[TxtAnswer], expected: str, name: str) -> TxtVerdict:
    """What these answers say of the value `expected` at `name`. The value may be one of several TXT records there."""
    name, wanted = _plain(name, SHOWN_NAME), _quoted(expected)
    having = [a for a in answers if a.error is None and expected in a.values]
    asked = any(a.authoritative for a in answers)
    if asked and len(having) == len(answers):
        return TxtVerdict(True, _cap(f"The TXT record at {name} is visible on {_all(len(answers))}."))
    if not asked:
        told = f"; {_names(answers)} answered" if answers else ""
        return TxtVerdict(False, _cap(f"No authoritative DNS server of {name} was found{told}. Expected {wanted}."))
    if having:
        missing = [a for a in answers if a not in having]
        said = _listed(f"{a.server} ({_said(a)})" for a in missing)
        sentence = (
            f"{len(having)} of {len(answers)} servers answer with the value {wanted} at {name}; still missing: {said}."
        )
        return TxtVerdict(False, _cap(sentence))
    return TxtVerdict(False, _cap(_nobody(answers, wanted, name)))


def _nobody(answers: Sequence[TxtAnswer], wanted: str, name: str) -> str:
    """The sentence when no server has the value."""
    failed = [a for a in answers if a.error is not None]
    empty = [a for a in answers if a.error is None and not a.values]
    wrong = [a for a in answers if a.error is None and a.values]
    parts: list[str] = []
    if wrong:
        values = list(dict.fromkeys(v for a in wrong for v in a.values))
        more = f" (and {len(values) - 1} more)" if len(values) > 1 else ""
        parts.append(f"Wrong TXT record {_quoted(values[0])}{more} at {name} on {_names(wrong)}, expected {wanted}")
    if empty:
        parts.append(f"{'no' if parts else 'No'} TXT record found at {name} by {_names(empty)}")
    if failed:
        parts.append(f"{'no' if parts else 'No'} answer from {_listed(f'{a.server} ({_said(a)})' for a in failed)}")
    if not wrong:
        parts.append(f"expected {wanted} at {name}" if not empty else f"expected {wanted}")
    return "; ".join(parts) + "."


def _said(answer: TxtAnswer) -> str:
    """What a server that hasn't the value said instead."""
    if answer.error is not None:
        return _plain(answer.error, SERVER_ERROR_LENGTH)
    if not answer.values:
        return "no TXT record"
    more = f" and {len(answer.values) - 1} more" if len(answer.values) > 1 else ""
    return f"{_quoted(answer.values[0])}{more}"


def _all(count: int) -> str:
    return "the one server asked" if count == 1 else f"all {count} servers"


def _names(answers: Sequence[TxtAnswer]) -> str:
    return _listed(a.server for a in answers)


def _listed(items: Iterable[str]) -> str:
    every = [_plain(item, SHOWN_NAME) for item in items]
    more = [f"and {len(every) - SHOWN_SERVERS} more"] if len(every) > SHOWN_SERVERS else []
    return ", ".join(every[:SHOWN_SERVERS] + more)


def _quoted(value: str) -> str:
    return f'"{_plain(value, SHOWN_VALUE)}"'


def _plain(text: str, length: int) -> str:
    """Text from outside, on one line and not longer than `length`."""
    clean = text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
    return clean if len(clean) <= length else clean[: length - 1] + "…"


def _cap(sentence: str) -> str:
    return _plain(sentence, SENTENCE_LENGTH)
