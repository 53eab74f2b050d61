"""Calls of the API to copy, as curl and Python, made of its description. Pure.

Both read where the application is from `ONBOARDING_URL`, and a token for it from `TOKEN`.
"""

from __future__ import annotations

import json
import pprint
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from onboarding.pages.api_schemas import resolved

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Sample:
    """Something to copy, or to compare with."""

    label: str
    text: str


def calls(path: str, method: str, told: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Sample]:
    """A call of an operation that programs use: one that answers with JSON."""
    answers = (resolved(answer, document) for answer in told.get("responses", {}).values())
    if not any(_JSON in answer.get("content", {}) for answer in answers):
        return
    body = told.get("requestBody", {}).get("content", {}).get(_JSON)
    examples = [resolved(e, document).get("value") for e in (body or {}).get("examples", {}).values()]
    target = _filled(path, told, document)
    yield Sample("Call it with curl", _curl(method, target, examples[:1]))
    yield Sample("Call it from Python", _python(method, target, examples[:1]))


def _filled(path: str, told: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """The path of the onboarding that the answers' example shows, and of a step for which the call is."""
    shown = document.get("components", {}).get("examples", {}).get("requested", {}).get("value", {})
    for parameter in (resolved(p, document) for p in told.get("parameters", ())):
        name = parameter["name"]
        if parameter["in"] == "path":
            before = path.partition(f"{{{name}}}")[0].rstrip("/").rpartition("/")[2].rstrip("s")
            steps = [s["name"] for s in shown.get("steps", ()) if s["kind"] == before]
            schema = parameter.get("schema", {})
            named = steps or schema.get("enum") or (parameter.get("example", name),)
            known = shown.get(name) or next(iter(named))
            path = path.replace(f"{{{name}}}", str(known))
    return path


def _curl(method: str, path: str, bodies: list[Any]) -> str:
    lines = [
        f'curl --fail-with-body -X {method} "$ONBOARDING_URL{path}"',
        '-H "Authorization: Bearer $TOKEN"',
    ]
    for body in bodies:
        text = json.dumps(body, indent=2, ensure_ascii=False)
        lines += [f"-H 'Content-Type: {_JSON}'", f"--data {shlex.quote(text)}"]
    return " \\\n  ".join(lines)


def _python(method: str, path: str, bodies: list[Any]) -> str:
    given = ["", *(f"body = {pprint.pformat(body, width=100, sort_dicts=False)}\n" for body in bodies)]
    return (
        "import os\n\nimport httpx\n\n"
        "api = httpx.Client(\n"
        '    base_url=os.environ["ONBOARDING_URL"],\n'
        """    headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},\n"""
        ")\n" + "".join(given) + f'answer = api.{method.lower()}("{path}"{", json=body" if bodies else ""})\n'
        "answer.raise_for_status()\n"
        "print(answer.json())"
    )
