"""Microsoft Graph's JSON batching: several requests in one, up to twenty. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, unexpected_answer

FAILED_DEPENDENCY = 424
"""Status of an inner request that was not made, because the one it depends on failed."""


@dataclass(frozen=True, slots=True)
class Inner:
    """One request of a batch. `path` is below the version, with its query."""

    call: MicrosoftCall
    path: str
    body: Mapping[str, Any] | None = None
    after_previous: bool = False
    """Made only when the one before it succeeded."""


def batch_body(requests: Sequence[Inner]) -> dict[str, Any]:
    """The body of `POST /$batch`; ids are 1, 2, 3 … in the given order."""
    items = []
    for number, request in enumerate(requests, start=1):
        item: dict[str, Any] = {"id": str(number), "method": request.call.method, "url": request.path}
        if request.body is not None:
            item["headers"] = {"Content-Type": "application/json"}
            item["body"] = dict(request.body)
        if request.after_previous:
            item["dependsOn"] = [str(number - 1)]
        items.append(item)
    return {"requests": items}


def batch_answers(call: MicrosoftCall, requests: Sequence[Inner], outer: MicrosoftAnswer) -> list[MicrosoftAnswer]:
    """The inner answers in the order of the requests: Graph may give them in any.

    Raises TryLaterError when one is missing.
    """
    found: dict[str, MicrosoftAnswer] = {}
    for item in outer.object.get("responses") or ():
        if isinstance(item, dict) and isinstance(item.get("status"), int):
            headers = {str(k).lower(): str(v) for k, v in (item.get("headers") or {}).items()}
            found[str(item.get("id"))] = MicrosoftAnswer(item["status"], headers, item.get("body"))
    missing = [str(n) for n in range(1, len(requests) + 1) if str(n) not in found]
    if missing:
        raise unexpected_answer(call, f"no answer to its requests {', '.join(missing)} of {len(requests)}")
    return [found[str(n)] for n in range(1, len(requests) + 1)]
