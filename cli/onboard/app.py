"""The commands."""

from __future__ import annotations

from typing import Annotated

import typer

from onboard import __version__
from onboard.acting import confirm, look
from onboard.exits import ExitCode
from onboard.listing import export, list_
from onboard.many import cancel, pause, resume, retry
from onboard.showing import show, watch
from onboard.starting import plan, request

_STATUSES = (
    "0 done · 1 failed · 2 usage · 3 refused by the rules · 4 not found · 5 needs attention · 6 waits for people ·"
    " 7 not signed in or not allowed · 8 not reachable or busy · 9 still going on · 10 changes · 11 blocked"
)

# No rich text and no local variables in a traceback: what a command holds may be a token.
app = typer.Typer(
    name="onboard",
    help="Onboardings of gateways to Operator Connect and Teams Phone Mobile.",
    epilog=f"Exit status: {_STATUSES}.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("list")(list_)
app.command("show")(show)
app.command("watch")(watch)
app.command("plan")(plan)
app.command("request")(request)
app.command("confirm")(confirm)
app.command("retry")(retry)
app.command("pause")(pause)
app.command("resume")(resume)
app.command("cancel")(cancel)
app.command("look")(look)
app.command("export")(export)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit(int(ExitCode.DONE))


Version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")]


@app.callback()
def root(version: Version = False) -> None:
    """Onboardings of gateways to Operator Connect and Teams Phone Mobile."""
