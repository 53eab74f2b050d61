"""How a rule's transition reads in the audit trail, and how a refusal is raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from onboarding.core.draft import Draft
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import APPLICATION


class RefusedError(Exception):
    """The state of the onboarding does not allow what a person asked for."""


class UnknownStepError(RefusedError):
    """The onboarding has no step of the name that a person gave."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What happened, for the audit trail."""

    what: EventKind
    step: str | None = None
    detail: str = ""
    actor: str = APPLICATION


Rules = Mapping[type, Callable[[Any, Draft], Transition | None]]
"""Kind of happening → its rule."""
