"""Would Microsoft find a TXT record? A verdict over what each server said, and a sentence for people.

Microsoft reads the record through resolvers that we don't choose, and these ask some server of the zone that answers.
So one server that has the value is a promise, one that answers without it is a contradiction, and one that does not
answer is neither. Public resolvers deny for a while what they were asked for too early; one that fails says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from onboarding.ports import TxtAnswer

SENTENCE_LENGTH = 900
SHOWN_SERVERS = 8
SHOWN_VALUE = 80
SHOWN_NAME = 253
SERVER_ERROR_LENGTH = 120


class TxtKind(StrEnum):
    """What the answers come to."""

    EVERYWHERE = "everywhere"
    """Every server of the zone has it, and no resolver denies it."""
    SOMEWHERE = "somewhere"
    """A server of the zone has it and none denies it, but some don't answer, or a resolver still denies it."""
    CONTRADICTED = "contradicted"
    """Servers of the zone disagree: a secondary that lags behind, or a zone that is kept in two places."""
    WRONG_VALUE = "wrong-value"
    """None has it; a value that was meant to prove a domain stands there."""
    WRONG_NAME = "wrong-name"
    """None has it; it stands at the name with the zone's name behind it once more."""
    ALIAS = "alias"
    """None has it, and an alias stands at the name."""
    NOTHING_YET = "nothing-yet"
    """None has it: not published."""
    FAILING = "failing"
    """No server of the zone gives an answer, and some say or show that it is not for want of a network."""
    BLIND = "blind"
    """No server of the zone gives any sign: our own way out, as far as can be told."""


@dataclass(frozen=True, slots=True)
class TxtVerdict:
    """What the answers come to, and what was seen, in at most SENTENCE_LENGTH characters."""

    kind: TxtKind
    sentence: str


def judge_txt_answers(answers: Sequence[TxtAnswer], expected: str, name: str) -> TxtVerdict:
    """What these answers say of the value `expected` at `name`. The value may be one of several TXT records there."""
    kind, sentence = _judged(answers, expected, on_one_line(name, SHOWN_NAME))
    return TxtVerdict(kind, on_one_line(sentence, SENTENCE_LENGTH))


def _judged(answers: Sequence[TxtAnswer], expected: str, name: str) -> tuple[TxtKind, str]:
    zone = [a for a in answers if a.authoritative]
    answering = [a for a in zone if a.error is None]
    having = [a for a in answering if expected in a.values]
    if not answering:
        return _unseen(zone, expected, name)
    if len(having) == len(answering):
        return _seen(answers, expected, name)
    if having:
        said = listed_names(f"{a.server} ({_said(a)})" for a in answering if a not in having)
        return TxtKind.CONTRADICTED, (
            f"{len(having)} of the {len(answering)} servers of the zone that answer have the value {_quoted(expected)}"
            f" at {name}; still missing: {said}. All of them must have it: see that the zone is carried over to these."
        )
    return _missing(zone, answering, expected, name)


def _seen(answers: Sequence[TxtAnswer], expected: str, name: str) -> tuple[TxtKind, str]:
    """Every server of the zone that answers has the value."""
    having = [a for a in answers if a.error is None and expected in a.values]
    failed = [a for a in answers if a.error is not None]
    denying = [a for a in answers if a.error is None and expected not in a.values]
    if not failed and not denying:
        return TxtKind.EVERYWHERE, f"The TXT record at {name} is visible on {_all(len(having))}."
    parts = [f"The TXT record at {name} is visible on {_names(having)}"]
    if failed:
        parts.append(f"no answer from {_failures(failed)}")
    if denying:
        parts.append(f"{_names(denying)} may keep for a while that it was not there ({_said(denying[0])})")
    zone_fails = any(a.authoritative for a in failed)
    return TxtKind.SOMEWHERE if zone_fails or denying else TxtKind.EVERYWHERE, "; ".join(parts) + "."


