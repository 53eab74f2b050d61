"""Service Bus connections by the name in a binding: a connection string, or an identity.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus#connections
"""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sandbox.functions_host.app import Binding
from sandbox.functions_host.errors import HostError
from sandbox.functions_host.settings import Settings

if TYPE_CHECKING:
    from azure.servicebus.aio import ServiceBusClient, ServiceBusSender


@lru_cache(maxsize=1)
def listener_authorities() -> ssl.SSLContext:
    """Whom the listeners trust: with a context of its own each would read the file of authorities again."""
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


class Connections:
    """One client a connection, made on first use: importing the SDK takes longer than all else at start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clients: dict[str, ServiceBusClient] = {}
        self._senders: dict[tuple[str, str], ServiceBusSender] = {}
        self._credentials: list[Any] = []

    def check(self, name: str, where: str) -> None:
        """Raises HostError if the connection isn't configured; ``where`` says whose it is."""
        if self._string(name) is None and self._namespace(name) is None:
            raise HostError(
                f"{where} uses the connection '{name}', but no app setting says where that is."
                f" Set {name} to a connection string, or {name}__fullyQualifiedNamespace to a host name"
                " such as contoso.servicebus.windows.net."
            )

    async def client(self, name: str) -> ServiceBusClient:
        await asyncio.to_thread(__import__, "azure.servicebus.aio")
        if name not in self._clients:
            self._clients[name] = self._open(name)
        return self._clients[name]

    async def publish(self, binding: Binding, value: Any) -> None:
        """Send what a function put into a queue output: a text, bytes, or a list of them."""
        import azure.functions as func
        from azure.servicebus import ServiceBusMessage

        converter = func.get_binding_registry().get("serviceBus")  # type: ignore[no-untyped-call]
        values = value if isinstance(value, list) else [value]
        bodies = [converter.encode(item, expected_type=None).value for item in values]
        connection = str(binding["connection"])
        queue = self._settings.expand(str(binding["queueName"]), f"The queue of the output {binding['name']}")
        client = await self.client(connection)
        if (connection, queue) not in self._senders:
            self._senders[connection, queue] = client.get_queue_sender(queue)
        await self._senders[connection, queue].send_messages([ServiceBusMessage(body) for body in bodies])

    async def close(self) -> None:
        await asyncio.gather(*(sender.close() for sender in self._senders.values()))
        await asyncio.gather(*(client.close() for client in self._clients.values()))
        await asyncio.gather(*(credential.close() for credential in self._credentials))

    def _string(self, name: str) -> str | None:
        return self._settings.get(name) or self._settings.get(f"AzureWebJobs{name}") or None

    def _namespace(self, name: str) -> str | None:
        return self._settings.get(f"{name}__fullyQualifiedNamespace") or None

    def _open(self, name: str) -> ServiceBusClient:
        from azure.servicebus.aio import ServiceBusClient

        # The listener reconnects with pauses of its own, which the SDK's retries would only prolong.
        options: dict[str, Any] = {"retry_total": 0, "ssl_context": listener_authorities()}
        text = self._string(name)
        if text is not None:
            return ServiceBusClient.from_connection_string(text, **options)
        from azure.identity.aio import DefaultAzureCredential

        client_id = self._settings.get(f"{name}__clientId")
        credential = DefaultAzureCredential(managed_identity_client_id=client_id)
        self._credentials.append(credential)
        return ServiceBusClient(self._namespace(name) or "", credential, **options)
