"""docs/telemetry.md names what there is, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from onboarding.telemetry.names import INSTRUMENTS, LOG_FIELDS, SPANS

TEXT = (Path(__file__).parents[2] / "docs" / "telemetry.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, list[str]]:
    """First cell of each row below a heading → the other cells."""
    part = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in part.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows}


def code(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def test_every_span_is_in_the_table_with_its_kind_and_attributes() -> None:
    rows = table("Spans")
    assert {name: (row[0], code(row[1])) for name, row in rows.items()} == {
        s.pattern: (s.kind, tuple(map(str, s.attributes))) for s in SPANS
    }


def test_every_metric_is_in_the_table_with_its_kind_unit_and_attributes() -> None:
    rows = table("Metrics")
    assert {name: (row[0], row[1], code(row[2])) for name, row in rows.items()} == {
        i.name: (i.kind.value, i.unit, tuple(map(str, i.attributes))) for i in INSTRUMENTS
    }


def test_the_fields_of_a_log_line_are_in_the_table() -> None:
    assert tuple(table("Logs")) == tuple(map(str, LOG_FIELDS))
