"""``python -m sandbox.servicebus``: the broker as a process of its own.

Exit status: 0 stopped by a signal, 1 the broker failed, 2 the queue definitions or the arguments are wrong,
3 the port can't be had.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from sandbox.servicebus.broker import Broker, BrokerFailedError, PortUnavailableError
from sandbox.servicebus.config import ConfigError, load
from sandbox.servicebus.faults import NONE, FaultsFile

_LOOK_EVERY = 0.2
"""Seconds between looks at whether the broker still lives, and which faults it is to have; a signal is noticed at once
(on Windows, then)."""

_log = logging.getLogger("sandbox.servicebus")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal comes; see the module for the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.servicebus", description=__doc__)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("infra/servicebus/Config.json"),
        help="queue definitions (%(default)s)",
    )
    parser.add_argument("--port", type=_port, default=5672, help="0 means any free port (%(default)s)")
    parser.add_argument(
        "--faults", type=Path, help="a JSON file that says what to do wrong, looked at all the time; see the README"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s service bus: %(message)s")
    # Proton reports every client that goes away as an error; it isn't one here.
    logging.getLogger("proton").setLevel(logging.CRITICAL)

    stopping = threading.Event()
    signals = [signal.SIGTERM, signal.SIGINT]
    if sys.platform == "win32":
        signals.append(signal.SIGBREAK)
    for number in signals:
        signal.signal(number, lambda *_: stopping.set())
    try:
        queues = load(options.config)
        broker = Broker(queues, port=options.port)
        told = FaultsFile(options.faults) if options.faults else None
        if told is not None:
            broker.faults = told.changed() or NONE
        broker.start()
    except ConfigError as problem:
        print(problem, file=sys.stderr)
        return 2
    except PortUnavailableError as problem:
        print(problem, file=sys.stderr)
        return 3
    _log.info("%d queues of %s on port %d, in memory only", len(queues), options.config, broker.port)
    ready = {
        "part": "servicebus",
        "port": broker.port,
        "connectionString": broker.connection_string,
        "queues": [queue.name for queue in queues],
    }
    print("READY " + json.dumps(ready), flush=True)
    while broker.running:
        if told is not None and (faults := told.changed()) is not None:
            broker.faults = faults
            broker.wake()
        if stopping.wait(_LOOK_EVERY):
            break
    try:
        broker.stop()
    except BrokerFailedError as problem:
        print(problem, file=sys.stderr)
        return 1
    _log.info("stopped; messages that were not received are gone")
    return 0


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"seen '{text}', expected a port from 0 to 65535")
    return port


if __name__ == "__main__":
    sys.exit(main())
