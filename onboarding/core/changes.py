"""What a transition changed, as data: the body of an audit event, enough to rebuild the record from all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onboarding.core.record import Event, Record

_LISTS = {"steps": "name", "notices": "id"}
_OF_THE_EVENT = {"version", "updatedAt", "tail"}
"""Told by the event itself."""


def changes(before: Record | None, after: Record) -> dict[str, tuple[Any, Any]]:
    """Field path → (value before, value after), for every field that differs.

    Steps and notices are compared field by field, everything else whole: `steps.add-domain.state`. Which steps there
    are, and in which order, is told when a new run has another plan than the one before.
    """
    old = _flat(before, unlike=after) if before else {}
    new = _flat(after, unlike=before)
    differ = {path: (old.get(path), new.get(path)) for path in {**old, **new} if old.get(path) != new.get(path)}
    if before and (names := _names(before)) != _names(after):
        differ["steps"] = (names, _names(after))
    return differ


def _names(record: Record) -> list[str]:
    return [step.name for step in record.steps]


def rebuild(events: Sequence[Event]) -> dict[str, Any]:
    """The JSON of the record that these events, from the first one, lead to (without its tail)."""
    flat: dict[str, Any] = {}
    for event in events:
        flat.update({path: after for path, (_, after) in event.changes.items()})
        flat["version"], flat["updatedAt"] = event.version, event.at.isoformat()
    order = flat.pop("steps", None)
    body: dict[str, Any] = {"steps": {}, "notices": {}}
    for path, value in flat.items():
        head, _, rest = path.partition(".")
        if head in _LISTS:
            name, _, field = rest.rpartition(".")
            body[head].setdefault(name, {})[field] = value
        else:
            body[path] = value
    # A notice or step that a new start dropped has all its fields set to null.
    for head, key in _LISTS.items():
        body[head] = [item for item in body[head].values() if item[key] is not None]
    if order:
        body["steps"].sort(key=lambda step: order.index(step["name"]))
    return body


def _flat(record: Record, unlike: Record | None) -> dict[str, Any]:
    """Field path → value as JSON, without the parts that `unlike` shares: a transition changes few of them."""
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
                if shared.get(getattr(item, key)) is not item:
                    start = f"{name}.{getattr(item, key)}"
                    flat.update({f"{start}.{n}": v for n, v in item.to_json().items()})
        else:
            plain.add(name)
    if plain:
        flat.update(record.model_dump(mode="json", by_alias=True, include=plain))
    return flat
