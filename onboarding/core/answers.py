"""Typed answers: what a step asks of whoever ends it, as data, and what may be answered. Pure.

The fields stand on the plan, so on the record: an onboarding that was begun before a field came is not asked for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from onboarding.core import patterns
from onboarding.core.expected import kind_of, no_such_field, one_of
from onboarding.core.instructions import Value
from onboarding.core.reasons import MOST_REASONS, InvalidRequestError, Reason, as_answered

MOST_ITEMS = 20
"""Of one answer that is a list."""
ANSWERS_LENGTH = 2000
"""Characters of all answers of one step, as JSON: they stand in its record's row."""
EARLIEST = date(2000, 1, 1)
"""A date before it is mistyped."""

AnswerValue = str | tuple[str, ...]
Answers = Mapping[str, AnswerValue]
"""Name of the field → what was answered. What was not is not in it."""
NO_ANSWERS: Answers = {}


class AnswerKind(StrEnum):
    """What an answer is."""

    TEXT = "text"
    """One line; its field's pattern says more."""
    GUID = "guid"
    """Kept in lower case."""
    DATE = "date"
    """Such as 2026-03-02."""
    LINK = "link"
    """https, with no name, password or token in it: everybody who sees the onboarding sees it."""
    CHOICE = "choice"
    """One of its field's choices."""


_LENGTHS = {AnswerKind.LINK: 1000, AnswerKind.DATE: 10, AnswerKind.GUID: 36}
_TEXT_LENGTH = 100
_LINK_WORDS = "a link that begins with https://, such as https://contoso.sharepoint.com/evidence"
_DATE_WORDS = "a date: year, month and day, such as 2026-03-02"
_LINE_WORDS = f"one line of at most {_TEXT_LENGTH} characters"
_SECRETS = frozenset({"access_token", "api_key", "apikey", "password", "secret", "sig", "signature", "token"})
"""Parameters of a link that let in whoever has it, such as `sig` of a shared access signature."""
_EAST = timedelta(hours=14)
"""Today's date begins so much before it does in UTC (UTC+14, the Line Islands)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a step asks for."""

    name: str
    """In JSON (camelCase), for `record.answer(name)`, and in the audit trail."""
    label: str
    """For people."""
    kind: AnswerKind = AnswerKind.TEXT
    _: KW_ONLY
    required: bool = False
    """Without it the step can't be confirmed; leaving the step out needs no answer."""
    many: bool = False
    """A list of 1 to MOST_ITEMS such values; on a page one a line."""
    hint: str = ""
    """Where to find it, or what it is for: a sentence. Not on the plan."""
    pattern: str = ""
    """Of a text: what it looks like, as in `patterns.py`. Empty: any line."""
    expected: str = ""
    """What fits the pattern, in words, with an example: the end of "must be …"."""
    choices: tuple[str, ...] = ()
    ahead: int | None = None
    """Of a date: how many days after today it may be. None: any number."""
    correctable: bool = True
    """An operator may correct it after the step has ended."""

    @property
    def most(self) -> int:
        """Characters of one value."""
        return _LENGTHS.get(self.kind, _TEXT_LENGTH)

    @property
    def words(self) -> str:
        """What one value must be, as the end of a sentence."""
        match self.kind:
            case AnswerKind.GUID:
                return patterns.IN_WORDS[patterns.GUID]
            case AnswerKind.DATE:
                return _DATE_WORDS
            case AnswerKind.LINK:
                return _LINK_WORDS
            case AnswerKind.CHOICE:
                return one_of(self.choices)
        return self.expected or _LINE_WORDS


def read_answers(
    fields: Sequence[Field], given: Mapping[str, Any], now: datetime, kept: Answers = NO_ANSWERS
) -> Answers:
    """Parsed JSON → the answers to these fields, beside those `kept`; what is empty or null takes one of them back.

    Raises InvalidRequestError with every reason; `answers.` and its name is the field of each.
    """
    known = {field.name: field for field in fields}
    reasons: list[Reason] = []
    answers = dict(kept)
    for name, value in given.items():
        if name not in known:
            words = no_such_field(name, known) if len(reasons) < MOST_REASONS else ""
            reasons.append(Reason(f"answers.{as_answered(name)}", "extra_forbidden", as_answered(value), words))
            continue
        answers.pop(name, None)
        read = [] if _is_empty(value) else [*_read(known[name], value, now, reasons)]
        if read:
            answers[name] = tuple(dict.fromkeys(read)) if known[name].many else read[0]
    wrong = {reason.field.partition("[")[0] for reason in reasons}
    for field in fields:
        place = f"answers.{field.name}"
        if field.required and field.name not in answers and place not in wrong:
            what = f"one or more, each {field.words}" if field.many else field.words
            reasons.append(Reason(place, "missing", None, f"is required, and must be {what}"))
    length = len(json.dumps(answers))
    if length > ANSWERS_LENGTH:
        told = f"have {length} characters together, as JSON; at most {ANSWERS_LENGTH} are taken"
        reasons.append(Reason("answers", "too_long", None, told))
    if reasons:
        raise InvalidRequestError(reasons)
    return answers


