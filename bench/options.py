"""What the bench can be told."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS, SCRATCH = ROOT / "docs", ROOT / ".sandbox" / "bench"


@dataclass(frozen=True)
class Options:
    """All parts, when none is named."""

    parts: tuple[str, ...]
    quick: bool
    show: bool
    folder: Path
    command: str


def parser() -> argparse.ArgumentParser:
    """The options of `dev.py bench`."""
    bench = argparse.ArgumentParser(
        prog="dev.py bench",
        description="Measures, and writes docs/performance.md, its plots and docs/performance.json.",
        epilog="A part that is run alone takes the place of its own numbers only; the others stay as they were.",
    )
    bench.add_argument("parts", nargs="*", metavar="part", help="a part to run (default: all; see --list)")
    bench.add_argument("--quick", action="store_true", help="small sizes, two minutes together; into .sandbox/bench")
    bench.add_argument("--list", action="store_true", help="say which parts there are, and how long each takes")
    bench.add_argument("--page", action="store_true", help="measure nothing: write the page anew from the JSON")
    bench.add_argument("--folder", type=Path, metavar="DIR", help="where the results go instead")
    return bench


def parse(arguments: Sequence[str], known: Sequence[str]) -> Options | None:
    """Read them; None: only the list is wanted. An unknown part ends the program as argparse does."""
    bench = parser()
    given = bench.parse_args(arguments)
    unknown = [name for name in given.parts if name not in known]
    if unknown:
        bench.error(f"there is no part {unknown[0]}; there are {', '.join(known)}")
    if given.page and given.parts:
        bench.error("--page measures nothing: leave the parts out")
    folder = given.folder or (SCRATCH if given.quick else DOCS)
    command = " ".join(["python3 dev.py bench", *given.parts, *(["--quick"] if given.quick else [])])
    return None if given.list else Options(tuple(given.parts), given.quick, given.page, folder.resolve(), command)
