"""What a person is told to do, as the words and commands that it is made of; and what is filled in where it was not
known when the words were written. Pure.

In a text, what stands between backticks is to be taken as it is: a name, or a command to be pasted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from onboarding.core.bounds import shorten
from onboarding.core.events import Happening, Looked, MessageRefused, NoticeFailed, Postponed, Stopped
from onboarding.core.record import Record

_QUOTED = re.compile(r"`([^`]+)`")
_PROGRAM = re.compile(r"(az|azd|python3?|curl) .+|\S+\.(sh|ps1)( .+)?|[A-Z][a-z]+-[A-Z]\w+( .+)?", re.DOTALL)
"""How a command begins: a program of this repository's documents, a script, a cmdlet."""
_PLACEHOLDER = re.compile(r'"?<([A-Za-z][^<>]*)>"?')


class AdviceKind(StrEnum):
    """What a piece of advice is."""

    WORDS = "words"
    NAME = "name"
    """Taken as it is, in a sentence."""
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class AdvicePart:
    """One piece."""

    kind: AdviceKind
    text: str


def advice_parts(text: str) -> tuple[AdvicePart, ...]:
    """The pieces of a text, in their order."""
    parts = []
    for number, piece in enumerate(_QUOTED.split(text)):
        if not piece:
            continue
        quoted = AdviceKind.COMMAND if _PROGRAM.fullmatch(piece) else AdviceKind.NAME
        parts.append(AdvicePart(quoted if number % 2 else AdviceKind.WORDS, piece))
    return tuple(parts)


def filled_in(text: str, known: Mapping[str, str | None]) -> str:
    """A text with what is known in place of `<name>`; what is not known stays. Quotes around it go with it."""
    return _PLACEHOLDER.sub(lambda found: known.get(found[1]) or found[0], text)


def known_of(record: Record) -> dict[str, str | None]:
    """What an onboarding tells for advice: its domain, as far as it is known."""
    return {"domain": record.findings.get("domain") or record.request.domain_to_verify}


def in_real_names(happening: Happening, record: Record, known: Mapping[str, str | None]) -> Happening:
    """A happening of an onboarding whose problem, if it has one, says what to do with what is known filled in."""
    if not isinstance(happening, Postponed | Stopped | Looked | NoticeFailed | MessageRefused) or not happening.problem:
        return happening
    known = {**known_of(record), **known}
    what_next = shorten(filled_in(happening.problem.what_next, known))
    told = happening.problem.model_copy(update={"what_next": what_next})
    if isinstance(happening, Postponed):
        return replace(happening, problem=told, in_the_end=shorten(filled_in(happening.in_the_end, known)))
    return replace(happening, problem=told)
