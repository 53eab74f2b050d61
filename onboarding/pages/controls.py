"""What the caller may do with an onboarding, as forms of its page. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from onboarding.core.actions import Action, actions
from onboarding.core.record import Record, StepState
from onboarding.core.request import Contacts
from onboarding.pages.contacts import contacts_of, seen
from onboarding.steps import LIBRARY, definition_of
from onboarding.steps.definition import Definition

REASON = "Reason"
INSISTING = "Only by insisting"


@dataclass(frozen=True, slots=True)
class Words:
    """An action, for people."""

    label: str
    explained: str
    asks: str | None = None
    """The label of the text that it needs."""
    grave: bool = False


_WORDS = {
    "retry": Words(
        "Retry", "The step is tried again now, with all its attempts. Do this when what it failed for is put right."
    ),
    "check": Words("Check now", "Looks at once, without waiting for the next check."),
    "replay": Words(
        "Send given-up messages again",
        "Service Bus gave messages up after many deliveries. They are sent again now; nothing is done twice.",
    ),
    "pause": Words(
        "Pause",
        "Nothing more is begun, and nothing is watched, until it is resumed. What a function is at just now ends before"
        " its next write at Microsoft. People are reminded of the pause every week.",
        REASON,
    ),
    "change-contacts": Words(
        "Change whom to tell",
        "Counts from the next notice on. A new onboarding team is asked at once for what is open, and links that were"
        " sent to the one before are no good any more.",
    ),
    "skip": Words(
        "Skip a step",
        "The step counts as ended, and what needs it goes on. Nothing is done at Microsoft for it.",
        REASON,
    ),
    "reopen": Words(
        "Reopen a step",
        "Takes back that a person confirmed the step, or that it was skipped. What is open and needs it waits until it"
        " has ended again; what has ended after it stays so.",
        REASON,
    ),
    "cancel": Words(
        "Cancel the onboarding",
        "No further step is begun. What was done at Microsoft stays as it is. This can't be undone; the onboarding"
        " can be started again.",
        REASON,
        grave=True,
    ),
    "start-again": Words("Start again", "All steps are planned anew. What is in place already is found and kept."),
}
"""In the order of the page. Checkpoints are answered on their own pages, and a pause is ended where it is told of."""

_OF_MANY = ("skip", "reopen")
"""One form for all steps, with a choice of the step."""


@dataclass(frozen=True, slots=True)
class Group:
    """Steps to choose from, under a heading."""

    label: str
    steps: tuple[tuple[str, str], ...]
    """(name, title)."""


@dataclass(frozen=True, slots=True)
class Form:
    """An action as a form of the page."""

    name: str
    step: str
    """Chosen already; empty: the whole onboarding, or to be chosen."""
    label: str
    words: Words
    groups: tuple[Group, ...] = ()
    preselected: str = ""
    insist: str | None = None
    """Why somebody may have to insist; None: nobody has to."""
    must_insist: bool = False
    contacts: Contacts | None = None
    """Of today, to be changed."""
    seen: str = ""
    """Which contacts these are."""

    @property
    def id(self) -> str:
        return f"{self.name}-{self.step}" if self.step else self.name


Allowed = Callable[[str], bool]
"""Whether the caller holds a role."""


def forms(record: Record, may: Allowed) -> tuple[Form, ...]:
    """Those of the whole onboarding, and of steps that go on by themselves."""
    stopped = _stopped(record)
    allowed = [a for a in actions(record) if may(a.role) and not (a.name == "retry" and a.step in stopped)]
    return tuple(_forms(allowed, record))


def step_forms(record: Record, may: Allowed) -> dict[str, tuple[Form, ...]]:
    """Step that needs attention → what can be done about it at once."""
    stopped = _stopped(record)
    found: dict[str, tuple[Form, ...]] = {}
    for action in actions(record):
        if action.step in stopped and action.name in ("retry", "skip") and may(action.role):
            found[action.step] = (*found.get(action.step, ()), _of_one(action, record))
    return found


def _stopped(record: Record) -> set[str]:
    return {s.name for s in record.steps if s.state is StepState.NEEDS_ATTENTION}


def _forms(allowed: list[Action], record: Record) -> Iterator[Form]:
    for name, words in _WORDS.items():
        mine = [a for a in allowed if a.name == name]
        if mine and name in _OF_MANY:
            yield _of_many(name, words, [a.step or "" for a in mine], record)
        elif mine and name == "change-contacts":
            today = contacts_of(record.request)
            yield Form(name, "", words.label, words, contacts=today, seen=seen(today))
        else:
            yield from (_of_one(action, record) for action in mine)


def _of_one(action: Action, record: Record) -> Form:
    words, step = _WORDS[action.name], action.step or ""
    label = words.label if action.name in _OF_MANY or not step else f"{words.label}: {_definition(record, step).title}"
    if action.name == "skip":
        when = _definition(record, step).may_be_skipped_when
        told = "Microsoft's article does not let this step be left out." if when is None else None
        return Form(action.name, step, "Skip the step", words, insist=told, must_insist=when is None)
    return Form(action.name, step, label, words)


def _of_many(name: str, words: Words, steps: list[str], record: Record) -> Form:
    preselected = next((n for n in steps if record.step(n).state is not StepState.PENDING), steps[0])
    if name == "reopen":
        group = Group("", tuple((n, _definition(record, n).title) for n in steps))
        return Form(name, "", words.label, words, (group,), preselected)
    # Groups whose condition is the article's first; each condition once.
    whens = [s.may_be_skipped_when for s in LIBRARY.values() if s.may_be_skipped_when]
    order = sorted(steps, key=lambda n: _place(_definition(record, n).may_be_skipped_when, whens))
    groups = tuple(
        Group(f"When {when}" if when else INSISTING, tuple((n, _definition(record, n).title) for n in found))
        for when, found in groupby(order, key=lambda n: _definition(record, n).may_be_skipped_when)
    )
    firm = groups[-1].label == INSISTING
    told = f"Needed for the steps under “{INSISTING}”: Microsoft's article does not let them be left out."
    return Form(
        name,
        "",
        words.label,
        words,
        groups,
        preselected,
        told if firm else None,
        must_insist=firm and len(groups) == 1,
    )


def _place(when: str | None, whens: list[str]) -> int:
    return whens.index(when) if when else len(whens)


def _definition(record: Record, step: str) -> Definition:
    return definition_of(record.step(step))
