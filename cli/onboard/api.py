"""Calls of the API: what is refused becomes a CommandError, what is busy is waited for, a little."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from onboard import __version__
from onboard.address import Address
from onboard.errors import CommandError, refusal
from onboard.exits import ExitCode
from onboard.sign_in import SignIn

Json = dict[str, Any]
PATIENCE = 60.0
"""Seconds that one call waits at most, all pauses together, for an application that is busy."""
ATTEMPTS = 4
TIMEOUT = 60.0
"""Seconds for one answer: an app that slept starts first."""
PAGE = 200
"""Entries, the most that the list gives at once."""
_BUSY = (429, 503)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a GET gave, and the tag by which to ask whether it has changed."""

    body: Json
    tag: str | None


class Api:
    """One application, as whoever is signed in."""

    def __init__(
        self,
        address: Address,
        sign_in: SignIn | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sign_in, self._sleep = sign_in, sleep
        # Redirects are not followed: a token goes to the address that was named, and nowhere else. A proxy is not on
        # the way to this machine.
        self._client = httpx.Client(
            base_url=f"{address.base}/api/",
            transport=transport,
            timeout=TIMEOUT,
            trust_env=address.secure,
            follow_redirects=False,
            headers={"User-Agent": f"onboard/{__version__}", "Accept": "application/json"},
        )
        self._base = address.base

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        """What stands there."""
        return _json(self._call("GET", path, params=params))

    def look(self, path: str, tag: str | None = None) -> Answer | None:
        """What stands there; None: the same as when it had this tag."""
        answer = self._call("GET", path, headers={"If-None-Match": tag} if tag else {})
        return None if answer.status_code == 304 else Answer(_json(answer), answer.headers.get("etag"))

    def text(self, path: str) -> str:
        """What stands there, as a text."""
        return self._call("GET", path, headers={"Accept": "*/*"}).text

    def send(self, method: str, path: str, body: Any = None, params: Mapping[str, str] | None = None) -> Json:
        """Ask for a change; what stands there afterwards. A body of bytes is sent as it is."""
        if isinstance(body, bytes):
            sent: Json = {"content": body, "headers": {"Content-Type": "application/json"}}
        else:
            sent = {} if body is None else {"json": body}
        return _json(self._call(method, path, params=params, **sent))

    def act(self, action: Json, body: Any = None) -> Json:
        """Use one of a record's `allowedActions`."""
        return self.send(action["method"], str(action["href"]).removeprefix("/api/"), body)

    def listed(self, search: Mapping[str, str]) -> Iterator[Json]:
        """All entries of the list that fit, page by page."""
        params = {"limit": str(PAGE), **search}
        while True:
            page = self.get("onboardings", params)
            yield from page["onboardings"]
            if not page.get("next"):
                return
            # Only where to go on: the address before it may be one that is for others.
            params = {**params, "next": parse_qs(urlsplit(page["next"]).query)["next"][0]}

    def find(self, named: str) -> Json:
        """The onboarding of that id, or of the one gateway of that name. Raises CommandError."""
        try:
            return self.get(onboarding(named))
        except CommandError as error:
            if error.code is not ExitCode.NOT_FOUND:
                raise
            found = [e for e in self.listed({"text": named}) if str(e["gatewayName"]).lower() == named.lower()]
            if len(found) == 1:
                return self.get(onboarding(found[0]["id"]))
            if found:
                lines = [f"{e['id']}: {e['state']}, {e['armId']}" for e in found]
                raise CommandError(ExitCode.USAGE, "Several gateways have that name. Name the id:", lines) from None
            raise

    def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        waited = 0.0
        headers = {**more.pop("headers", {}), **self._authorization()}
        for attempt in range(1, ATTEMPTS + 1):
            answer = self._answer(method, path, headers, more)
            if isinstance(answer, httpx.Response) and answer.status_code not in _BUSY:
                if answer.is_success or answer.status_code == 304:
                    return answer
                raise refusal(answer.status_code, _said(answer))
            pause = _pause(answer, attempt)
            # What changes something is not sent again unless the application has said that it was not taken.
            again = isinstance(answer, httpx.Response) or method == "GET"
            if attempt == ATTEMPTS or not again or waited + pause > PATIENCE:
                raise self._gone(answer)
            self._sleep(pause)
            waited += pause
        raise AssertionError("the last attempt ends it")

    def _answer(self, method: str, path: str, headers: Json, more: Json) -> httpx.Response | str:
        """An answer, or why there is none."""
        try:
            return self._client.request(method, path, headers=headers, **more)
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__

    def _gone(self, answer: httpx.Response | str) -> CommandError:
        if isinstance(answer, str):
            return CommandError(ExitCode.UNREACHABLE, f"{self._base} does not answer: {answer[:300]}.")
        error = refusal(answer.status_code, _said(answer))
        later = answer.headers.get("retry-after")
        return CommandError(error.code, error.message + (f" Try again in {later} s." if later else ""), error.reasons)

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._sign_in.token()}"} if self._sign_in else {}


def onboarding(onboarding_id: str) -> str:
    """Its path, whatever somebody wrote as its id."""
    return f"onboardings/{quote(onboarding_id, safe='')}"


def _pause(answer: httpx.Response | str, attempt: int) -> float:
    """Seconds."""
    asked = "" if isinstance(answer, str) else answer.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 9 else float(2 ** (attempt - 1))


def _said(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _json(answer: httpx.Response) -> Json:
    body = _said(answer)
    if not isinstance(body, dict):
        raise CommandError(
            ExitCode.FAILED, f"The application answered {answer.status_code} without JSON. Is this its address?"
        )
    return body