def shown_answers(fields: Sequence[Field], answers: Answers) -> tuple[Value, ...]:
    """What was answered, for people, in the order of the fields."""
    return tuple(Value(f.label, in_one_text(answers[f.name])) for f in fields if f.name in answers)


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def in_one_text(value: AnswerValue) -> str:
    """An answer for people."""
    return value if isinstance(value, str) else ", ".join(value)


def _read(field: Field, value: Any, now: datetime, reasons: list[Reason]) -> Iterator[str]:
    """The values that are right, as they are kept; what is wrong goes to the reasons."""
    place = f"answers.{field.name}"
    if not field.many:
        values: list[tuple[str, Any]] = [(place, value)]
    elif not isinstance(value, list):
        told = f"must be a list in square brackets, and each item {field.words}; it is {kind_of(value)}"
        reasons.append(Reason(place, "list_type", as_answered(value), told))
        return
    elif len(value) > MOST_ITEMS:
        told = f"has {len(value)} items; at most {MOST_ITEMS} are taken"
        reasons.append(Reason(place, "too_long", len(value), told))
        return
    else:
        values = [(f"{place}[{at}]", item) for at, item in enumerate(value)]
    for where, item in values:
        text = item.strip() if isinstance(item, str) else ""
        problem = _problem(field, item, text, now)
        if problem is None:
            yield text.lower() if field.kind is AnswerKind.GUID else text
        else:
            rule, told = problem
            # What is a secret is not repeated.
            reasons.append(Reason(where, rule, None if rule == _LETS_IN else as_answered(item), told))


_LETS_IN = "link_lets_in"
_Problem = tuple[str, str] | None
"""The rule that is broken, and what is told of it."""


def _problem(field: Field, item: Any, text: str, now: datetime) -> _Problem:
    if not isinstance(item, str):
        return "string_type", f"must be a text in quotes: {field.words}; it is {kind_of(item)}"
    if len(text) > field.most:
        return "string_too_long", f"has {len(text)} characters; at most {field.most} are taken"
    if field.kind is AnswerKind.LINK and (found := _link_problem(text)):
        return found
    if not _fits(field, text):
        return field.kind, f"must be {field.words}"
    return _date_problem(field, date.fromisoformat(text), now) if field.kind is AnswerKind.DATE else None


def _fits(field: Field, text: str) -> bool:
    match field.kind:
        case AnswerKind.GUID:
            return patterns.fits(patterns.GUID, text)
        case AnswerKind.DATE:
            return patterns.fits(patterns.DATE, text) and _is_date(text)
        case AnswerKind.LINK:
            return patterns.fits(patterns.LINK, text) and text.isprintable()
        case AnswerKind.CHOICE:
            return text in field.choices
    return bool(text) and text.isprintable() and (not field.pattern or patterns.fits(field.pattern, text))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _date_problem(field: Field, day: date, now: datetime) -> _Problem:
    today = (now + _EAST).date()
    if day < EARLIEST:
        return "date_early", f"must not be before {EARLIEST}"
    # By days: a sum of dates has an end.
    days = (day - today).days
    if field.ahead is None or days <= field.ahead:
        return None
    if field.ahead == 0:
        return "date_ahead", "must not be in the future"
    return "date_ahead", f"must be at most {field.ahead} days from today; it is {days} days from now"


def _link_problem(text: str) -> _Problem:
    """What must not stand in a link, whatever else is wrong with it."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None  # No link: that is told.
    if "@" in parts.netloc:
        return _LETS_IN, "must have no name and no password before its host: everybody who reads the onboarding sees it"
    said = (name for part in (parts.query, parts.fragment) for name, _ in parse_qsl(part, keep_blank_values=True))
    found = next((name for name in said if name.lower().removeprefix("x-amz-") in _SECRETS), None)
    if found is not None:
        return _LETS_IN, f"must hold no secret; its '{found}' is one, and everybody who reads the onboarding sees it"
    return None
