"""A local Service Bus: an AMQP 1.0 broker for the genuine ``azure-servicebus`` SDK.

Use :class:`Broker` in a test, or run ``python -m sandbox.servicebus``. Queues are in memory only: in this
project the record in Table Storage is the truth and a message is a nudge, so a message lost with the
broker is sent again by the timer. README.md beside this file lists what is covered.
"""

from sandbox.servicebus.broker import Broker, BrokerFailedError, PortUnavailableError
from sandbox.servicebus.config import ConfigError, load
from sandbox.servicebus.faults import Faults
from sandbox.servicebus.message import QueueSettings

__all__ = ["Broker", "BrokerFailedError", "ConfigError", "Faults", "PortUnavailableError", "QueueSettings", "load"]
