"""A request as a form: its fields and parts with what stands in them, and what is wrong beside each. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from onboarding.core.certificate_chain import holds_private_key
from onboarding.core.request_fields import AskedField, AskedPart, Shape, asked_of, below, one_of_many
from onboarding.core.written_request import WrittenParts, chosen_name, empty, is_blank
from onboarding.http.meanings import meaning_of
from onboarding.kinds import KINDS

_MOST_TEXT = 1_000
_MOST_LONG = 16_000


@cache
def asked_by(kind: str) -> AskedPart:
    """What a request of that kind asks for. Raises KeyError for a kind that there is not."""
    return asked_of(KINDS[kind], meaning_of)


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field of the form."""

    asked: AskedField
    name: str
    value: Any
    wrong: str
    focused: bool = False
    """Where the reader goes on."""

    @property
    def id(self) -> str:
        return id_of(self.name)

    @property
    def help(self) -> str:
        """What it means, and what it must be where that does not say itself."""
        told = self.asked.help.replace("`", "")
        if self.asked.shape in (Shape.TEXT, Shape.NUMBER, Shape.LINES):
            each = " Each in a line of its own." if self.asked.shape is Shape.LINES else ""
            return f"{told} Expected: {self.asked.words}.{each}"
        return told

    @property
    def described_by(self) -> str:
        return " ".join(filter(None, (f"{self.id}-wrong" if self.wrong else "", f"{self.id}-hint")))

    @property
    def choices(self) -> Iterator[tuple[str, str, str, bool]]:
        """Name, value, label and whether it is chosen, of what can be chosen, and of what was though it can't be."""
        chosen = self.value if isinstance(self.value, list) else [self.value]
        more = [each for each in chosen if each and each not in self.asked.choices]
        for each in (*self.asked.choices, *dict.fromkeys(more)):
            yield chosen_name(self.name, each), each, self.asked.label_of(each), each in chosen

    @property
    def rows(self) -> int:
        return min(12, max(3, str(self.value).count("\n") + 2))

    @property
    def most(self) -> int:
        """Characters that its input takes: a text that is too long is refused in words, and not cut silently."""
        return _MOST_LONG if self.asked.shape in (Shape.LONG, Shape.LINES) else _MOST_TEXT


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One part of a list."""

    name: str
    label: str
    inner: tuple[ShownField | ShownPart, ...]

    @property
    def id(self) -> str:
        return id_of(self.name)


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A part of the form."""

    asked: AskedPart
    name: str
    wrong: str
    rows: tuple[ShownRow, ...]
    """Of a list: its parts. Else the one that there is."""
    blank: bool
    """Nothing is filled in."""
    open: bool = True
    """It is shown at once: it is needed, there is something in it, or the reader is at it."""

    @property
    def id(self) -> str:
        return id_of(self.name)

    @property
    def help(self) -> str:
        return self.asked.help.replace("`", "")

    @property
    def may_have_more(self) -> bool:
        return self.asked.many and len(self.rows) < self.asked.most


ShownNode = ShownField | ShownPart


def shown_request(
    part: AskedPart, written: WrittenParts, wrong: Mapping[str, str], focus: str = ""
) -> Sequence[Sequence[ShownNode]]:
    """The form, in blocks: each part is one, and so are fields that stand together. `focus`: where the reader goes on:
    a field, or a part of which it is the first."""
    blocks: list[list[ShownNode]] = []
    for shown in _inner(part, written, "", wrong, focus):
        beside = blocks and isinstance(shown, ShownField) and isinstance(blocks[-1][-1], ShownField)
        if beside:
            blocks[-1].append(shown)
        else:
            blocks.append([shown])
    return blocks


def id_of(name: str) -> str:
    """An id for what has that name in the form, which a fragment of an address can have too."""
    return f"f-{re.sub('[^A-Za-z0-9]+', '-', name).strip('-')}"


def _inner(
    part: AskedPart, written: WrittenParts, at: str, wrong: Mapping[str, str], focus: str
) -> Iterator[ShownNode]:
    for node in part.inner:
        name = below(at, node.name)
        if isinstance(node, AskedPart):
            yield _part(node, written[node.name], name, wrong, focus)
        elif node.shape is not Shape.FIXED:
            value, told = written[node.name], wrong.get(name, "")
            # Nothing of a private key goes back.
            kept = "" if isinstance(value, str) and holds_private_key(value) else value
            focused = bool(focus) and (name == focus or (at == focus and node is part.inner[0]))
            yield ShownField(node, name, kept, told, focused)


def _part(node: AskedPart, value: Any, name: str, wrong: Mapping[str, str], focus: str) -> ShownPart:
    told, blank = wrong.get(name, ""), is_blank(node, value)
    if not node.many:
        inner = tuple(_inner(node, value, name, wrong, focus))
        at_it = any(place == name or place.startswith(f"{name}.") for place in (*wrong, focus))
        opened = node.must or not blank or at_it
        return ShownPart(node, name, told, (ShownRow(name, node.label, inner),), blank, opened)
    one = one_of_many(node.name)
    rows = tuple(
        ShownRow(f"{name}[{i}]", f"{one} {i + 1}", tuple(_inner(node, each, f"{name}[{i}]", wrong, focus)))
        for i, each in enumerate(value or [empty(node)])
    )
    return ShownPart(node, name, told, rows, blank)
