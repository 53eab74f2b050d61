"""What a request takes for granted of the world, put into the simulated one before it is posted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sandbox.requester import ApiError


@dataclass(frozen=True)
class Prerequisite:
    """One thing that must be there, for requests of some kind."""

    needed: Callable[[dict[str, Any]], bool]
    path: str
    """Of the simulator's control port; the method is POST."""
    sentence: str


ONBOARDED = "/onboarded"
PREREQUISITES: Sequence[Prerequisite] = (
    Prerequisite(
        needed=lambda request: request.get("alreadyOnboarded") is True,
        path=ONBOARDED,
        sentence="The operator is already onboarded: Project Synergy was put into the simulated tenant first.",
    ),
)


def meet(sample: Path, control: str) -> list[str]:
    """Put in what the request needs; a sentence for each thing.

    Raises:
        ApiError: the control port refused.
    """
    try:
        request = json.loads(sample.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # The API says what is wrong with a request, better than we could.
        return []
    if not isinstance(request, dict):
        return []
    wanted = [p for p in PREREQUISITES if p.needed(request)]
    for prerequisite in wanted:
        answer = httpx.post(f"{control}{prerequisite.path}", trust_env=False)
        if answer.is_error:
            raise ApiError(f"{control} refused POST {prerequisite.path} with {answer.status_code}: {answer.text[:300]}")
    return [prerequisite.sentence for prerequisite in wanted]
