"""What `dev.py package` can be told. Standard library only: a wrong option is refused before anything is installed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.options import ROOT

SUPPORTED = ("3.11", "3.12", "3.13")
"""The versions of Python that the app runs on."""
AZURE = "3.12"
"""The one that the function app is deployed with."""
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
OUT = ROOT / "dist" / "package"


@dataclass(frozen=True)
class Options:
    """`for_here`: from the packages installed here, for this machine; otherwise for Linux x86-64 with that `python`."""

    for_here: bool
    python: str
    out: Path
    bytecode: bool | None = False
    """Add the bytecode of what is reached. None: where that Python is on this machine."""


def parse(arguments: Sequence[str]) -> Options:
    """Read the options; an impossible one ends the program as argparse does: a sentence, exit status 2."""
    parser = argparse.ArgumentParser(
        prog="dev.py package",
        description="Makes the deployment package: a folder, and a zip of it beside.",
    )
    parser.add_argument(
        "--for-here",
        action="store_true",
        help="of the packages installed here, for this machine, without the network; to run it, not to deploy it",
    )
    parser.add_argument(
        "--python", choices=SUPPORTED, help=f"the function app's version of Python (default {AZURE})", metavar="X.Y"
    )
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="the folder (default dist/package)")
    parser.add_argument(
        "--bytecode",
        action=argparse.BooleanOptionalAction,
        help="the bytecode of what the app reaches: 15 MB more, and a quicker cold start; needs that Python here (left"
        " out: where it is, and not with --for-here)",
    )
    given = parser.parse_args(arguments)
    if given.for_here and given.python not in (None, HERE):
        parser.error(f"--for-here is for this Python, {HERE}: leave --python out")
    python = HERE if given.for_here else given.python or AZURE
    bytecode = False if given.for_here and given.bytecode is None else given.bytecode
    return Options(given.for_here, python, given.out.resolve(), bytecode)
