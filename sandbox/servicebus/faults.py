"""What the broker does wrong when it is told to: the half-dead bus, and the one that refuses."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

BUSY = (
    "com.microsoft:server-busy",
    "The request was terminated because the namespace is being throttled. Error code : 50009. Please wait 10 seconds"
    " and try again.",
)
"""Condition and description of a throttled send:
https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling."""
UNAUTHORIZED = "amqp:unauthorized-access"
IDLE = (
    "amqp:link:detach-forced",
    "The link is force detached. Code: publisher. Details: AmqpMessagePublisher.IdleTimerExpired: Idle timeout: {}.",
)

_log = logging.getLogger("sandbox.servicebus")


class Faults(BaseModel):
    """Which faults there are now; all off unless told."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    silent: bool = False
    """Connections are accepted and get no answer, those already open go on."""
    swallow: bool = False
    """A connection goes silent at the first message that it sends, for ever: its packets are lost on the way."""
    busy: bool = False
    """Each message is refused as in a namespace that is throttled (50009)."""
    no_sender: tuple[str, ...] = ()
    """Queues to which the client's identity may not send."""
    idle_seconds: float = Field(default=600.0, gt=0)
    """A link for sending is detached when it was idle for so long: ten minutes, as in the service."""


NONE = Faults()


def unauthorized(queue: str) -> tuple[str, str]:
    """Condition and description of a send without the role."""
    return UNAUTHORIZED, (
        "Unauthorized access. 'Send' claim(s) are required to perform this operation. Resource:"
        f" 'sb://local-service-bus/{queue}'."
    )


class FaultsFile:
    """A JSON file that says which faults there are, and may change at any time. None when it isn't there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = ""

    def changed(self) -> Faults | None:
        """What it says now; None when that is what it said before, or nothing that can be used (the log says why)."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except OSError:
            text = ""
        if text == self._text:
            return None
        self._text = text
        try:
            faults = Faults.model_validate(json.loads(text)) if text.strip() else NONE
        except (ValueError, ValidationError) as problem:
            _log.warning("%s can't be used, so the faults stay as they were: %s", self._path, problem)
            return None
        _log.info("faults: %s", faults.model_dump_json(by_alias=True, exclude_defaults=True))
        return faults
