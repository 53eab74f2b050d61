"""The floor of a message: one read, one conditional update, one send, with the same SDK objects.

A message names a chain, how many of it are left, and which of the three are done, so that each can be priced.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import azure.functions as func
from azure.servicebus import ServiceBusMessage

from bench.hosted.tally import note
from onboarding.azure.per_loop import PerLoop
from onboarding.azure.tables import AzureTable
from onboarding.ports import Row

TABLES, SERVICE_BUS = "Tables", "ServiceBus"
"""The settings with the connection strings."""
QUEUE = "enable-services"
TABLE = "onboardings"
CHAIN = "open"
"""The partition of the chains' rows."""
app = func.FunctionApp()
_table = AzureTable(TABLE, connection_string=os.environ.get(TABLES, "UseDevelopmentStorage=true"))


def body_and_id(asked: dict[str, Any]) -> tuple[bytes, str]:
    """Of a message."""
    return json.dumps(asked).encode(), f"{asked['run']}/{asked['chain']}/{asked['left']}"


class _Sending:
    """The SDK's client, and the one sender of its that is used."""

    def __init__(self) -> None:
        from azure.servicebus.aio import ServiceBusClient

        self._client = ServiceBusClient.from_connection_string(os.environ[SERVICE_BUS])
        self._sender = self._client.get_queue_sender(QUEUE)
        # The SDK's senders are not safe for two coroutines at a time.
        self._turn = asyncio.Lock()

    async def send(self, body: bytes, name: str) -> None:
        async with self._turn:
            await self._sender.send_messages(ServiceBusMessage(body, message_id=name))

    async def close(self) -> None:
        await self._sender.close()
        await self._client.close()


_sending: PerLoop[_Sending] = PerLoop(_Sending, _Sending.close)


@app.function_name("floor")
@app.service_bus_queue_trigger(
    arg_name="message", queue_name=QUEUE, connection=SERVICE_BUS, data_type=func.DataType.BINARY
)
async def floor(message: func.ServiceBusMessage) -> None:
    asked = json.loads(message.get_body())
    row: Row | None = None
    if "read" in asked["does"]:
        row = await _table.get(CHAIN, asked["chain"])
        assert row is not None
    if "update" in asked["does"]:
        columns = {**(row.columns if row else {"Steps": asked["chain"] * 20}), "Left": asked["left"]}
        await _table.replace(Row(CHAIN, asked["chain"], columns, row.etag if row else "*"))
    if "send" in asked["does"] and asked["left"] > 1:
        await _sending.get().send(*body_and_id({**asked, "left": asked["left"] - 1}))
    note("m")