def _missing(
    zone: Sequence[TxtAnswer], answering: Sequence[TxtAnswer], expected: str, name: str
) -> tuple[TxtKind, str]:
    """No server has it, and some answer."""
    failed = [a for a in zone if a.error is not None]
    besides = f"; no answer from {_failures(failed)}" if failed else ""
    ask = f"expected {_quoted(expected)}"
    # A value that was meant to prove a domain is named before what has nothing to do with it.
    wrong = list(dict.fromkeys(v for a in answering for v in a.values if _proves(v, expected)))
    other = list(dict.fromkeys(v for a in answering for v in a.values if not _proves(v, expected)))
    ends = list(dict.fromkeys(a.alias for a in zone if a.alias))
    doubled = [a.stands_at for a in answering if a.stands_at]
    if doubled:
        return TxtKind.WRONG_NAME, (
            f"The TXT record {_quoted(expected)} stands at {on_one_line(doubled[0], SHOWN_NAME)} in place of {name}:"
            " the zone's name was appended to it. Enter the name without the zone's, or with a dot at its end"
            f"{besides}."
        )
    found = ""
    if wrong:
        more = f" (and {len(wrong) + len(other) - 1} more)" if len(wrong) + len(other) > 1 else ""
        on = _names(a for a in answering if a.values)
        found = f"Wrong TXT record {_quoted(wrong[0])}{more} at {name} on {on}, {ask}"
    if ends:
        end = on_one_line(ends[0], SHOWN_NAME)
        at = found or f"No TXT record found at {name} by {_names(answering or zone)}, {ask}"
        return TxtKind.ALIAS, (
            f"{at}. An alias (CNAME) at the name leads to {end}, and nothing beside it counts: put the TXT record at"
            f" {end}, or remove the alias{besides}."
        )
    if wrong:
        empty = [a for a in answering if not a.values]
        none = f"; no TXT record found at {name} by {_names(empty)}" if empty else ""
        return TxtKind.WRONG_VALUE, f"{found}{none}{besides}."
    there = f", beside {_quoted(other[0])} and the like" if other else ""
    found = f"No TXT record found at {name} by {_names(answering)}; {ask}{there}{besides}."
    return TxtKind.NOTHING_YET, found


def _unseen(zone: Sequence[TxtAnswer], expected: str, name: str) -> tuple[TxtKind, str]:
    """No server of the zone gives an answer."""
    if any(a.alias and not a.silent for a in zone):
        return _missing(zone, (), expected, name)
    failures = _failures(zone) or "any DNS server"
    sentence = f"No answer from {failures}; expected {_quoted(expected)} at {name}."
    return (TxtKind.BLIND if all(a.silent for a in zone) else TxtKind.FAILING), sentence


def _proves(value: str, expected: str) -> bool:
    """Whether a value was meant to prove a domain to Microsoft: `MS=…`, or what somebody made of the right one."""
    bare = "".join(c for c in value.casefold() if c.isalnum() or c == "=")
    number = "".join(c for c in expected if c.isdigit())
    return bare.startswith("ms=") or (len(number) > 3 and number in bare)


def _said(answer: TxtAnswer) -> str:
    """What a server that hasn't the value said instead."""
    if answer.error is not None:
        return on_one_line(answer.error, SERVER_ERROR_LENGTH)
    if not answer.values:
        return "no TXT record"
    more = f" and {len(answer.values) - 1} more" if len(answer.values) > 1 else ""
    return f"{_quoted(answer.values[0])}{more}"


def _failures(answers: Iterable[TxtAnswer]) -> str:
    return listed_names(f"{a.server} ({_said(a)})" for a in answers)


def _all(count: int) -> str:
    return "the one server asked" if count == 1 else f"all {count} servers"


def _names(answers: Iterable[TxtAnswer]) -> str:
    return listed_names(a.server for a in answers)


def listed_names(items: Iterable[str]) -> str:
    """As many as are shown, on one line."""
    every = [on_one_line(item, SHOWN_NAME) for item in items]
    more = [f"and {len(every) - SHOWN_SERVERS} more"] if len(every) > SHOWN_SERVERS else []
    return ", ".join(every[:SHOWN_SERVERS] + more)


def _quoted(value: str) -> str:
    return f'"{on_one_line(value, SHOWN_VALUE)}"'


def on_one_line(text: str, length: int) -> str:
    """Text from outside, on one line and not longer than `length`."""
    clean = text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
    return clean if len(clean) <= length else clean[: length - 1] + "…"
