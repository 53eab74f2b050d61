"""A request as somebody is writing it: what a form holds, how JSON is made of it, and it of JSON. Pure.

It has the tree of the request's fields: of a field a text (true or false of a flag, a list where several are
chosen), of a part a dict, of a list of parts a list of these. Whatever was typed stays, right or wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onboarding.core.reasons import Reason
from onboarding.core.request_fields import AskedField, AskedNode, AskedPart, Shape, below, one_of_many

TICKED = "on"
"""What a browser sends for a box that is ticked."""
ROW_PLACE = r"\[([0-9]{1,3})\]"
_LAST = re.compile(rf"(.+){ROW_PLACE}")
_PATH = re.compile(r"\b[a-z][A-Za-z]*(?:\.[A-Za-z]+|\[[0-9]+\])+")
"""A field's path within a sentence."""

WrittenParts = dict[str, Any]


def chosen_name(name: str, choice: str) -> str:
    """What the box of one of several choices is called in a form."""
    return f"{name}#{choice}"


# -- written ----------------------------------------------------------------------------------------------------------


def empty(part: AskedPart) -> WrittenParts:
    """Nothing but the defaults; no part of a list."""
    return {node.name: _empty(node) for node in part.inner}


def read_typed(part: AskedPart, typed: Mapping[str, str], at: str = "") -> WrittenParts:
    """What a form of that part sent."""
    return {node.name: _read(node, typed, below(at, node.name)) for node in part.inner}


def written_of(part: AskedPart, body: Any) -> tuple[WrittenParts, tuple[str, ...]]:
    """A request in JSON as it would be written, and the paths of what a form has no place for."""
    lost: list[str] = []
    return _of_part(part, body, "", lost), tuple(lost)


def _empty(node: AskedNode) -> Any:
    if isinstance(node, AskedPart):
        return [] if node.many else empty(node)
    match node.shape:
        case Shape.FLAG:
            return bool(node.default)
        case Shape.CHOICES:
            return list(node.default or ())
        case Shape.FIXED:
            return node.choices[0]
        case Shape.LINES:
            return "\n".join(node.default or ())
    return "" if node.default is None else str(node.default)


def _read(node: AskedNode, typed: Mapping[str, str], name: str) -> Any:
    if isinstance(node, AskedPart):
        if not node.many:
            return read_typed(node, typed, name)
        rows = (re.match(rf"{re.escape(name)}{ROW_PLACE}\.", key) for key in typed)
        return [read_typed(node, typed, f"{name}[{row}]") for row in sorted({int(found[1]) for found in rows if found})]
    match node.shape:
        case Shape.FLAG:
            return typed.get(name) == TICKED
        case Shape.CHOICES:
            return [key.partition("#")[2] for key in typed if key.startswith(chosen_name(name, ""))]
        case Shape.FIXED:
            return node.choices[0]
    return typed.get(name, "").replace("\r\n", "\n")


def _of_part(part: AskedPart, body: Any, at: str, lost: list[str]) -> WrittenParts:
    if body is None:
        return empty(part)
    if not isinstance(body, dict):
        lost.append(at or "(body)")
        return empty(part)
    known = {node.name for node in part.inner}
    lost += [below(at, str(name)) for name in body if name not in known]
    return {node.name: _of_node(node, body.get(node.name), below(at, node.name), lost) for node in part.inner}


def _of_node(node: AskedNode, value: Any, at: str, lost: list[str]) -> Any:
    if isinstance(node, AskedPart):
        if not node.many:
            return _of_part(node, value, at, lost)
        if isinstance(value, list) and len(value) <= node.most:
            return [_of_part(node, each, f"{at}[{i}]", lost) for i, each in enumerate(value)]
        shown = value is None
    else:
        shown = value is None or node.shape is Shape.FIXED or _fits(node, value)
        if shown and value is not None:
            return "\n".join(value) if node.shape is Shape.LINES else value if _is_kept(node) else str(value)
    if not shown:
        lost.append(at)
    return _empty(node)


def _is_kept(node: AskedField) -> bool:
    return node.shape in (Shape.FLAG, Shape.CHOICES)


def _fits(node: AskedField, value: Any) -> bool:
    """Whether the input of that field can hold a value as it is."""
    match node.shape:
        case Shape.FLAG:
            return isinstance(value, bool)
        case Shape.NUMBER:
            return isinstance(value, int | str) and not isinstance(value, bool)
        case Shape.CHOICES | Shape.LINES:
            return isinstance(value, list) and all(_is_line(each) and each.strip() for each in value)
        case Shape.LONG:
            return isinstance(value, str)
    return _is_line(value)


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and len(value.splitlines()) <= 1


# -- changed ----------------------------------------------------------------------------------------------------------


def compacted(part: AskedPart, written: WrittenParts) -> WrittenParts:
    """Without the parts of lists in which nothing was filled in."""
    return {node.name: _compacted(node, written[node.name]) for node in part.inner}


def with_row(part: AskedPart, written: WrittenParts, name: str) -> WrittenParts:
    """With one more part in the list of that name; as it is when there is no such list, or no room in it."""
    return _with(part, written, "", name, None)


def without_row(part: AskedPart, written: WrittenParts, name: str, row: int) -> WrittenParts:
    """Without that part of the list."""
    return _with(part, written, "", name, row)


