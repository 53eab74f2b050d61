"""`python -m onboarding.operations backup FILE`, `restore FILE`, `check [FILE]`: see docs/runbook.md.

Which tables is told by the app's own settings, `Tables__tableServiceUri` (or `Tables`); who may, by your own sign-in
(`az login`): Storage Table Data Reader to look and to back up, Contributor to restore.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from onboarding.azure.tables import AzureTable
from onboarding.memory import MemoryTable
from onboarding.operations.backup import backup, header
from onboarding.operations.backup_file import EVENTS, ONBOARDINGS, BackupFileError, Writer, read_backup
from onboarding.operations.check import check_tables
from onboarding.operations.restore import NotEmptyError, restore
from onboarding.operations.tables import Tables

WRONG, FAILED = 1, 2
"""Exit status: a check found something; nothing was done."""


class Where(BaseSettings):
    """The settings that say which tables: the app's own, and no others."""

    tables: SecretStr | None = Field(None, validation_alias="Tables")
    tables_uri: str | None = Field(None, validation_alias="Tables__tableServiceUri")


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        return asyncio.run(_run(chosen))
    except (BackupFileError, NotEmptyError, FileExistsError, FileNotFoundError, LookupError) as error:
        sys.stderr.write(f"{error}\n")
        return FAILED


async def _run(chosen: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        if chosen.command == "backup":
            return await _backup(await _tables(stack), chosen.file)
        if chosen.command == "restore":
            return await _restore(await _tables(stack), chosen)
        return await _check(await _of_file(chosen.file) if chosen.file else await _tables(stack))


async def _backup(tables: Tables, path: Path) -> int:
    # Whoever may read the file may read everything: so only its owner. It must not replace a backup that is good.
    new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(new, "w", encoding="utf-8", newline="\n") as file:
        writer = Writer(file.write, header(datetime.now(UTC)))
        count = await backup(tables, writer)
    _say(f"{count} onboardings, {writer.rows[EVENTS]} audit events outside their rows: {path}")
    return 0


async def _restore(tables: Tables, chosen: argparse.Namespace) -> int:
    head, rows = read_backup(chosen.file)
    actor = chosen.actor or getpass.getuser()
    count = await restore(
        tables, head, rows, actor=actor, now=datetime.now(UTC), only=chosen.only, overwrite=chosen.overwrite
    )
    if not count:
        raise LookupError(f"The backup of {head.at:%Y-%m-%d %H:%M} UTC holds no onboarding {chosen.only or 'at all'}.")
    _say(f"{count} onboardings as they were at {head.at:%Y-%m-%d %H:%M} UTC. Now check, then start the apps.")
    return 0


async def _check(tables: Tables) -> int:
    found = await check_tables(tables)
    for problem in found.problems:
        _say(problem)
    _say(f"{found.onboardings} onboardings, {found.events} audit events: {len(found.problems) or 'no'} problems.")
    return WRONG if found.problems else 0


async def _tables(stack: AsyncExitStack) -> Tables:
    """The tables that the settings name. Raises LookupError when they name none."""
    where = Where()
    if not where.tables and not where.tables_uri:
        raise LookupError(
            "Set Tables__tableServiceUri, such as https://<records' account>.table.core.windows.net"
            " (azd env get-values shows it), or Tables for Azurite."
        )
    credential = None
    if not where.tables:
        from azure.identity.aio import DefaultAzureCredential

        credential = await stack.enter_async_context(DefaultAzureCredential())
    secret = where.tables.get_secret_value() if where.tables else None
    made = [
        AzureTable(name, connection_string=secret, endpoint=where.tables_uri, credential=credential)
        for name in (ONBOARDINGS, EVENTS)
    ]
    for table in made:
        stack.push_async_callback(table.close)
    return Tables(*made)


async def _of_file(path: Path) -> Tables:
    """The tables as a backup would restore them."""
    tables = Tables(MemoryTable(), MemoryTable())
    for table, row in read_backup(path)[1]:
        await (tables.onboardings if table == ONBOARDINGS else tables.events).upsert([row])
    return tables


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m onboarding.operations", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("backup", help="copy both tables into a new file; the application may go on")
    one.add_argument("file", type=Path)
    one = commands.add_parser("restore", help="put a backup back; the application must be stopped")
    one.add_argument("file", type=Path)
    one.add_argument("--only", metavar="ID", help="one onboarding")
    one.add_argument("--overwrite", action="store_true", help="set back onboardings that are there")
    one.add_argument("--actor", help="who does it, for the audit trail (you, unless told)")
    one = commands.add_parser("check", help="can everything be read, and does it agree with its audit trail?")
    one.add_argument("file", type=Path, nargs="?", help="a backup, in place of the tables")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
