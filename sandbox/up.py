"""`dev.py up`: the cloud on this machine, and one onboarding followed live."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from types import FrameType

from rich.console import Console
from rich.live import Live

from sandbox import durations, prerequisites, progress, samples
from sandbox.cloud import Cloud
from sandbox.options import Options, parse
from sandbox.ports import HOST, PortsInUseError
from sandbox.processes import PartError
from sandbox.progress import Onboarding
from sandbox.requester import ApiError, Requester
from sandbox.running import OtherUpError, only_one
from sandbox.settings import told_of_events
from sandbox.setup.problem import SetupError

LOOK_EVERY = 0.25
"""Seconds between two looks at the onboarding."""
PORTS_IN_USE = 3
INTERRUPTED = 130
NOTE = "Confirmed by dev.py up --confirm."
DRIFT_SOON = {"ONBOARDING_DRIFT_EVERY": "30", "ONBOARDING_DRIFT_SURE_AFTER": "10"}
"""People try it, and don't wait for a day."""
ESCALATED_TO = "head-of-voice@contoso.com"
"""Who is told of what is escalated, where the request names nobody."""


class NotCompletedError(Exception):
    """With --confirm, the onboarding did not come to its end; says why."""


def main(arguments: Sequence[str]) -> int:
    """Run until Ctrl-C, or with --confirm until the onboarding is completed; the exit status."""
    options = parse(arguments)
    console = Console(highlight=False)
    _stop_on_signals()
    try:
        run(options, console)
    except KeyboardInterrupt:
        console.print("\nStopped.")
        return INTERRUPTED if options.confirm else 0
    except (PortsInUseError, OtherUpError) as error:
        print(error, file=sys.stderr)
        return PORTS_IN_USE
    except (SetupError, PartError, ApiError, NotCompletedError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(options: Options, console: Console) -> None:
    """Start the cloud and follow the onboarding.

    Raises:
        KeyboardInterrupt: the user wants it to end.
        PortsInUseError, OtherUpError, PartError, ApiError, NotCompletedError, SetupError: it can't go on; a sentence
            says why.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(only_one(options.folder, f"http://{HOST}:{options.ports.functions}/api/dashboard"))
        events = told_of_events(options.ports) if options.events else {}
        cloud = stack.enter_context(
            Cloud(
                options.ports,
                folder=options.folder,
                provisioning=options.speed,
                dns_delay=options.speed,
                without=options.without,
                overrides={**DRIFT_SOON, **reminders(options), **events},
            )
        )
        console.print(
            f"The sandbox is up after {time.monotonic() - started:.1f} s, with nothing in it from earlier runs."
        )
        for line in addresses(cloud, options):
            console.print(line, soft_wrap=True)
        if options.request is None:
            while True:
                cloud.check()
                time.sleep(LOOK_EVERY)
        requester = stack.enter_context(Requester(cloud.api))
        for line in prerequisites.meet(options.request, cloud.control):
            console.print(line, soft_wrap=True)
        onboarding = requester.post(options.request, None if usual_port(cloud) else options.ports.trunks)
        console.print(
            f"Posted {options.request.name}: {cloud.api}/api/onboardings/{onboarding['id']}\n", soft_wrap=True
        )
        follow(onboarding, options, cloud, requester, console)


def reminders(options: Options) -> dict[str, str]:
    """The settings that make reminders and escalations come while somebody looks."""
    values = {
        "ONBOARDING_REMIND_FIRST": options.remind,
        "ONBOARDING_REMIND_AGAIN": options.remind,
        "ONBOARDING_ESCALATE_AFTER": options.escalate,
        "ONBOARDING_WARN_AFTER": options.escalate,
    }
    told = {"ONBOARDING_ESCALATION_EMAIL": ESCALATED_TO} if options.escalate else {}
    return {name: f"{value:g}" for name, value in values.items() if value} | told


def addresses(cloud: Cloud, options: Options) -> list[str]:
    """Where everything is, for people. What a low terminal should still show stands last."""
    lines = [] if options.request else to_post(cloud)
    lines += [
        f"  dashboard           {cloud.api}/api/dashboard",
        f"  API                 {cloud.api}/api/onboardings, described at {cloud.api}/api/docs",
        f"  simulated mailbox   {cloud.control}/mailbox",
        f"  simulated Teams     {cloud.control}/teams",
        *([f"  events              {cloud.control}/events"] if options.events else []),
        f"  control port        {cloud.control}",
        f"  logs                {cloud.folder / 'logs'}",
    ]
    if not usual_port(cloud):
        lines.append(f"  trunks              port {cloud.ports.trunks}: write that into a request; samples say 5061")
    if options.without:
        lines.append(f"  left to you         {', '.join(sorted(options.without))} (docs/local.md)")
    return [*lines, "" if options.confirm else "Ctrl-C stops everything.\n"]


def to_post(cloud: Cloud) -> list[str]:
    """The samples, and how each is posted."""
    return [
        "Post a request, such as one of samples/:",
        *samples.listed(),
        f'  curl -H "Content-Type: application/json" -d @samples/{samples.USUAL} {cloud.api}/api/onboardings',
        f"  before already-onboarded.json: curl -X POST {cloud.control}{prerequisites.ONBOARDED}  (irm -Method Post …)",
        f"  PowerShell: irm -Method Post -ContentType application/json -InFile samples/{samples.USUAL} "
        f"{cloud.api}/api/onboardings",
    ]


def usual_port(cloud: Cloud) -> bool:
    """Whether the trunks are where requests have them, whatever else their port is."""
    return bool(cloud.facts("microsoft")["trunks"]["usualPort"])


def follow(onboarding: Onboarding, options: Options, cloud: Cloud, requester: Requester, console: Console) -> None:
    """Show the onboarding until the user stops it, or with --confirm until its end.

    Raises:
        NotCompletedError: with --confirm, it needs attention or took longer than the bound.
    """
    started = time.monotonic()
    before: Onboarding | None = None
    with ExitStack() as stack:
        live = stack.enter_context(Live(console=console, auto_refresh=False)) if console.is_terminal else None
        while True:
            now = datetime.now(UTC)
            if live:
                live.update(progress.screen(onboarding, cloud.api, now, console.height - 1), refresh=True)
            else:
                for line in progress.changes(before, onboarding, now):
                    console.print(f"{durations.short(time.monotonic() - started):>8}  {line}", soft_wrap=True)
            if not options.confirm:
                # Above the table, where the terminal breaks long lines: they are to be copied.
                for line in progress.to_do(before, onboarding, cloud.api):
                    console.print(line, soft_wrap=True)
            if options.confirm:
                if onboarding["state"] == "completed":
                    break
                judge(onboarding, time.monotonic() - started, options)
                for step in progress.open_checkpoints(onboarding):
                    # Refused when the world moved on since we looked; the next look tells.
                    with suppress(ApiError):
                        requester.confirm(onboarding["id"], step, NOTE)
            time.sleep(LOOK_EVERY)
            cloud.check()
            before, onboarding = onboarding, requester.get(onboarding["id"])
    took = durations.short(time.monotonic() - started)
    console.print(f"\nCompleted: {progress.counted(onboarding)} in {took}.")


def judge(onboarding: Onboarding, elapsed: float, options: Options) -> None:
    """Give up where waiting is in vain.

    Raises:
        NotCompletedError: it needs attention, was cancelled, or took longer than the bound.
    """
    name, state = onboarding["gateway"]["name"], onboarding["state"]
    if state == "needs-attention":
        raise NotCompletedError(f"{name} needs attention: {progress.problem(onboarding.get('lastError'))}")
    if state == "cancelled":
        raise NotCompletedError(f"{name} was cancelled, after {progress.counted(onboarding)}.")
    if elapsed > options.bound:
        unfinished = [s["name"] for s in onboarding["steps"] if s["state"] in ("due", "running", "waiting")]
        raise NotCompletedError(
            f"{name} was not completed within {durations.short(options.bound)} (--bound): "
            f"{progress.counted(onboarding)} are done, and it is at {', '.join(unfinished) or 'no step at all'}."
        )


def _stop_on_signals() -> None:
    """Being told to end, by whatever means, is the same as Ctrl-C; being told again while stopping changes nothing."""

    def stop(number: int, frame: FrameType | None) -> None:
        for name in names:
            signal.signal(name, signal.SIG_IGN)
        raise KeyboardInterrupt

    names = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    for name in names:
        signal.signal(name, stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
