"""Whoever posts onboardings and answers checkpoints when told of them, as cheaply for the engine as can be.

Where they stand is read from Table Storage and not asked of the engine, so that looking is none of its work.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from azure.data.tables import TableClient

from bench.part import Json
from sandbox import azurite
from sandbox.cloud import Cloud

SAMPLE = Path(__file__).parents[1] / "samples" / "operator-connect.json"
AT_ONCE = 8
"""Requests of hers under way at one time."""
LOOK_EVERY = 0.02
"""Seconds between two looks at where one onboarding stands."""
LOOK_AT_MANY_EVERY = 0.1
TEAMS_AT_ONCE = 1_000_000
COLUMNS = ("RowKey", "State", "WaitingForStep", "Notices")


class StuckError(Exception):
    """An onboarding did not end."""


class Operator:
    """Posts, looks, confirms."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.api = httpx.Client(base_url=f"{cloud.api}/api", timeout=120, trust_env=False)
        self.control = httpx.Client(base_url=cloud.control, timeout=60, trust_env=False)
        self._table = TableClient.from_connection_string(azurite.connection_string(cloud.ports), "onboardings")
        self._threads = ThreadPoolExecutor(AT_ONCE)
        self.lift_limits()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._threads.shutdown()
        self._table.close()
        self.api.close()
        self.control.close()

    def lift_limits(self) -> None:
        """The engine is measured, and not how many cards a channel takes in a second."""
        self.control.put("/options", json={"teamsCallsPerSecond": TEAMS_AT_ONCE}).raise_for_status()

    def deploy(self, names: Iterable[str]) -> None:
        """The gateways as an operator has deployed them."""
        list(self._threads.map(self._deploy, names))

    def post(self, bodies: Sequence[Json]) -> list[str]:
        """Request onboardings; their ids."""
        return list(self._threads.map(self._post, bodies))

    def run(self, bodies: Sequence[Json], bound: float) -> list[str]:
        """From posting until all have ended and everybody has been told; the ids.

        Raises StuckError after `bound` seconds, or when one needs attention.
        """
        ids = self.post(bodies)
        for left in self.answering(ids, bound):
            for onboarding_id, state in left.items():
                if state == "needs-attention":
                    error = self.record(onboarding_id)["lastError"]
                    raise StuckError(f"{onboarding_id} needs attention: {error}")
        if left:
            states = ", ".join(sorted(set(left.values())))
            raise StuckError(f"after {bound:.0f} s {len(left)} of {len(ids)} stand at {states}")
        return ids

    def answering(self, ids: Sequence[str], bound: float) -> Iterator[dict[str, str]]:
        """Confirm checkpoints as people are told of them; what has not ended by each look, with its state.

        The last is as it stayed. It ends when none is left but those that need attention, or after `bound` seconds.
        """
        end, going = time.monotonic() + bound, set(ids)
        while True:
            rows = self._standing(going)
            going &= rows.keys()
            states = {onboarding_id: str(row["State"]) for onboarding_id, row in rows.items()}
            yield states
            if all(state == "needs-attention" for state in states.values()) or time.monotonic() > end:
                return
            told = {onboarding_id: row["WaitingForStep"] for onboarding_id, row in rows.items() if _is_told(row)}
            list(self._threads.map(self.confirm, told.keys(), told.values()))
            if not told:
                time.sleep(LOOK_EVERY if len(going) == 1 else LOOK_AT_MANY_EVERY)

    def record(self, onboarding_id: str) -> Json:
        """One onboarding, by the API."""
        found: Json = self.api.get(f"/onboardings/{onboarding_id}").raise_for_status().json()
        return found

    def events(self, onboarding_id: str) -> list[Json]:
        """Its audit trail, by the API."""
        found: list[Json] = self.api.get(f"/onboardings/{onboarding_id}/events").raise_for_status().json()["events"]
        return found

    def _deploy(self, name: str) -> None:
        self.control.put("/gateways", json={"name": name, "base": "production"}).raise_for_status()

    def _post(self, body: Json) -> str:
        answer: Json = self.api.post("/onboardings", json=body).raise_for_status().json()
        return str(answer["id"])

    def confirm(self, onboarding_id: str, step: str) -> None:
        """Say that a checkpoint is done."""
        answer = self.api.post(f"/onboardings/{onboarding_id}/checkpoints/{step}", json={})
        # The row may have been read before the last word arrived: then it is confirmed already.
        if answer.status_code not in (200, 202, 409):
            answer.raise_for_status()

    def _standing(self, ids: set[str]) -> dict[str, Json]:
        """Of those that are open: a row that has moved to `closed` has ended, and everybody has been told."""
        if len(ids) == 1:
            chosen = f"PartitionKey eq 'open' and RowKey eq '{next(iter(ids))}'"
        else:
            chosen = "PartitionKey eq 'open'"
        rows = self._table.query_entities(chosen, select=list(COLUMNS))
        return {row["RowKey"]: dict(row) for row in rows if row["RowKey"] in ids}


def _is_told(row: Json) -> bool:
    """Whether people wait no longer for word of the checkpoint that is open. Who confirms before is told nothing, and
    the engine would have less to do than others that tell people first.
    """
    owed = (notice for notice in json.loads(row["Notices"]) if notice.get("nextAttemptAt"))
    return row["State"] == "waiting-for-people" and row["WaitingForStep"] not in (n.get("step") for n in owed)


def body_for(name: str) -> Json:
    """A request for a gateway of that name: Operator Connect, with everything that it can tell people."""
    body: Json = json.loads(SAMPLE.read_text(encoding="utf-8"))
    body["gateway"]["name"] = name
    body["notify"]["teams"] = True
    return body
