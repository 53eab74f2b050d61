"""What all commands share: their options, the way to the application, and how they end when they can't go on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import httpx
import typer

from onboard.address import read_address
from onboard.api import Api
from onboard.errors import CommandError
from onboard.exits import ExitCode
from onboard.output import Output, talk
from onboard.sign_in import CLIENT_ID, Credential, default_credential, sign_in_for

Url = Annotated[
    str | None,
    typer.Option("--url", envvar="ONBOARDING_URL", help="Address of the application.", show_default=False),
]
ClientId = Annotated[
    str | None,
    typer.Option(
        "--client-id",
        envvar=CLIENT_ID,
        help="Client id of the application's registration, to sign in for. Not for a sandbox.",
        show_default=False,
    ),
]
Form = Annotated[Output, typer.Option("--output", "-o", help="What stdout gets.")]
Named = Annotated[str, typer.Argument(metavar="ONBOARDING", help="Its id, or the name of its gateway.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


@dataclass(frozen=True)
class Surroundings:
    """What a command finds around itself; a test puts its own in its place."""

    transport: httpx.BaseTransport | None = None
    credential: Callable[[], Credential] = default_credential
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    terminal: Callable[[], bool] = _terminal
    """Whether somebody can be asked."""


def around(context: typer.Context) -> Surroundings:
    """Those of this call."""
    found = context.find_object(Surroundings)
    return found or Surroundings()


@contextmanager
def session(context: typer.Context, url: str | None, client_id: str | None) -> Iterator[Api]:
    """The application; what goes wrong is told, and ends the command with its exit status."""
    here = around(context)
    api: Api | None = None
    try:
        address = read_address(url)
        api = Api(address, sign_in_for(address, client_id, here.credential), here.transport, here.sleep)
        yield api
    except CommandError as error:
        talk("\n".join((error.message, *(f"  {reason}" for reason in error.reasons))))
        raise typer.Exit(int(error.code)) from None
    finally:
        if api is not None:
            api.close()


def ask(context: typer.Context, question: str, *, yes: bool) -> None:
    """Go on only if somebody says so. Raises CommandError."""
    if yes:
        return
    if not around(context).terminal():
        raise CommandError(ExitCode.USAGE, f"{question} Nobody can be asked here: say --yes. Nothing was changed.")
    if not typer.confirm(question, err=True):
        raise CommandError(ExitCode.FAILED, "Nothing was changed.")
