"""`python -m sandbox.microsoft`: runs until SIGTERM, SIGINT or CTRL_BREAK."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

from sandbox.microsoft.ports import PortInUseError
from sandbox.microsoft.server import Microsoft, Ports

PORT_IN_USE = 3
"""Exit status."""
DEFAULTS = {
    "arm": 7443, "graph": 7444, "teams": 7445, "events": 7446, "identity": 7081, "control": 7080, "dns": 7053,
    "trunks": 5061,
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m sandbox.microsoft", description="Microsoft, simulated.")
    for name, port in DEFAULTS.items():
        made.add_argument(
            f"--{name}-port", type=int, default=port, metavar="PORT", help=f"default {port}; 0: any free one"
        )
    made.add_argument(
        "--certificates",
        type=Path,
        default=Path(".sandbox/certificates"),
        metavar="DIR",
        help="where ca.pem, server.pem and server.key are, or will be",
    )
    made.add_argument(
        "--provisioning",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="how long a gateway stays ChangePending; a negative number: until the control port says so",
    )
    made.add_argument(
        "--dns-delay",
        type=float,
        default=3.0,
        metavar="SECONDS",
        help="from sharing the TXT record to its being in DNS; a negative number: never by itself",
    )
    made.add_argument("--seed", type=Path, metavar="FILE.json", help="names in it replace those of the default seed")
    made.add_argument("--renderer", type=Path, metavar="FILE.js", help="what draws Adaptive Cards in the page /teams")
    made.add_argument("--quiet", action="store_true", help="log violations only")
    return made


async def run(arguments: argparse.Namespace) -> None:
    """Serve until a signal arrives. Raises PortInUseError."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: loop.call_soon_threadsafe(stop.set))
    microsoft = Microsoft(
        ports=Ports(**{name: getattr(arguments, f"{name}_port") for name in DEFAULTS}),
        certificates=arguments.certificates,
        seed=arguments.seed,
        provisioning=arguments.provisioning if arguments.provisioning >= 0 else None,
        dns_delay=arguments.dns_delay if arguments.dns_delay >= 0 else None,
        trunks_beside=True,
        renderer=arguments.renderer,
    )
    async with microsoft:
        print(f"READY {json.dumps(microsoft.ready())}", flush=True)
        while not stop.is_set():
            # On Windows a signal's handler runs only when the loop wakes up.
            try:
                await asyncio.wait_for(stop.wait(), 0.5)
            except TimeoutError:
                continue


def main() -> int:
    """Exit status: 0, or 3 when a port is in use, or 2 for a seed that cannot be read."""
    arguments = parser().parse_args()
    logging.basicConfig(
        stream=sys.stderr,
        format="%(asctime)s microsoft %(message)s",
        datefmt="%H:%M:%S",
        level=logging.WARNING if arguments.quiet else logging.INFO,
    )
    try:
        asyncio.run(run(arguments))
    except PortInUseError as problem:
        print(problem, file=sys.stderr)
        return PORT_IN_USE
    except (OSError, json.JSONDecodeError) as problem:
        print(f"Cannot start the simulated Microsoft: {problem}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
