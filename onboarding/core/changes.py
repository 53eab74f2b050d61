"""What a transition changed, as data: the body of an audit event, enough to rebuild the record from all of them."""

from __future__ import annotations

from typing import Any

from onboarding.core.record import Event, Record

_LISTS = {"steps": "name", "notices": "id"}
_OF_THE_EVENT = {"version", "updatedAt", "tail"}
"""Told by the event itself."""


def changes(before: Record | None, after: Record) -> dict[str, tuple[Any, Any]]:
    """Field path → (value before, value after), for every field that differs.

    Steps, notices and findings are compared field by field, everything else whole: `steps.add-domain.state`.
    """
    old = _flat(before) if before else {}
    new = _flat(after)
    return {path: (old.get(path), new.get(path)) for path in {**old, **new} if old.get(path) != new.get(path)}


def rebuild(events: list[Event]) -> Record:
    """The record that these events, from the first one, lead to (without its tail)."""
    flat: dict[str, Any] = {}
    for event in events:
        flat.update({path: after for path, (_, after) in event.changes.items()})
        flat["version"], flat["updatedAt"] = event.version, event.at.isoformat()
    body: dict[str, Any] = {"findings": {}, "steps": {}, "notices": {}}
    for path, value in flat.items():
        head, _, rest = path.partition(".")
        if head in _LISTS:
            name, _, field = rest.rpartition(".")
            body[head].setdefault(name, {})[field] = value
        elif head == "findings":
            body["findings"][rest] = value
        else:
            body[path] = value
    # A notice or step that a new start dropped has all its fields set to null.
    for head, key in _LISTS.items():
        body[head] = [item for item in body[head].values() if item[key] is not None]
    return Record.model_validate(body)


def _flat(record: Record) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in record.model_dump(mode="json", by_alias=True, exclude={"tail"}).items():
        if name in _LISTS:
            for item in value:
                flat.update({f"{name}.{item[_LISTS[name]]}.{field}": v for field, v in item.items()})
        elif name == "findings":
            flat.update({f"findings.{field}": v for field, v in value.items()})
        elif name not in _OF_THE_EVENT:
            flat[name] = value
    return flat
