"""What is wrong with a request: every reason, collected, then raised once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from onboarding.core.parts import Part
from onboarding.core.patterns import IN_WORDS

P = TypeVar("P", bound=Part)
SHOWN_LENGTH = 200
MOST_REASONS = 50
"""Told of one request; the others are counted."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing wrong with a request."""

    field: str
    rule: str
    value: Any
    message: str

    def to_json(self) -> dict[str, Any]:
        return {"field": self.field, "rule": self.rule, "value": self.value, "message": self.message}


class InvalidRequestError(Exception):
    """The request breaks rules; `reasons` holds the first MOST_REASONS, in the order of the fields."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        self.reasons = tuple(reasons[:MOST_REASONS])
        self.more = "" if len(reasons) <= MOST_REASONS else f"and {len(reasons) - MOST_REASONS} more"
        """How many there are besides, in words."""
        count = "1 reason" if len(reasons) == 1 else f"{len(reasons)} reasons"
        told = [f"{r.field}: {r.message}" for r in self.reasons] + [self.more] * bool(self.more)
        super().__init__(f"The request was refused for {count}: {'; '.join(told)}")


_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request; check the spelling (names are camelCase)",
}


def read_part(model: type[P], body: Any) -> P:
    """Parsed JSON → a part of a request. Raises InvalidRequestError with all reasons."""
    try:
        return model.model_validate(body, strict=False)
    except ValidationError as error:
        raise InvalidRequestError([*reasons_of(error)]) from None


def reasons_of(error: ValidationError) -> Iterable[Reason]:
    """What single fields broke."""
    return (_reason(e) for e in error.errors(include_url=False))


def _reason(error: Any) -> Reason:
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error["loc"]).lstrip(".") or "(body)"
    rule = str(error["type"])
    message = _MESSAGES.get(rule, error["msg"])
    if rule == "string_pattern_mismatch":
        message = f"must be {IN_WORDS[error['ctx']['pattern']]}"
    return Reason(str(as_answered(path)), rule, as_answered(None if rule == "missing" else error.get("input")), message)


def as_answered(value: Any) -> Any:
    """The offending value as it goes into the answer: whole when short, else its start."""
    if isinstance(value, str):
        return value if len(value) <= SHOWN_LENGTH else value[:SHOWN_LENGTH] + "…"
    if value is None or isinstance(value, bool | int | float):
        return value
    text = repr(value)
    return text if len(text) <= SHOWN_LENGTH else text[:SHOWN_LENGTH] + "…"
