"""Controls as the documents write them."""

from __future__ import annotations

import json

from onboarding.core.control import Control, Input


def in_words(control: Control) -> str:
    """Its JSON body, with `…` for what is filled in; empty when it takes none."""
    if control.model:
        parts = {f.place.partition(".")[0]: "{…}" if "." in f.place else '"…"' for f in control.of_signed_in}
        return "{" + ", ".join(f'"{part}": {what}' for part, what in parts.items()) + "}"
    filled = {Input.TICK: True, Input.ANSWERS: {"…": "…"}}
    body = {f.place: filled.get(f.input, "…") for f in control.of_signed_in}
    return json.dumps(body, ensure_ascii=False) if body else ""


def api_row(controls: tuple[Control, ...]) -> str:
    """The row of an operation in docs/api.md."""
    first = controls[0]
    bodies = " or ".join(f"`{in_words(c)}`" for c in controls if c.of_signed_in)
    if any(c.of_signed_in and not any(f.missing for f in c.of_signed_in) for c in controls):
        bodies += " or none"
    what = ", or ".join(c.summary[0].lower() + c.summary[1:] for c in controls) + (f"; body {bodies}" if bodies else "")
    answers = f"200, {'303 (form), ' if first.place == 'checkpoint' else ''}{'400, ' if bodies else ''}404, 409, 412"
    return f"| `{first.method} /{first.route}` | {what} | {first.role.name.title()} | {answers} |"
