"""A plan as Markdown, for a change ticket. Text of requests and of Microsoft is shown as it is, never as markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from onboarding.core.change_plan import ChangePlan, Gravity, Outlook, StepPlan
from onboarding.planning.store import KeptPlan

_MARKUP = re.compile(
    r"""
      \\ (?= [!-/:-@\[-`{-~] | $ )         # a backslash before punctuation, or before what follows the text
    | [`*~]
    | (?<! [^\W_] ) _+ | _+ (?! [^\W_] )   # but not inside a word
    | \] (?= \( | $ )                     # a link; there are no definitions for references
    | < (?= \S )
    | & (?= \#? \w+ ; )                   # an entity
    | (?<= \s ) \#+ $                     # the end of a heading
    """,
    re.VERBOSE,
)
"""What would be markup in the middle of a line, where all of these texts stand (CommonMark 0.31, and GitHub's tables
and strikethrough). All else stays as it is: people read the source of a ticket too."""
_COMMAND = re.compile(r"(`[^`]*`)")
_OUTLOOKS = {
    Outlook.DONE: "as it should be",
    Outlook.CHANGES: "changes",
    Outlook.FORESEEN: "foreseen",
    Outlook.PERSON: "a person",
    Outlook.WAIT: "waits",
    Outlook.BLOCKED: "would stop",
    Outlook.UNSEEN: "not seen",
    Outlook.LEFT_OUT: "left out",
}
_GRAVITIES = {Gravity.BLOCKER: "Blocker", Gravity.WARNING: "Warning", Gravity.NOTE: "Note"}


def as_markdown(kept: KeptPlan) -> str:
    """The whole of a plan that is made."""
    plan = kept.plan or ChangePlan(steps=())
    return "\n".join((*_head(kept, plan), *_findings(plan), *_changes(plan), *_steps(plan), "")) + "\n"


def _head(kept: KeptPlan, plan: ChangePlan) -> Iterator[str]:
    request = kept.request
    yield f"# Plan: {_text(request.words.noun)} {_text(request.gateway.name)}"
    yield ""
    for label, text in request.facts:
        yield f"- {_text(label)}: {_text(text)}"
    yield f"- Seen at Microsoft: {_time(kept.made_at)}"
    if plan.expected_at:
        yield f"- Expected to be complete by: {plan.expected_at:%Y-%m-%d}"
    yield f"- Changes: {len(plan.changes)}"
    yield f"- Checksum: `{plan.checksum}`"
    yield ""


def _findings(plan: ChangePlan) -> Iterator[str]:
    if not plan.findings:
        return
    yield "## To be known first"
    yield ""
    for gravity in Gravity:
        for finding in (one for one in plan.findings if one.gravity is gravity):
            where = f" `{finding.step}`" if finding.step else ""
            next_ = f" **To do:** {_advice(finding.what_next)}" if finding.what_next else ""
            yield f"- **{_GRAVITIES[gravity]}**{where}: {_text(finding.seen)}{next_}"
    yield ""


def _changes(plan: ChangePlan) -> Iterator[str]:
    yield "## Changes"
    yield ""
    if not plan.changes:
        yield "None: everything is as it should be."
        yield ""
        return
    yield "| Step | What | Before | After | Call |"
    yield "|---|---|---|---|---|"
    for step, change in plan.changes:
        call = f"`{_code(str(change.call))}`" if change.call else "known later"
        for value in change.values:
            yield f"| `{step}` | {_cell(value.what)} | {_cell(value.before)} | {_cell(value.after)} | {call} |"
    yield ""


def _steps(plan: ChangePlan) -> Iterator[str]:
    yield "## Steps"
    yield ""
    yield "| Step | Outlook | Seen |"
    yield "|---|---|---|"
    for step in plan.steps:
        yield f"| {_cell(step.title)} (`{step.step}`) | {_OUTLOOKS[step.outlook]} | {_cell(_seen(step))} |"


def _seen(step: StepPlan) -> str:
    if step.outlook is Outlook.FORESEEN:
        return f"Can't be looked at before: {', '.join(step.known_after)}."
    return step.found or (f"By {step.waits_on}." if step.waits_on else "")


def _advice(text: str) -> str:
    """Our own words, in which commands stand between backticks: to be copied, so nothing in them is escaped."""
    parts = _COMMAND.split(" ".join(text.split()))
    return "".join(part if place % 2 else _escaped(part) for place, part in enumerate(parts))


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda found: "".join(f"\\{sign}" for sign in found[0]), text)


def _code(text: str) -> str:
    """In a cell of a table, a line ends a cell in code too."""
    return text.replace("`", "").replace("|", "\\|")


def _text(text: str) -> str:
    return _escaped(" ".join(text.split()))


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "not yet"
