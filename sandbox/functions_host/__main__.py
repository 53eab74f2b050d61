"""``python -m sandbox.functions_host``: what ``func start`` does for a Python app, without the Core Tools."""

from __future__ import annotations

import argparse
import asyncio
import atexit
import json
import logging
import os
import signal
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from sandbox.functions_host.errors import HostError, PortInUseError
from sandbox.functions_host.host import LOOPBACK, Host
from sandbox.functions_host.hostjson import HostConfig
from sandbox.functions_host.logs import configure
from sandbox.functions_host.settings import Settings
from sandbox.functions_host.strictness import Strictness

DEFAULT_PORT = 7071
REFUSED, PORT_IN_USE = 1, 3


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    directory = options.app.resolve()
    try:
        configure(HostConfig.load(directory / "host.json", os.environ).log_level)
        settings = _settings(directory, options.settings)
        settings.export(os.environ)
        finished = asyncio.run(_serve(directory, settings, options))
    except HostError as error:
        print(error, file=sys.stderr)
        return PORT_IN_USE if isinstance(error, PortInUseError) else REFUSED
    if not finished:
        # A synchronous function may still run in its thread, and Python would wait for that thread for ever.
        _end()
    return 0


async def _serve(directory: Path, settings: Settings, options: argparse.Namespace) -> bool:
    stop = asyncio.Event()
    strictness = Strictness.of(options)
    _on_signals(stop, ignored={"SIGTERM"} if strictness.ignore_sigterm else set())
    host = Host(directory, settings, timer_state=options.timer_state, strictness=strictness)
    port = await host.start(_port(options.port, settings))
    names = [function.name for function in host.functions]
    url = f"http://{LOOPBACK}:{port}"
    ready = {"part": "functions_host", "port": port, "url": url, "functions": names}
    print("READY " + json.dumps(ready), flush=True)
    await stop.wait()
    return await host.stop(options.grace, _end if strictness.keep_locks else None)


def _end() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _port(given: int | None, settings: Settings) -> int:
    if given is not None:
        return given
    return DEFAULT_PORT if settings.port is None else settings.port


def _settings(directory: Path, path: Path | None) -> Settings:
    if path is None:
        path = directory / "local.settings.json"
        if not path.exists():
            return Settings({}, environ=os.environ)
    return Settings.load(path, os.environ)


def _on_signals(stop: asyncio.Event, ignored: Collection[str]) -> None:
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        if name in ignored:
            signal.signal(number, signal.SIG_IGN)
            continue
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.functions_host", description=__doc__)
    add = parser.add_argument
    add("--app", type=Path, default=Path(), help="folder of host.json and function_app.py")
    add("--port", type=int, help=f"port on {LOOPBACK}; 0 means any free one (default {DEFAULT_PORT})")
    add("--settings", type=Path, help="settings file (default: local.settings.json of the app)")
    add("--grace", type=float, default=10.0, help="seconds that running functions get after a stop")
    add("--timer-state", type=Path, help="file in which timers remember their last run")
    Strictness.add_to(parser)
    return parser


def _as_a_process() -> int:
    """Run, and end as a worker of the platform does, which is ended and not torn down object by object.

    What the app holds for its whole life (clients, their connections) is nobody's to close then, and Python would say
    of each that it is unclosed. What the app has registered to be done at the end is done.
    """
    statuses: list[int] = []

    def last() -> None:
        if statuses:
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(statuses[0])

    # The first that is registered is the last that is called.
    atexit.register(last)
    statuses.append(main())
    return statuses[0]


if __name__ == "__main__":
    sys.exit(_as_a_process())
