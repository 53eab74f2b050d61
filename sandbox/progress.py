"""How an onboarding's progress is shown: a live table on a terminal, one line a change elsewhere. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sandbox import durations

Onboarding = dict[str, Any]
"""An onboarding as `GET /api/onboardings/{id}` answers it."""
StepView = dict[str, Any]

STYLES = {
    "done": ("✓", "green"),
    "skipped": ("–", "dim"),
    "running": ("▸", "cyan"),
    "due": ("▸", "cyan"),
    "waiting": ("…", "yellow"),
    "needs-attention": ("!", "bold red"),
    "pending": (" ", "dim"),
}
UNKNOWN = ("?", "")
HEADINGS = ("", "step", "kind", "state", "for", "what is known")
STATES = {
    "completed": "bold green",
    "drifted": "bold red",
    "needs-attention": "bold red",
    "cancelled": "red",
    "waiting-for-people": "yellow",
}
ENDED = frozenset({"completed", "cancelled"})
CODES = {"operatorConnect": "Operator Connect", "teamsPhoneMobile": "Teams Phone Mobile"}


QUIET = ("done", "skipped"), ("pending",)
"""Groups of states of which one row may tell, where the terminal is low."""
AROUND = 6
"""Rows above and below the steps: what it is, the dashboard, the headings, and the lines between."""


def screen(onboarding: Onboarding, api: str, now: datetime, height: int | None = None) -> RenderableType:
    """All that a person wants to see of it at once, in so many rows if that can be: a higher one can't be redrawn."""
    head = Text.assemble(
        (onboarding["gateway"]["name"], "bold"),
        f" · {onboarding['environment']} · ",
        ", ".join(CODES.get(s, s) for s in onboarding["services"]),
        " · ",
        (onboarding["state"].replace("-", " "), STATES.get(onboarding["state"], "cyan")),
        f" · {counted(onboarding)}",
    )
    ended = {step["name"] for step in onboarding["steps"] if step["state"] in ("done", "skipped")}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), expand=True)
    for column in HEADINGS:
        # One line a step: a table that is higher than the terminal can't be redrawn in place.
        table.add_column(column, overflow="ellipsis", no_wrap=True, ratio=1 if column == HEADINGS[-1] else None)
    open_now, above = _open(onboarding), attention(onboarding)
    lines = [f"To do: {step['title']}\n    {_checkpoint(onboarding, api, step)}" for step in open_now]
    room = None if height is None else height - AROUND - len(above)
    if room is not None and len(onboarding["steps"]) + 2 * len(lines) > room:
        # Where to do it was said above the table, and is on the dashboard.
        lines = [f"To do: {step['title']}" for step in open_now]
        room -= len(lines)
    for row, style in _rows(onboarding["steps"], ended, now, room):
        table.add_row(*map(Text, row), style=style)
    dashboard = Text(f"{api}/api/dashboard/{onboarding['id']}", overflow="fold")
    return Group(head, dashboard, Text(), table, Text(), *map(Text, above), *map(Text, lines))


def _rows(
    steps: list[StepView], ended: set[str], now: datetime, room: int | None
) -> Iterator[tuple[tuple[str, ...], str]]:
    """A row a step, and its style; where there is no room for all, one for all that are done, and for all that wait."""
    folded: set[str] = set()
    for states in QUIET:
        there = sum(step["state"] in folded for step in steps)
        if room is not None and len(steps) - max(there - 1, 0) > room:
            folded.update(states)
    for states in QUIET:
        found = [step["name"] for step in steps if step["state"] in states and step["state"] in folded]
        if found:
            mark, style = STYLES[states[0]]
            yield (mark, f"{len(found)} steps", "", states[0], "", ", ".join(found)), style
    for step in steps:
        if step["state"] not in folded:
            yield _row(step, ended, now), STYLES.get(step["state"], UNKNOWN)[1]


