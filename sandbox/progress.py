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


def screen(onboarding: Onboarding, api: str, now: datetime) -> RenderableType:
    """All that a person wants to see of it at once."""
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
    for step in onboarding["steps"]:
        table.add_row(*map(Text, _row(step, ended, now)), style=STYLES.get(step["state"], UNKNOWN)[1])
    below = [Text(f"To do: {step['title']}\n    {_checkpoint(onboarding, api, step)}") for step in _open(onboarding)]
    return Group(head, Text(), table, Text(), *map(Text, attention(onboarding)), *below)


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
            # These quotes are understood by every shell, also that of Windows.
            yield (
                '    curl -H "Content-Type: application/json" -d "{\\"note\\": \\"done\\"}" '
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
