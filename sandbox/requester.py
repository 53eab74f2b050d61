"""The operator's side of the API: post a request, look, confirm a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from sandbox.progress import Onboarding

TIMEOUT = 30.0
"""Seconds for one answer: the first request after a start imports the SDKs."""


def with_trunks_at(body: bytes, port: int) -> bytes:
    """A request with its trunks at that port; as it is, when it has none or is no JSON: the API says what is wrong."""
    try:
        request = json.loads(body)
        for trunk in request["gateway"]["trunks"]:
            trunk["port"] = port
    except (ValueError, KeyError, TypeError):
        return body
    return json.dumps(request).encode()


class ApiError(Exception):
    """The API refused, or could not be reached."""


class Requester:
    """Talks to one API, `http://127.0.0.1:7071`."""

    def __init__(self, api: str) -> None:
        self.api = api
        # A proxy of the user's is not on the way to this machine.
        self._client = httpx.Client(base_url=api, timeout=TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    def post(self, sample: Path, trunks_port: int | None = None) -> Onboarding:
        """Post a request; its trunks, if it has any, at the port where the sandbox has them.

        Raises:
            ApiError: with every reason of the refusal.
        """
        try:
            body = sample.read_bytes()
        except OSError as error:
            raise ApiError(f"{sample} can't be read: {error.strerror}.") from error
        if trunks_port is not None:
            body = with_trunks_at(body, trunks_port)
        return self._call("POST", "/api/onboardings", content=body, what=f"The request {sample}")

    def get(self, onboarding_id: str) -> Onboarding:
        """The onboarding as it stands now."""
        return self._call("GET", f"/api/onboardings/{onboarding_id}", what=f"The onboarding {onboarding_id}")

    def confirm(self, onboarding_id: str, step: str, note: str) -> None:
        """Say that a checkpoint is done."""
        path = f"/api/onboardings/{onboarding_id}/checkpoints/{step}"
        self._call("POST", path, content=json.dumps({"note": note}).encode(), what=f"The checkpoint {step}")

    def _call(self, method: str, path: str, *, what: str, content: bytes | None = None) -> dict[str, Any]:
        headers = {"content-type": "application/json"} if content is not None else {}
        try:
            answer = self._client.request(method, path, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise ApiError(f"{self.api} does not answer {method} {path}: {error or type(error).__name__}.") from error
        if answer.is_error:
            raise ApiError(f"{what} was refused with {answer.status_code}: {refusal(answer)}")
        try:
            body: dict[str, Any] = answer.json()
        except ValueError as error:
            raise ApiError(
                f"{method} {path} answered {answer.status_code} without JSON: {answer.text[:200]!r}"
            ) from error
        return body


def refusal(answer: httpx.Response) -> str:
    """Every reason in a problem+json answer; the beginning of another one."""
    try:
        body = answer.json()
    except ValueError:
        return answer.text[:300].strip() or answer.reason_phrase
    if not isinstance(body, dict):
        return str(body)[:300]
    reasons = [
        f"\n    {e.get('field')}: {e.get('message')} (rule {e.get('rule')}, value {json.dumps(e.get('value'))})"
        for e in body.get("errors") or []
        if isinstance(e, dict)
    ]
    return str(body.get("detail") or body.get("title") or answer.reason_phrase) + "".join(reasons)
