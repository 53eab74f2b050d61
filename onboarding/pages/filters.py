"""What the list can be narrowed by on the dashboard: each a choice, with what is wrong beside it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from onboarding.core.request import Environment
from onboarding.core.services import Service
from onboarding.http.counts import Counts
from onboarding.http.search import Search, WrongParameter
from onboarding.http.urgency import BY_STATE
from onboarding.kinds import KINDS
from onboarding.pages.words import STATES, begun
from onboarding.standing import WHOM, WaitsOn

MOST_CHOICES = 200
"""Of one field: of more subscriptions only these are offered; another one can still stand in the address."""

Choice = tuple[str, str]
"""A value, and its words."""


@dataclass(frozen=True, slots=True)
class FilterField:
    """One of them."""

    name: str
    """Of its parameter."""
    label: str
    value: str
    """What is chosen; empty: nothing."""
    choices: tuple[Choice, ...]
    """Empty of that in which words are typed."""
    wrong: str | None
    """Why the value can't be asked for."""


def filter_fields(search: Search, among: Counts, wrong: Sequence[WrongParameter]) -> tuple[FilterField, ...]:
    """All of them. What was asked for stays in its field, whether it can be or not."""
    faults = {one.name: one for one in wrong}
    given = search.parameters
    return tuple(
        _field(name, label, choices, given.get(name, ""), faults.get(name))
        for name, label, choices in _offered(among)
    )


def _offered(among: Counts) -> Iterator[tuple[str, str, tuple[Choice, ...]]]:
    yield "text", "Person or gateway", ()
    yield "state", "State", tuple((state.value, STATES[state].label) for state in BY_STATE)
    yield "waitsOn", "Waits on", tuple((party.value, begun(WHOM[party])) for party in WaitsOn)
    yield "problem", "Problem", _plain(among.codes)
    yield "subscription", "Subscription", _plain(among.subscriptions)
    yield "environment", "Environment", tuple((one.value, begun(one.value)) for one in Environment)
    yield "service", "Service", tuple((one.value, one.label) for one in Service)
    yield "kind", "Kind", tuple((name, begun(kind.words.noun)) for name, kind in KINDS.items())


def _plain(values: Iterable[str]) -> tuple[Choice, ...]:
    return tuple((value, value) for value in list(values)[:MOST_CHOICES])


def _field(
    name: str, label: str, choices: tuple[Choice, ...], value: str, fault: WrongParameter | None
) -> FilterField:
    shown = fault.value if fault else value
    if name != "text":
        known: Mapping[str, str] = dict(choices)
        # Several states, a subscription that nothing is in, or what is no choice at all.
        choices = choices if not shown or shown in known else (*choices, (shown, _several(shown, known)))
    wrong = f"Here is '{fault.value[:50]}'; {fault.expected} was expected." if fault else None
    return FilterField(name, label, shown, choices, wrong)


def _several(value: str, known: Mapping[str, str]) -> str:
    return " or ".join(known.get(one, one) for one in value.split(","))[:100]
