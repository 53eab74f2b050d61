"""What is put out: data to stdout, as a table, JSON or CSV; talk to stderr. Never a colour, so never one in a file."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import typer

from onboard.texts import as_cell, in_sight, width

GAP = "  "
LEAST = 12
"""Columns that the last column of a table has, however narrow the terminal is."""


class Output(StrEnum):
    """What stdout gets."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def talk(words: str = "") -> None:
    """To people, beside the data."""
    typer.echo("\n".join(in_sight(line) for line in words.split("\n")), err=True)


def say(line: str = "") -> None:
    """A line of data for people."""
    typer.echo(in_sight(line))


def put_json(value: Any, *, in_one_line: bool = False) -> None:
    """JSON, for programs. Escapes keep a terminal safe from what it holds."""
    typer.echo(json.dumps(value, ensure_ascii=True, indent=None if in_one_line else 2))


def csv_lines(header: Sequence[str], rows: Iterable[Mapping[str, Any]], *, with_header: bool = True) -> str:
    """A CSV file (RFC 4180, with the line ends of Unix), safe in a spreadsheet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    if with_header:
        writer.writerow(header)
    writer.writerows([as_cell(row.get(name)) for name in header] for row in rows)
    return text.getvalue()


def put_csv(header: Sequence[str], rows: Iterable[Mapping[str, Any]], *, with_header: bool = True) -> None:
    """The same, to stdout."""
    typer.echo(csv_lines(header, rows, with_header=with_header), nl=False)


def put_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table for people; on a terminal, lines are cut at its width."""
    lines = [[in_sight(cell) for cell in row] for row in (header, *rows)]
    widths = [max(width(cell) for cell in column) for column in zip(*lines, strict=True)]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in lines:
        before = "".join(cell + " " * (wide - width(cell)) + GAP for cell, wide in zip(line[:-1], widths, strict=False))
        last = line[-1] if room is None else line[-1][: max(room - len(before), LEAST)]
        typer.echo((before + last).rstrip())
