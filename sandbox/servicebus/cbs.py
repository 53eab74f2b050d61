"""``$cbs``, where a client shows its token before it opens links (OASIS AMQP claims-based security).

The broker listens on this machine alone and takes any token. It must answer all the same: the SDK waits
for it before every link.
"""

from __future__ import annotations

from typing import Any

from proton import Message, int32

NODE = "$cbs"


def answer(request: Message) -> Message:
    """The reply to a put-token request; anything else is refused by name."""
    asked: dict[str, Any] = request.properties or {}
    operation = asked.get("operation")
    if operation == "put-token":
        status, text = 202, "Accepted"
    else:
        status, text = 400, f"$cbs: seen operation '{operation}', expected 'put-token'"
    return Message(
        correlation_id=request.id,
        properties={"status-code": int32(status), "status-description": text},
    )