def is_blank(node: AskedNode, value: Any) -> bool:
    """Whether nothing was filled in but what stood there."""
    if isinstance(node, AskedPart):
        return all(is_blank(n, each[n.name]) for each in (value if node.many else [value]) for n in node.inner)
    return value == _empty(node) or (isinstance(value, str) and not value.strip())


def _compacted(node: AskedNode, value: Any) -> Any:
    if not isinstance(node, AskedPart):
        return value
    if not node.many:
        return compacted(node, value)
    return [compacted(node, each) for each in value if not is_blank(node, [each])]


def _with(part: AskedPart, written: WrittenParts, at: str, name: str, leave_out: int | None) -> WrittenParts:
    made = dict(written)
    for node in part.inner:
        path = below(at, node.name)
        if not isinstance(node, AskedPart):
            continue
        if not node.many:
            made[node.name] = _with(node, written[node.name], path, name, leave_out)
        elif path == name:
            rows = list(written[node.name])
            if leave_out is None:
                rows += [empty(node)] if len(rows) < node.most else []
            else:
                del rows[leave_out : leave_out + 1]
            made[node.name] = rows
    return made


# -- sent -------------------------------------------------------------------------------------------------------------

_LEFT_OUT = object()


def body_of(part: AskedPart, written: WrittenParts) -> dict[str, Any]:
    """The request in JSON, to be judged: what is blank is left out, what is wrong stands there as it was typed."""
    made = ((node.name, _body(node, written[node.name])) for node in part.inner)
    return {name: value for name, value in made if value is not _LEFT_OUT}


def lines_of(text: str) -> list[str]:
    """What stands in the lines of a text, without blanks around it."""
    return [line for line in map(str.strip, text.splitlines()) if line]


def _body(node: AskedNode, value: Any) -> Any:
    if isinstance(node, AskedPart):
        if node.many:
            return [body_of(node, each) for each in value] if value or node.must else _LEFT_OUT
        return body_of(node, value) if node.must or not is_blank(node, value) else _LEFT_OUT
    match node.shape:
        case Shape.FLAG | Shape.CHOICES | Shape.FIXED:
            return value
        case Shape.LINES:
            return lines_of(value) if node.must or value.strip() else _LEFT_OUT
    text = value.strip()
    if not text:
        return _LEFT_OUT
    return int(text) if node.shape is Shape.NUMBER and text.isascii() and text.isdigit() and len(text) < 10 else text


# -- refused ----------------------------------------------------------------------------------------------------------


@dataclass
class Places:
    """Every place of what is written, by its path."""

    nodes: dict[str, AskedNode] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    """In words, with what it stands in."""

    def place_of(self, path: str) -> str:
        """The nearest place that a path is in; empty: the whole."""
        while path and path not in self.nodes:
            last = _LAST.fullmatch(path)
            path = last[1] if last else path.rpartition(".")[0]
        return path

    def told(self, reason: Reason) -> str:
        """What is wrong, as a sentence for the reader of a form."""
        place = self.place_of(reason.field)
        node = self.nodes.get(place)
        if node is None:
            return f"{_capital(reason.told)}."
        message = _PATH.sub(lambda found: self._label_of(found[0]), reason.message)
        if reason.rule in ("missing", "too_short"):
            if isinstance(node, AskedPart):
                return f"{node.label}: at least one is needed."
            each = ", each in a line of its own" if node.shape is Shape.LINES else ""
            return f"{node.label} is needed: {node.words}{each}."
        line = _LAST.fullmatch(reason.field)
        if line and isinstance(node, AskedField):
            return f"{node.label}, line {int(line[2]) + 1}, “{reason.value}” {message}."
        return f"{node.label} {message}."

    def _label_of(self, path: str) -> str:
        """A path in words; what is none, such as the name of a host, stays as it is."""
        line = _LAST.fullmatch(path)
        if line and line[1] in self.labels and path not in self.labels:
            return f"{self.labels[line[1]]}, line {int(line[2]) + 1}"
        return self.labels.get(path, path)


def places_of(part: AskedPart, written: WrittenParts) -> Places:
    """Those of what is written."""
    found = Places()
    for path, node, label in _walk(part, written, "", ()):
        found.nodes[path] = node
        found.labels[path] = label
    return found


def wrong_of(places: Places, reasons: Sequence[Reason]) -> dict[str, str]:
    """Path of a place → what is wrong there; empty: with the whole."""
    wrong: dict[str, list[str]] = {}
    for reason in reasons:
        wrong.setdefault(places.place_of(reason.field), []).append(places.told(reason))
    return {place: " ".join(dict.fromkeys(told)) for place, told in wrong.items()}


def _walk(
    part: AskedPart, written: WrittenParts, at: str, above: tuple[str, ...]
) -> Iterator[tuple[str, AskedNode, str]]:
    for node in part.inner:
        path, label = below(at, node.name), (*above, node.label)
        yield path, node, ", ".join(label)
        if not isinstance(node, AskedPart):
            continue
        if not node.many:
            yield from _walk(node, written[node.name], path, label)
            continue
        for row, each in enumerate(written[node.name]):
            numbered = (*above, f"{one_of_many(node.name)} {row + 1}")
            yield from _walk(node, each, f"{path}[{row}]", numbered)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
