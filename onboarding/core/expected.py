"""What a field of a model takes, and what is said of a value that it refuses: in our words. Pure.

By the field and by the type of pydantic's error: neither a pattern nor a sentence of a library reaches a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from onboarding.core.patterns import IN_WORDS

FLAG_WORDS = "true or false, without quotes"
NAME_COMPARED = 60
"""Characters of a name that is compared with the right ones."""


@dataclass(frozen=True, slots=True)
class ExpectedWords:
    """Stands with a type in `Annotated`, where no pattern says what is expected."""

    words: str
    lines: bool = False
    """It is a text of several lines."""


def in_words(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    """What is wrong with a value, as the end of a sentence that begins with its field.

    `error` is one of pydantic's `ValidationError.errors()`, of that model. The value itself is not told.
    """
    said: Mapping[str, Any] = error.get("ctx") or {}
    if "problem" in said:
        # Our own validators say it themselves.
        return str(said["problem"])
    if error["type"] == "extra_forbidden":
        *place, name = error["loc"]
        return no_such_field(str(name), _names(_at(model, place)[0]))
    expected = expected_at(model, error["loc"])
    sentence = _SENTENCES.get(error["type"])
    if sentence is not None:
        return sentence(said, error.get("input"), expected)
    return f"must be {expected}" + (f"; it is {kind_of(error.get('input'))}" if _is_of_kind(error["type"]) else "")


def expected_at(model: type[BaseModel], place: Sequence[int | str]) -> str:
    """What is expected at a place in a model's JSON, with an example where a kind of value alone would not tell."""
    return _words(*_at(model, place))


def no_such_field(name: str, names: Iterable[str]) -> str:
    """Of a field that there is not: the one that was likely meant, else all that there are."""
    known = {each.lower(): each for each in names}
    near = get_close_matches(name[:NAME_COMPARED].lower(), known, 1)
    if near:
        return f"is no field here; did you mean '{known[near[0]]}'?"
    return f"is no field here; expected is {_listed(known.values(), 'or')}" if known else "is no field here"


def kind_of(value: Any) -> str:
    """What a value of JSON is."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return "a text" if value else "an empty text"
        case int() | float():
            return "a number"
        case list() | tuple():
            return "a list"
    return "an object"


def _too_short(said: Mapping[str, Any], value: Any, expected: str) -> str:
    least = said["min_length"]
    return f"has {said['actual_length']} items; at least {least} {'is' if least == 1 else 'are'} needed: {expected}"


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any], Any, str], str]] = {
    "missing": lambda said, value, expected: f"is required, and must be {expected}",
    "string_pattern_mismatch": lambda said, value, expected: f"must be {expected}",
    "string_too_long": lambda said, value, expected: (
        f"has {len(value)} characters; at most {said['max_length']} are taken"
    ),
    "string_too_short": lambda said, value, expected: f"has {len(value)} characters; must be {expected}",
    "too_short": _too_short,
    "too_long": lambda said, value, expected: f"has {said['seen']} items; at most {said['most']} are taken",
    "value_error": lambda said, value, expected: str(said["error"]),
}
"""By the type of the error. Of all others it is said what is expected."""


def _is_of_kind(error: str) -> bool:
    """Whether a value of another kind was expected, such as a list in place of a text."""
    return error.endswith(("_type", "_parsing"))


def _at(model: type[BaseModel], place: Sequence[int | str]) -> tuple[Any, tuple[Any, ...]]:
    """The type that stands at a place, and what stands with it; (None, ()) when there is none."""
    kind, told = bare_type(model)
    for name in place:
        if isinstance(name, int):
            kind, told = bare_type(next(iter(get_args(kind)), None))
            continue
        field = _fields(kind).get(name)
        kind, told = bare_type(field.annotation, tuple(field.metadata)) if field else (None, ())
    return kind, told


def bare_type(kind: Any, told: tuple[Any, ...] = ()) -> tuple[Any, tuple[Any, ...]]:
    """A type without `Annotated` and `| None`, and what stands with it."""
    origin = get_origin(kind)
    if origin is Annotated:
        kind, *more = get_args(kind)
        return bare_type(kind, (*told, *more))
    if origin in (Union, UnionType):
        return bare_type(next(each for each in get_args(kind) if each is not type(None)), told)
    return kind, told


def _fields(kind: Any) -> dict[str, Any]:
    """Those of a model, by their names in JSON."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return {}
    return {field.alias or name: field for name, field in kind.model_fields.items()}


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(_fields(kind))


def _words(kind: Any, told: tuple[Any, ...]) -> str:
    for each in told:
        if isinstance(each, ExpectedWords):
            return each.words
        if (words := IN_WORDS.get(getattr(each, "pattern", None) or "")) is not None:
            return words
    if get_origin(kind) is Literal:
        return one_of(get_args(kind))
    if get_origin(kind) is tuple:
        return f"a list in square brackets, and each item {_words(*bare_type(get_args(kind)[0]))}"
    if not isinstance(kind, type):
        return "another value"
    if issubclass(kind, Enum):
        return one_of(each.value for each in kind)
    if issubclass(kind, BaseModel):
        return f"an object in braces with {_listed(_names(kind), 'and')}"
    if kind is bool:
        return FLAG_WORDS
    if kind in (int, float):
        return f"a {'whole ' if kind is int else ''}number{_range(told)}"
    return f"a text{_lengths(told)}"


def one_of(values: Iterable[Any]) -> str:
    """Values in quotes, of which one is expected."""
    return _listed(values, "or")


def _listed(values: Iterable[Any], last: str) -> str:
    *others, final = (f"'{value}'" for value in values)
    return f"{', '.join(others)} {last} {final}" if others else final


def _bound(told: tuple[Any, ...], *names: str) -> Any:
    found = (getattr(each, name, None) for each in told for name in names)
    return next((bound for bound in found if bound is not None), None)


def _lengths(told: tuple[Any, ...]) -> str:
    least, most = _bound(told, "min_length"), _bound(told, "max_length")
    return f" of {least or 0} to {most} characters" if most is not None else ""


def _range(told: tuple[Any, ...]) -> str:
    above, least, most = _bound(told, "gt"), _bound(told, "ge"), _bound(told, "le")
    parts = (
        f"greater than {above}" if above is not None else "",
        f"of at least {least}" if least is not None else "",
        f"of at most {most}" if most is not None else "",
    )
    said = " and ".join(filter(None, parts))
    return f" {said}" if said else ""
