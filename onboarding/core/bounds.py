"""What a record keeps must fit into the columns of its row, or it could never be written again. Pure.

Whatever is cut here stands whole in the audit trail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from onboarding.core.deviation import DEVIATIONS_KEPT, Deviation
from onboarding.core.record import DETAIL_LENGTH, Notice, Problem, StepRecord

NOTICES_LENGTH = 20_000
"""Characters of the record's notices as JSON: the oldest finished ones beyond stand in the audit trail only."""
TEXTS_LENGTH = 20_000
"""UTF-16 units of all texts and answers of the steps as JSON; what else there is of them takes less than the 12 K that
are left."""
LONG = 100
"""Characters. When no text of any step is longer, all fit."""
_CUTS = (DETAIL_LENGTH // 2, DETAIL_LENGTH // 4, LONG, 40)


def shorten(text: str, length: int = DETAIL_LENGTH) -> str:
    """Text as the record keeps it."""
    return text if len(text) <= length else text[: length - 1] + "…"


def bounded_notices(notices: tuple[Notice, ...]) -> tuple[Notice, ...]:
    """Without the oldest that are finished, as far as needed."""
    kept = list(notices)
    while sum(len(n.model_dump_json(by_alias=True)) for n in kept) > NOTICES_LENGTH:
        finished = next((n for n in kept if not n.owed), None)
        if finished is None:
            break
        kept.remove(finished)
    return tuple(kept)


def bounded_deviations(seen: Mapping[str, tuple[Deviation, ...]]) -> dict[str, tuple[Deviation, ...]]:
    """Step → its deviations, as many as there is room for, those of the first steps first."""
    room, kept = DEVIATIONS_KEPT, dict[str, tuple[Deviation, ...]]()
    for name, deviations in seen.items():
        fitting: list[Deviation] = []
        for one in deviations:
            room -= utf16_units(one.text)
            if room >= 0:
                fitting.append(one)
        kept[name] = tuple(fitting)
    return kept


def is_long(value: Any) -> bool:
    """Whether the texts of steps must be measured when a field gets this value."""
    if isinstance(value, Problem):
        return len(value.seen) + len(value.what_next) > LONG
    if isinstance(value, Mapping):
        # Of a step: what it found, or what was answered to it.
        return len(str(value)) > LONG
    if isinstance(value, tuple):
        return bool(value)
    return isinstance(value, str) and len(value) > LONG


def bounded_texts(steps: tuple[StepRecord, ...]) -> tuple[StepRecord, ...]:
    """With texts cut as far as needed: of steps that have ended first, of the others only if that is too little.

    Answers are never cut: half a link leads nowhere.
    """
    most = TEXTS_LENGTH - sum(_units(step.answers) for step in steps if step.answers)
    most -= sum(utf16_units(one.text) for step in steps for one in (*step.deviations, *step.words))
    for of_all in (False, True):
        for length in _CUTS:
            if sum(_units(text) for step in steps for text in _texts(step)) <= most:
                return steps
            steps = tuple(_cut(step, length) if of_all or step.ended else step for step in steps)
    return steps


def _texts(step: StepRecord) -> Iterator[str]:
    problem = step.problem
    texts = (step.detail, step.skipped_because, step.note, problem and problem.seen, problem and problem.what_next)
    return (text for text in texts if text)


def utf16_units(text: str) -> int:
    """The length of a text as Table Storage counts it: a character has one unit or two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _units(value: Any) -> int:
    """As JSON."""
    return utf16_units(json.dumps(value, ensure_ascii=False))


def _cut(step: StepRecord, length: int) -> StepRecord:
    problem = step.problem
    if problem is not None:
        shorter = {"seen": shorten(problem.seen, length), "what_next": shorten(problem.what_next, length)}
        problem = problem.model_copy(update=shorter)
    return step.model_copy(
        update={
            "detail": shorten(step.detail, length),
            "skipped_because": step.skipped_because and shorten(step.skipped_because, length),
            "note": step.note and shorten(step.note, length),
            "problem": problem,
        }
    )
