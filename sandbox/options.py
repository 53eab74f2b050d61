"""What `up` can be told. Standard library only: a wrong option is refused before anything is installed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox import durations, samples
from sandbox.ports import PURPOSES, Ports

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".sandbox"
LEAST_BOUND = 120.0
REPLACEABLE = ("azurite", "broker", "functions")
"""Parts for which a user may run the real thing."""


@dataclass(frozen=True)
class Options:
    """Lengths of time are in seconds."""

    confirm: bool
    speed: float
    bound: float
    request: Path | None
    ports: Ports
    without: frozenset[str]
    folder: Path
    remind: float | None
    escalate: float | None
    events: bool = False


def _seconds(text: str) -> float:
    try:
        return durations.seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _some_seconds(text: str) -> float:
    found = _seconds(text)
    if found <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time to wait: write such as 10s")
    return found


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write a number from 1 to 65535")
    return int(text)


def _sample(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        known = ", ".join(f"samples/{name}" for name in samples.SHOWS)
        raise argparse.ArgumentTypeError(f"there is no file {text}; the samples are {known}")
    return path


def parser() -> argparse.ArgumentParser:
    """The options of `dev.py up`."""
    up = argparse.ArgumentParser(
        prog="dev.py up",
        description="Starts the local cloud, posts an onboarding request, and shows its steps until Ctrl-C.",
        epilog="\n".join(["in samples/:", *samples.listed()]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    up.add_argument(
        "--confirm", action="store_true", help="answer the human checkpoints, and exit when it is completed"
    )
    up.add_argument(
        "--speed",
        type=_seconds,
        default=3.0,
        metavar="TIME",
        help="how long simulated provisioning and DNS take, each: seconds, or such as 2m, 1h (default 3)",
    )
    up.add_argument(
        "--bound",
        type=_seconds,
        metavar="TIME",
        help="with --confirm: give up after this (default by the speed, 2m at least)",
    )
    up.add_argument("--no-request", action="store_true", help="start the cloud only; post a request yourself")
    up.add_argument(
        "--request", type=_sample, metavar="FILE", help=f"what to post (default samples/{samples.USUAL})"
    )
    up.add_argument(
        "--without",
        action="append",
        choices=REPLACEABLE,
        default=[],
        help="leave this part out, because you run the real one (docs/local.md)",
    )
    up.add_argument(
        "--remind",
        type=_some_seconds,
        metavar="TIME",
        help="remind of an open checkpoint after this, and again (default 3 days, then each week)",
    )
    up.add_argument(
        "--escalate",
        type=_some_seconds,
        metavar="TIME",
        help="escalate an open checkpoint, and warn of a long wait, after this (default 14 days, or 3 times --remind)",
    )
    up.add_argument("--free-ports", action="store_true", help="choose free ports instead of the usual ones")
    up.add_argument("--events", action="store_true", help="tell the sandbox's receiver of events (docs/events.md)")
    add_place(up)
    return up


def add_place(parser: argparse.ArgumentParser) -> None:
    """Where a sandbox is: its folder, and one option for each port."""
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, metavar="DIR", help="for logs and certificates (default .sandbox)"
    )
    for name, port in asdict(Ports.default()).items():
        parser.add_argument(f"--{name}-port", type=_port, metavar="PORT", help=f"{PURPOSES[name]} (default {port})")


def chosen_ports(given: argparse.Namespace, basis: Ports) -> Ports:
    """The ports given, over those of `basis`."""
    return Ports(**{name: getattr(given, f"{name}_port") or port for name, port in asdict(basis).items()})


def parse(arguments: Sequence[str]) -> Options:
    """Read the options; an impossible one ends the program as argparse does: a sentence, exit status 2."""
    up = parser()
    given = up.parse_args(arguments)
    without = frozenset(given.without)
    if given.no_request and (given.request or given.confirm):
        up.error("--no-request leaves nothing to post or confirm: leave it out, or --request and --confirm")
    if "functions" in without and (given.request or given.confirm):
        up.error("--without functions starts no API to post to: post the request yourself once yours runs")
    ports = chosen_ports(given, Ports.free() if given.free_ports else Ports.default())
    numbers = sorted(asdict(ports).values())
    doubled = [port for port in numbers if numbers.count(port) > 1]
    if doubled:
        up.error(f"port {doubled[0]} was given to more than one part")
    none = given.no_request or "functions" in without
    return Options(
        confirm=given.confirm,
        speed=given.speed,
        bound=given.bound if given.bound is not None else max(LEAST_BOUND, 60 + 10 * given.speed),
        request=None if none else given.request or samples.FOLDER / samples.USUAL,
        ports=ports,
        without=without,
        folder=given.folder.resolve(),
        remind=given.remind,
        escalate=given.escalate or (given.remind and 3 * given.remind),
        events=given.events,
    )
