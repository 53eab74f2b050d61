"""A program of the operator's own that takes events: what it gets, whether its signature fits, and failing as such do.

Not Microsoft's; it stands here because faults, the journal and the control port do.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from html import escape
from typing import Any

from sandbox.microsoft.clock import Clock, timestamp
from sandbox.microsoft.exchange import Answer, Json, Request
from sandbox.microsoft.journal import Entry, Journal

PATH = "/events"
MEDIA = "application/cloudevents+json"
REQUIRED = ("specversion", "id", "source", "type")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "article{border:1px solid #bbb;border-radius:.5rem;padding:.5rem 1rem;margin:1rem 0}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere}h2{font-size:1.1rem;overflow-wrap:anywhere}header{color:#555}"
)


@dataclass
class Inbox:
    """What came, oldest first."""

    clock: Clock
    events: list[dict[str, Any]] = field(default_factory=list)

    def put(self, request: Request, event: Json, wrong: str | None) -> None:
        """Keep an event with what came beside it. `wrong`: why a receiver would throw it away."""
        names = ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        before = any(one["headers"].get("webhook-id") == headers.get("webhook-id") for one in self.events)
        now = timestamp(self.clock.now())
        self.events.append({"time": now, "headers": headers, "wrong": wrong, "again": before, "event": event})


class EventReceiver:
    """Takes whatever is posted to it."""

    name = "events"

    def __init__(self, inbox: Inbox, journal: Journal, secret: str) -> None:
        self._inbox = inbox
        self._journal = journal
        self._key = base64.b64decode(secret.removeprefix("whsec_"))

    async def answer(self, request: Request, entry: Entry) -> Answer:
        """204 for an event; what is none, or not signed, is a violation."""
        if request.path != PATH:
            return Answer(404, {"error": {"code": "NotFound", "message": f"Events are taken at {PATH}."}})
        if request.method != "POST":
            return Answer(405, {"error": {"code": "NotPost", "message": "Events are posted."}})
        try:
            event = request.json()
        except ValueError:
            event = None
        wrong = self._wrong(request, event)
        if wrong:
            self._journal.violate("event-wrong", entry, wrong)
        self._inbox.put(request, event, wrong)
        return Answer(401, {"error": {"code": "Unsigned", "message": wrong}}) if wrong else Answer(204)

    def refuse(self, request: Request, status: int, retry_after: float | None) -> Answer:
        """An injected error."""
        wait = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        return Answer(status, {"error": {"code": "Injected", "message": "An injected fault."}}, wait)

    def _wrong(self, request: Request, event: Json) -> str | None:
        media = str(request.headers.get("content-type", "")).partition(";")[0].strip()
        if media != MEDIA:
            return f"The content type is {media!r}; {MEDIA} was expected."
        if not isinstance(event, dict) or any(not event.get(name) for name in REQUIRED):
            return f"It is no CloudEvent: it needs {', '.join(REQUIRED)}."
        given_id, at = (str(request.headers.get(name, "")) for name in ("webhook-id", "webhook-timestamp"))
        if given_id != event["id"]:
            return "The header webhook-id is not the event's id."
        signed = f"{given_id}.{at}.".encode() + request.content
        expected = "v1," + base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()
        given = str(request.headers.get("webhook-signature", "")).split()
        return None if any(hmac.compare_digest(expected, one) for one in given) else "The signature does not fit."


def events_page(events: list[dict[str, Any]]) -> str:
    """All events, newest first, as a receiver gets them. No script, all text escaped."""
    articles = "".join(_article(one) for one in reversed(events)) or (
        "<p>Nothing yet. <code>dev.py up --events</code> tells this receiver.</p>"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Events</title><style>{_STYLE}</style>"
        f"</head><body><h1>Events ({len(events)})</h1>{articles}</body></html>\n"
    )


def _article(one: dict[str, Any]) -> str:
    event = one["event"] if isinstance(one["event"], dict) else {}
    signed = one["wrong"] or "Its signature fits."
    again = " It came before." if one["again"] else ""
    headers = "\n".join(f"{name}: {value}" for name, value in one["headers"].items())
    whole = json.dumps(one["event"], indent=2, ensure_ascii=False)
    return (
        f"<article><h2>{escape(str(event.get('type', 'no event')))}</h2>"
        f"<header>{escape(one['time'])}. {escape(signed)}{again}</header>"
        f"<details><summary>{escape(str(event.get('id', '')))}</summary><pre>{escape(headers)}</pre>"
        f"<pre>{escape(whole)}</pre></details></article>"
    )
