"""Many requests as one table in CSV, as spreadsheets write it: a column for each value, read and written. Pure.

A line begins a request. What a list has more than one of stands in the lines below, in which the other columns are
empty or say the same again. Separators are commas, semicolons or tabs; `="+44…"` is how a spreadsheet is told that a
cell is a text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onboarding.core.expected import no_such_field
from onboarding.core.reasons import Reason
from onboarding.core.request_fields import AskedField, AskedNode, AskedPart, Shape, below, columns_of
from onboarding.core.written_request import WrittenParts, body_of, empty, lines_of, written_of

MOST_REQUESTS = 100
"""In one file."""
MOST_CSV_LINES = 5_000
SEPARATORS: Mapping[str, str] = {"comma": ",", "semicolon": ";", "tab": "\t"}
_YES = frozenset({"true", "yes", "1"})
_NO = frozenset({"false", "no", "0"})
_SAID = re.compile(r"sep=(.)", re.IGNORECASE)
"""The line before the heading by which Excel is told the separator."""
_AS_TEXT = re.compile(r'="(.*)"|\'([+=0-9].*)')
_WITHOUT_PLUS = re.compile(r"[0-9]{6,15}|[0-9]+[.,][0-9]+E\+?[0-9]+", re.IGNORECASE)
_SEVERAL = re.compile(r"[,;\n]")
LOST_PLUS = (
    "The + is missing: Excel takes it away from what it believes to be a number, and rounds long ones. Format the"
    " column as Text before the numbers are typed or pasted, or write an apostrophe before each: '+442079460101"
)
ENCODING = "Save it as “CSV UTF-8” (Excel: Save as, CSV UTF-8 (Comma delimited))."


class CsvError(ValueError):
    """The file as a whole can't be read; says what was seen, and what to do."""


@dataclass
class CsvRequest:
    """One request of a file."""

    line: int
    """In which it begins; the heading is line 1, unless Excel's `sep=` stands before it."""
    body: dict[str, Any] = field(default_factory=dict)
    """In JSON, to be judged."""
    last: int = 0
    lines: dict[str, int] = field(default_factory=dict)
    """Where what a path names was written, of what does not stand in the first line."""

    def told(self, reason: Reason) -> tuple[int, str, str]:
        """Line, column and what is wrong there."""
        path, line = reason.field, self.line
        while path:
            if path in self.lines:
                line = self.lines[path]
                break
            path = path.rpartition("[" if path.endswith("]") else ".")[0]
        lost = reason.rule == "phone_number" and _WITHOUT_PLUS.fullmatch(str(reason.value))
        seen = "" if reason.value in (None, "") else f" (seen: {reason.value})"
        return line, re.sub(r"\[[0-9]+\]", "", reason.field), reason.message + seen + (f". {LOST_PLUS}" if lost else "")


# -- read -------------------------------------------------------------------------------------------------------------


def decoded_csv(content: bytes) -> str:
    """A file's text: UTF-8, with a byte-order mark or without, or UTF-16 with one. Raises CsvError for any other."""
    utf_16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return content.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise CsvError(f"The file is not in UTF-8, so letters such as ü would be others. {ENCODING}") from None


def read_csv(part: AskedPart, text: str) -> list[CsvRequest]:
    """The requests of a table for that part, not yet judged. Raises CsvError when there is no telling what is meant."""
    lines = _lines(text)
    heading = next(lines, None)
    if heading is None:
        raise CsvError("The file is empty. Its first line names the columns; the template has it.")
    columns = _columns(part, heading[1])
    found: list[_Reading] = []
    for number, cells in lines:
        values = {name: cell for name, cell in zip(columns, cells, strict=False) if cell}
        if any(cells[len(columns) :]):
            raise CsvError(
                f"Line {number} has {len(cells)} cells; {len(columns)} columns are named in the first line. Look for a"
                " separator within a cell that has no quotes around it."
            )
        if not (found and found[-1].goes_on(values)):
            if len(found) == MOST_REQUESTS:
                raise CsvError(f"Line {number} begins another request; at most {MOST_REQUESTS} are taken at once.")
            found.append(_Reading(part, number))
        found[-1].take(number, values)
    if not found:
        raise CsvError("The file has a heading, and no line below it.")
    return [reading.request() for reading in found]


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each line that is not empty."""
    said = _SAID.fullmatch(text.partition("\n")[0].strip("\r "))
    begins = text.partition("\n")[2] if said else text
    separator = said[1] if said else _separator(begins)
    reader = csv.reader(io.StringIO(begins, newline=""), delimiter=separator, strict=True)
    before = reader.line_num
    try:
        for cells in reader:
            number, before = before + 1 + bool(said), reader.line_num
            if number > MOST_CSV_LINES:
                raise CsvError(f"The file has more than {MOST_CSV_LINES} lines.")
            plain = [_plain(cell) for cell in cells]
            if any(plain):
                yield number, plain
    except csv.Error as error:
        raise CsvError(
            f"It can't be read from line {before + 1 + bool(said)} on ({error}). Look there for a quote that is not"
            " closed, or stands within a cell."
        ) from None


def _separator(text: str) -> str:
    heading = text.lstrip().partition("\n")[0]
    return max(SEPARATORS.values(), key=heading.count)


def _plain(cell: str) -> str:
    stripped = cell.strip()
    as_text = _AS_TEXT.fullmatch(stripped)
    return (as_text[1] or as_text[2] or "").strip() if as_text else stripped


def _columns(part: AskedPart, heading: Sequence[str]) -> list[str]:
    """The columns' names as they are here. Raises CsvError with all that is wrong with them."""
    known = {name.lower(): name for name in columns_of(part)}
    heading = heading[: max((place for place, name in enumerate(heading, 1) if name), default=0)]
    if len(heading) > 2 * len(known):
        raise CsvError(f"The first line names {len(heading)} columns; there are {len(known)}, which the template has.")
    wrong = [
        f"“{name[:60]}” {no_such_field(name, known.values())}".replace("field", "column")
        for name in heading
        if name.lower() not in known
    ]
    columns = [known.get(name.lower(), name) for name in heading]
    wrong += [f"“{name[:60]}” stands twice" for name in dict.fromkeys(columns) if columns.count(name) > 1]
    if wrong:
        raise CsvError(f"The first line names the columns, and {'; '.join(wrong[:10])}.")
    return columns


