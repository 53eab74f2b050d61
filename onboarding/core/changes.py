"""What a transition changed, as data: the body of an audit event, enough to rebuild the record from all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from onboarding.core.bounds import utf16_units
from onboarding.core.record import Event, Record

_LISTS = {"steps": "name", "notices": "id"}
_OF_THE_EVENT = {"version", "updatedAt", "tail"}
"""Told by the event itself."""
EVENT_UNITS = 24_000
"""UTF-16 units of an event's JSON: it stands in the column of the tail, which holds 32 K."""


def changes(before: Record | None, after: Record) -> dict[str, tuple[Any, Any]]:
    """Field path → (value before, value after), for every field that differs.

    Steps and notices are compared field by field, everything else whole: `steps.add-domain.state`. Of those that are
    dropped only the names are told: `steps` has all names before and after, in their order, when a new run has another
    plan; `notices` has the ids of those that are gone.
    """
    gone = {head: _names(before, head) - _names(after, head) if before else set() for head in _LISTS}
    old = _flat(before, unlike=after, but=gone) if before else {}
    new = _flat(after, unlike=before, but={})
    differ = {path: (old.get(path), new.get(path)) for path in {**old, **new} if old.get(path) != new.get(path)}
    if before and (names := [step.name for step in before.steps]) != (now := [step.name for step in after.steps]):
        differ["steps"] = (names, now)
    if gone["notices"]:
        differ["notices"] = (sorted(gone["notices"]), None)
    return differ


def _names(record: Record, head: str) -> set[str]:
    return {getattr(item, _LISTS[head]) for item in getattr(record, head)}


def bounded_event(event: Event) -> Event:
    """Without as many values before, the largest first, as it takes to fit: the values after alone rebuild a record."""
    largest = () if utf16_units(event.text) <= EVENT_UNITS else sorted(event.changes, key=_size_in(event), reverse=True)
    for path in largest:
        if utf16_units(event.text) <= EVENT_UNITS:
            break
        event = event.model_copy(update={"changes": {**event.changes, path: (None, event.changes[path][1])}})
    return event


def _size_in(event: Event) -> Callable[[str], int]:
    return lambda path: len(str(event.changes[path][0]))


def rebuild(events: Sequence[Event]) -> dict[str, Any]:
    """The JSON of the record that these events, from the first one, lead to (without its tail)."""
    flat: dict[str, Any] = {}
    for event in events:
        _drop(flat, event)
        flat.update({path: after for path, (_, after) in event.changes.items()})
        flat["version"], flat["updatedAt"] = event.version, event.at.isoformat()
    order = flat.pop("steps", None)
    flat.pop("notices", None)
    body: dict[str, Any] = {"steps": {}, "notices": {}}
    for path, value in flat.items():
        head, _, rest = path.partition(".")
        if head in _LISTS:
            name, _, field = rest.rpartition(".")
            body[head].setdefault(name, {})[field] = value
        else:
            body[path] = value
    # Up to schema 2 a notice or step that was dropped had all its fields set to null.
    for head, key in _LISTS.items():
        body[head] = [item for item in body[head].values() if item[key] is not None]
    if order:
        body["steps"].sort(key=lambda step: order.index(step["name"]))
    return body


def _drop(flat: dict[str, Any], event: Event) -> None:
    """Forget what an event says is gone."""
    before, after = event.changes.get("steps", ((), ()))
    gone = [f"steps.{name}." for name in set(before or ()) - set(after or ())]
    gone += [f"notices.{name}." for name in event.changes.get("notices", ((), None))[0] or ()]
    for path in [path for path in flat if path.startswith(tuple(gone))] if gone else ():
        del flat[path]


def _flat(record: Record, unlike: Record | None, but: Mapping[str, set[str]]) -> dict[str, Any]:
    """Field path → value as JSON, without the parts that `unlike` shares: a transition changes few of them.

    `but`: items of lists that are left out, by name.
    """
    flat: dict[str, Any] = {}
    plain: set[str] = set()
    for name, field in Record.model_fields.items():
        value, other = getattr(record, name), getattr(unlike, name, None)
        alias = field.alias or name
        if (unlike is not None and value is other) or alias in _OF_THE_EVENT:
            continue
        if name in _LISTS:
            key = _LISTS[name]
            shared = {getattr(item, key): item for item in other or ()}
            for item in value:
                named = getattr(item, key)
                if shared.get(named) is not item and named not in but.get(name, ()):
                    # A new one is told without what is so of each new one: whoever rebuilds it knows.
                    told = item.model_dump(mode="json", by_alias=True, exclude_defaults=named not in shared)
                    flat.update({f"{name}.{named}.{n}": v for n, v in told.items()})
        else:
            plain.add(name)
    if plain:
        flat.update(record.model_dump(mode="json", by_alias=True, include=plain))
    return flat
