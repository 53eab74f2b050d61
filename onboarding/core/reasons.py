"""What is wrong with a request: every reason, collected, then raised once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from onboarding.core.certificate_chain import holds_private_key
from onboarding.core.expected import FLAG_WORDS, in_words, kind_of, no_such_field
from onboarding.core.parts import Part

P = TypeVar("P", bound=Part)
SHOWN_LENGTH = 200
SEEN_LENGTH = 60
"""Characters of a value, where it stands in a sentence."""
NOT_SHOWN = "(not shown: it holds a private key)"
MOST_REASONS = 50
"""Told of one request; the others are counted."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing wrong with a request."""

    field: str
    rule: str
    value: Any
    message: str

    @property
    def told(self) -> str:
        """For people: the field, what is wrong, and what was seen there."""
        shown = self.value if isinstance(self.value, str) else json.dumps(self.value)
        shown = shown if len(shown) <= SEEN_LENGTH else f"{shown[:SEEN_LENGTH]}…"
        return f"{self.field}: {self.message}" + (f" (seen: {shown})" if self.value not in (None, "") else "")

    def to_json(self) -> dict[str, Any]:
        return {"field": self.field, "rule": self.rule, "value": self.value, "message": self.message}


class InvalidRequestError(Exception):
    """The request breaks rules; `reasons` holds the first MOST_REASONS, in the order of the fields."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        self.reasons = tuple(reasons[:MOST_REASONS])
        self.more = "" if len(reasons) <= MOST_REASONS else f"and {len(reasons) - MOST_REASONS} more"
        """How many there are besides, in words."""
        count = "1 reason" if len(reasons) == 1 else f"{len(reasons)} reasons"
        told = [reason.told for reason in self.reasons] + [self.more] * bool(self.more)
        super().__init__(f"The request was refused for {count}: {'; '.join(told)}")


def read_part(model: type[P], body: Any) -> P:
    """Parsed JSON → a part of a request. Raises InvalidRequestError with all reasons."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise InvalidRequestError([*reasons_of(error, model)]) from None


def read_fields(body: Any, kinds: Mapping[str, type[str] | type[bool] | type[dict[str, Any]]]) -> dict[str, Any]:
    """Parsed JSON → an object of these fields, all optional. Raises InvalidRequestError with all reasons."""
    if not isinstance(body, dict):
        expected = f"must be an object in braces, with {' or '.join(kinds)}; it is {kind_of(body)}"
        raise InvalidRequestError([Reason("(body)", "object_type", as_answered(body), expected)])
    reasons: list[Reason] = []
    for name, value in body.items():
        kind = kinds.get(name)
        if kind is None:
            words = no_such_field(name, kinds) if len(reasons) < MOST_REASONS else ""
            reasons.append(Reason(str(as_answered(name)), "extra_forbidden", as_answered(value), words))
        elif not isinstance(value, kind):
            rule, words = _KINDS[kind]
            reasons.append(Reason(name, rule, as_answered(value), f"must be {words}; it is {kind_of(value)}"))
    if reasons:
        raise InvalidRequestError(reasons)
    return body


_KINDS: Mapping[type, tuple[str, str]] = {
    str: ("string_type", "a text in quotes"),
    bool: ("bool_type", FLAG_WORDS),
    dict: ("object_type", "an object in braces"),
}
"""The rule that another kind of value breaks, and what is expected."""


def reasons_of(error: ValidationError, model: type[BaseModel]) -> Iterable[Reason]:
    """What single fields of a model broke. Words are found only for as many as are told."""
    errors = [each for each in error.errors(include_url=False) if not _is_of_items(each)]
    for each in errors[:MOST_REASONS]:
        yield _reason(each, in_words(each, model))
    for each in errors[MOST_REASONS:]:
        yield _reason(each, "")


def _is_of_items(error: Any) -> bool:
    """Whether a list is called too short only because its items are refused, each with a reason of its own."""
    given, least = error.get("input"), (error.get("ctx") or {}).get("min_length", 0)
    return error["type"] == "too_short" and isinstance(given, list) and len(given) >= least


def _reason(error: Any, message: str) -> Reason:
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error["loc"]).lstrip(".") or "(body)"
    rule = str(error["type"])
    return Reason(str(as_answered(path)), rule, as_answered(None if rule == "missing" else error.get("input")), message)


def as_answered(value: Any) -> Any:
    """The offending value as it goes into the answer: whole when short, else its start; never of a private key."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if holds_private_key(text):
        return NOT_SHOWN
    return text if len(text) <= SHOWN_LENGTH else text[:SHOWN_LENGTH] + "…"