class _Reading:
    """One request, line by line."""

    def __init__(self, part: AskedPart, line: int) -> None:
        self._part, self._written = part, empty(part)
        self._found = CsvRequest(line)
        self._once: dict[str, str] = {}
        """What stands in columns that are no lists."""
        self._ends: dict[str, int] = {}
        """Of each list of parts, the line of its last one."""
        self._several: dict[str, list[str]] = {}
        """What is given of each list of texts: it takes the place of the default."""

    def goes_on(self, values: Mapping[str, str]) -> bool:
        """Whether a line says more of the same request."""
        once = {name: cell for name, cell in values.items() if not self._is_listed(name)}
        return all(self._once.get(name) == cell for name, cell in once.items())

    def take(self, line: int, values: Mapping[str, str]) -> None:
        self._found.last = line
        for name, cell in values.items():
            if self._is_listed(name):
                self._put(name, cell, line)
            elif name not in self._once:
                self._once[name] = cell
                self._put(name, cell, line)

    def request(self) -> CsvRequest:
        self._found.body = body_of(self._part, self._written)
        return self._found

    def _is_listed(self, name: str) -> bool:
        return any(
            node.many if isinstance(node, AskedPart) else node.shape in (Shape.LINES, Shape.CHOICES)
            for node in _nodes_to(self._part, name)
        )

    def _put(self, name: str, cell: str, line: int) -> None:
        holder, at, leaf = self._written, "", None
        for node in _nodes_to(self._part, name):
            at = below(at, node.name)
            if not isinstance(node, AskedPart):
                leaf = node
            elif not node.many:
                holder = holder[node.name]
            else:
                rows = holder[node.name]
                if self._ends.get(at) != line:
                    self._ends[at] = line
                    self._found.lines[f"{at}[{len(rows)}]"] = line
                    rows.append(empty(node))
                holder, at = rows[-1], f"{at}[{len(rows) - 1}]"
        assert leaf is not None
        self._fill(leaf, holder, at, cell, line)

    def _fill(self, leaf: AskedField, holder: WrittenParts, at: str, cell: str, line: int) -> None:
        match leaf.shape:
            case Shape.FLAG:
                said = cell.lower()
                holder[leaf.name] = True if said in _YES else False if said in _NO else cell
            case Shape.CHOICES | Shape.LINES:
                # What is given takes the place of the default.
                items = self._several.setdefault(at, [])
                for item in filter(None, map(str.strip, _SEVERAL.split(cell))):
                    self._found.lines[f"{at}[{len(items)}]"] = line
                    items.append(item)
                holder[leaf.name] = items if leaf.shape is Shape.CHOICES else "\n".join(items)
            case _:
                holder[leaf.name] = cell


def _nodes_to(part: AskedPart, name: str) -> Iterator[AskedNode]:
    for each in name.split("."):
        node = part.find(each)
        yield node
        if isinstance(node, AskedPart):
            part = node


# -- written ----------------------------------------------------------------------------------------------------------


def csv_of(part: AskedPart, bodies: Iterable[Mapping[str, Any]], separator: str = ",") -> bytes:
    """A table of these requests, as Excel opens it: UTF-8 with a byte-order mark, numbers with their plus."""
    columns = list(columns_of(part))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(columns)
    for body in bodies:
        cells = _cells(part, written_of(part, body)[0])
        for row in range(max(map(len, cells.values()))):
            writer.writerow([_shown(cells[name][row]) if row < len(cells[name]) else "" for name in columns])
    return text.getvalue().encode("utf-8-sig")


def _cells(part: AskedPart, written: WrittenParts, at: str = "") -> dict[str, list[str]]:
    """Column → what stands in it, line below line."""
    found: dict[str, list[str]] = {}
    for node in part.inner:
        path, value = below(at, node.name), written[node.name]
        if isinstance(node, AskedPart):
            for each in value if node.many else [value]:
                for name, cells in _cells(node, each, path).items():
                    found[name] = [*found.get(name, ()), *cells]
            for name in columns_of(node, path):
                found.setdefault(name, [])
        elif node.shape is Shape.CHOICES:
            found[path] = list(value)
        elif node.shape is Shape.LINES:
            found[path] = lines_of(value)
        else:
            found[path] = [str(value).lower() if node.shape is Shape.FLAG else value]
    return found


def _shown(cell: str) -> str:
    return f'="{cell}"' if cell.startswith("+") else cell
