"""What a request asks for, as a tree of fields and parts: read from its pydantic model, for forms and for tables. Pure.

Nothing here names a field: what is added to a model is asked for. A label is made of the field's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from onboarding.core.expected import ExpectedWords, bare_type, expected_at
from onboarding.core.services import Service

FieldMeaning = Callable[[type[BaseModel], str, str], str]
"""Model, field and its name in JSON → what it means, in a sentence."""

_NAMES = {**{service.value: service.label for service in Service}, "fqdn": "FQDN", "dns": "DNS"}
"""Labels that are more than the words of a name."""
_ABBREVIATIONS = {"mcp": "MCP", "dns": "DNS", "id": "ID", "email": "e-mail", "emails": "e-mails"}


class Shape(StrEnum):
    """How a value is given."""

    TEXT = "text"
    """One line."""
    LONG = "long"
    """A text of several lines."""
    NUMBER = "number"
    FLAG = "flag"
    """True or false."""
    CHOICE = "choice"
    """One of some values."""
    CHOICES = "choices"
    """Any of some values."""
    LINES = "lines"
    """Several texts."""
    FIXED = "fixed"
    """The one value that there is."""


@dataclass(frozen=True, slots=True)
class AskedField:
    """A value that a request may have."""

    name: str
    """In JSON."""
    label: str
    help: str
    """What it means."""
    words: str
    """What a value must be, as the end of a sentence."""
    shape: Shape
    must: bool
    """It has no default."""
    choices: tuple[str, ...] = ()
    default: Any = None
    """In JSON; None: it is left out."""

    def label_of(self, choice: str) -> str:
        """A choice for people."""
        return name_in_words(choice) if choice.isidentifier() else choice


@dataclass(frozen=True, slots=True)
class AskedPart:
    """Fields that belong together."""

    name: str
    """In JSON; empty: the whole request."""
    label: str
    help: str
    must: bool
    inner: tuple[AskedNode, ...]
    many: bool = False
    """A list of such parts."""
    most: int = 1
    """Of the list."""

    def find(self, name: str) -> AskedNode:
        """By its name in JSON. Raises StopIteration when there is none."""
        return next(node for node in self.inner if node.name == name)


AskedNode = AskedField | AskedPart


def asked_of(model: type[BaseModel], meaning: FieldMeaning) -> AskedPart:
    """The whole of a request's model."""
    return AskedPart("", "", "", True, tuple(_nodes(model, meaning)))


def columns_of(part: AskedPart, at: str = "") -> Iterator[str]:
    """The path of each value without places in lists, as a table's column is called."""
    for node in part.inner:
        path = below(at, node.name)
        if isinstance(node, AskedPart):
            yield from columns_of(node, path)
        else:
            yield path


def columns_explained(part: AskedPart, at: str = "", listed: bool = False) -> Iterator[tuple[str, str, bool]]:
    """The same, each with what it means and must be, and whether it can have more than one."""
    for node in part.inner:
        path = below(at, node.name)
        if isinstance(node, AskedPart):
            yield from columns_explained(node, path, listed or node.many)
        else:
            several = listed or node.shape in (Shape.LINES, Shape.CHOICES)
            yield path, f"{node.help} {node.words}".replace("`", "").strip(), several


def below(at: str, name: str) -> str:
    """The path of what is called so in what stands at a path."""
    return f"{at}.{name}" if at else name


def name_in_words(name: str) -> str:
    """`phoneNumber` → `Phone number`."""
    if name in _NAMES:
        return _NAMES[name]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("-", " ").lower().split()
    text = " ".join(_ABBREVIATIONS.get(word, word) for word in words)
    return text[0].upper() + text[1:]


def one_of_many(name: str) -> str:
    """`testLines` → `Test line`."""
    return name_in_words(name).removesuffix("s")


def _nodes(model: type[BaseModel], meaning: FieldMeaning) -> Iterator[AskedNode]:
    for field_name, field in model.model_fields.items():
        name = field.alias or field_name
        kind, told = bare_type(field.annotation, tuple(field.metadata))
        label, must, meant = name_in_words(name), field.is_required(), meaning(model, field_name, name)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            # One with a default is there in any case: it is asked for like one without.
            optional = not must and field.default is None
            yield AskedPart(name, label, meant, not optional, tuple(_nodes(kind, meaning)))
            continue
        item = get_args(kind)[0] if get_origin(kind) is tuple else None
        item_kind, item_told = bare_type(item) if item is not None else (None, ())
        if isinstance(item_kind, type) and issubclass(item_kind, BaseModel):
            most = next(each.max_length for each in told if hasattr(each, "max_length"))
            yield AskedPart(name, label, meant, must, tuple(_nodes(item_kind, meaning)), many=True, most=most)
            continue
        shape, choices = _shape(kind, told) if item is None else _shape_of_many(item_told)
        words = expected_at(model, (name,) if item is None else (name, 0))
        yield AskedField(name, label, meant, words, shape, must, choices, _default(field))


def _shape(kind: Any, told: tuple[Any, ...]) -> tuple[Shape, tuple[str, ...]]:
    if get_origin(kind) is Literal:
        return Shape.FIXED, get_args(kind)
    if issubclass(kind, Enum):
        return Shape.CHOICE, tuple(str(each.value) for each in kind)
    if kind is bool:
        return Shape.FLAG, ()
    if kind is int:
        return Shape.NUMBER, ()
    return Shape.LONG if any(isinstance(each, ExpectedWords) and each.lines for each in told) else Shape.TEXT, ()


def _shape_of_many(told: tuple[Any, ...]) -> tuple[Shape, tuple[str, ...]]:
    extras = (each.json_schema_extra for each in told if isinstance(each, FieldInfo))
    choices = next((extra["enum"] for extra in extras if isinstance(extra, dict) and "enum" in extra), None)
    return (Shape.CHOICES, tuple(str(each) for each in choices)) if isinstance(choices, list) else (Shape.LINES, ())


def _default(field: FieldInfo) -> Any:
    found = field.get_default()
    if found is PydanticUndefined or found is None:
        return None
    if isinstance(found, tuple):
        return list(found)
    return found.value if isinstance(found, Enum) else found
