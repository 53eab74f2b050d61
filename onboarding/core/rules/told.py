"""How a rule's transition reads in the audit trail, and how a refusal is raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from onboarding.core.draft import Draft
from onboarding.core.events import APPLICATION


class RefusedError(Exception):
    """The state of the onboarding does not allow what a person asked for."""


@dataclass(frozen=True, slots=True)
class Told:
    """What happened, for the audit trail."""

    what: str
    step: str | None = None
    detail: str = ""
    actor: str = APPLICATION


Rules = Mapping[type, Callable[[Any, Draft], Told | None]]
"""Kind of happening → its rule."""
