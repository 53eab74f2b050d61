"""Azure's own programs, where this machine has them; none of them comes from a package that could be installed here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path


class LeftOutError(Exception):
    """Why something can't be looked at here: a program isn't there, doesn't start, or misses what it must fetch."""


def find(name: str, environment: Mapping[str, str] = os.environ, home: Path | None = None) -> str:
    """The path of a program: on the PATH, or where Azure CLI (`az bicep install`) and azd put theirs.

    :raises LeftOutError: it is at none of them.
    """
    home = home or Path.home()
    azure = Path(environment.get("AZURE_CONFIG_DIR") or home / ".azure")
    azd = Path(environment.get("AZD_CONFIG_DIR") or home / ".azd")
    for path in (environment.get("PATH", ""), str(azure / "bin"), str(azd / "bin")):
        if path and (found := shutil.which(name, path=path)):
            return found
    raise LeftOutError(f"there is no {name}: neither on the PATH nor in {azure / 'bin'} nor in {azd / 'bin'}")


def version(program: str, least: tuple[int, int, int]) -> str:
    """What a program calls its version.

    :raises LeftOutError: it doesn't start, or is older than the least that serves.
    """
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=100, check=False)
    except OSError as error:
        raise LeftOutError(f"{program} does not start: {error}") from error
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", told.stdout)
    if told.returncode or found is None:
        said = (told.stderr or told.stdout).strip()[:300]
        raise LeftOutError(f"{program} does not start (exit status {told.returncode}): {said}")
    if tuple(map(int, found.groups())) < least:
        raise LeftOutError(f"{program} is {found[0]}; {'.'.join(map(str, least))} or newer is needed")
    return found[0]