def _row(step: StepView, ended: set[str], now: datetime) -> tuple[str, ...]:
    moving = step["state"] in ("due", "running", "waiting", "needs-attention")
    since = durations.short(_seconds_since(step["since"], now)) if moving and step.get("since") else ""
    missing = [need for need in step["needs"] if need not in ended] if step["state"] == "pending" else []
    said = f"after {', '.join(missing)}" if missing else known(step, now)
    return STYLES.get(step["state"], UNKNOWN)[0], step["name"], step["kind"], step["state"], since, said


def counted(onboarding: Onboarding) -> str:
    """`5 of 14 steps`."""
    return f"{onboarding['progress']['done']} of {onboarding['progress']['total']} steps"


def known(step: StepView, now: datetime) -> str:
    """What is worth saying of a step in its state, in one line."""
    if step["state"] == "skipped":
        return str(step.get("skippedBecause") or "")
    if step["state"] == "pending":
        return ""
    parts = [_text(step.get("waitsFor")) if step["state"] == "waiting" else "", _text(step.get("detail"))]
    if step["state"] in ("due", "waiting") and step.get("attempts") and step.get("nextAttemptAt"):
        parts.append(
            f"attempt {step['attempts'] + 1} in {durations.short(-_seconds_since(step['nextAttemptAt'], now))}"
        )
    return " · ".join(dict.fromkeys(part for part in parts if part))


def open_checkpoints(onboarding: Onboarding) -> list[str]:
    """The checkpoints that wait for a person now."""
    return [step["name"] for step in _open(onboarding)]


def attention(onboarding: Onboarding) -> list[str]:
    """What stopped it and needs a person, if anything did."""
    error = onboarding.get("lastError")
    return [f"Needs attention: {problem(error)}"] if onboarding["state"] == "needs-attention" and error else []


def to_do(before: Onboarding | None, after: Onboarding, api: str) -> Iterator[str]:
    """What a person should do since now, and how to say that it is done."""
    if before is None or attention(before) != attention(after):
        yield from attention(after)
    known_before = open_checkpoints(before) if before else []
    for step in _open(after):
        if step["name"] not in known_before:
            yield f"To do: {step['title']}."
            yield f"    what, and the button for it: {_checkpoint(after, api, step)}"
            # These quotes are understood by every shell but PowerShell.
            yield (
                '    curl -H "Content-Type: application/json" -d "{\\"note\\": \\"done\\"}" '
                f"{_checkpoint(after, api, step)}"
            )
            yield (
                "    PowerShell: irm -Method Post -ContentType application/json -Body '{\"note\": \"done\"}' "
                f"{_checkpoint(after, api, step)}"
            )


def problem(error: Any) -> str:
    """A problem of the record, as a sentence."""
    if not isinstance(error, dict):
        return _text(error)
    said = [_text(error.get(key)).rstrip(".") for key in ("seen", "message", "whatNext")]
    sentences = " ".join(f"{part}." for part in said if part) or json.dumps(error)
    return f"{error['step']}: {sentences}" if error.get("step") else sentences


def changes(before: Onboarding | None, after: Onboarding, now: datetime) -> Iterator[str]:
    """One line for each step whose state changed, and for the whole."""
    states = {s["name"]: s["state"] for s in before["steps"]} if before else {}
    for step in after["steps"]:
        if step["state"] != states.get(step["name"], "pending"):
            said = known(step, now)
            yield f"{step['name']}: {step['state']}{f' ({said})' if said else ''}"
    if after["state"] != (before or {}).get("state"):
        yield f"{after['gateway']['name']}: {after['state']}, {counted(after)}"


def _open(onboarding: Onboarding) -> list[StepView]:
    return [s for s in onboarding["steps"] if s["kind"] == "checkpoint" and s["state"] == "waiting"]


def _checkpoint(onboarding: Onboarding, api: str, step: StepView) -> str:
    return f"{api}/api/onboardings/{onboarding['id']}/checkpoints/{step['name']}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return " ".join(str(value).split())


def _seconds_since(stamp: str, now: datetime) -> float:
    return (now - datetime.fromisoformat(stamp)).total_seconds()
