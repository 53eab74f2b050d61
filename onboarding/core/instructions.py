"""What a person does at a step: actions in their order, values to copy, pages to open. The words are the step's own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Value:
    """Something to copy as it is."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Instructions:
    """For one step of one onboarding."""

    actions: tuple[str, ...]
    """In their order, without numbers."""
    values: tuple[Value, ...] = ()
    pages: tuple[Value, ...] = ()
    """Label and URL of the pages to open."""
    warning: str | None = None

    @property
    def numbered(self) -> tuple[str, ...]:
        """The actions as lines: `1. …`."""
        return tuple(f"{number}. {action}" for number, action in enumerate(self.actions, 1))
