"""Measures, part by part, and writes the page after each, so that an interrupted run has what was measured."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import options, results
from bench.page import page, plots
from bench.part import Json
from bench.parts import PARTS

UNKNOWN = "unknown"


def main(arguments: Sequence[str]) -> int:
    """Exit status: 1 when a part could not be measured; the others were."""
    asked = options.parse(arguments, tuple(PARTS))
    if asked is None:
        for part in PARTS.values():
            print(f"{part.name:<16} {part.title:<40} {part.takes}")
        return 0
    kept = results.read(asked.folder)
    failed = []
    for name in () if asked.show else asked.parts or tuple(PARTS):
        print(f"{PARTS[name].title} ({'quick' if asked.quick else PARTS[name].takes}) ...", file=sys.stderr, flush=True)
        began = time.monotonic()
        try:
            measured = PARTS[name].run(asked.quick)
        except Exception as error:  # noqa: BLE001 - one part that can't be measured must not take the others along
            failed.append(name)
            print(f"    failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            continue
        seconds = time.monotonic() - began
        print(f"    {seconds:.0f} s", file=sys.stderr, flush=True)
        kept[name] = results.result(
            measured, quick=asked.quick, seconds=seconds, command=asked.command, version=_version()
        )
        write(asked.folder, kept)
    if asked.show:
        write(asked.folder, kept)
    print(asked.folder / results.PAGE)
    return 1 if failed else 0


def write(folder: Path, kept: Mapping[str, Json]) -> None:
    """The numbers, and the page and its plots as they follow from the file of the numbers."""
    results.write(folder, kept)
    shown, drawings = results.read(folder), folder / results.PLOTS
    drawings.mkdir(parents=True, exist_ok=True)
    for old in drawings.glob("*.svg"):
        old.unlink()
    for name, drawing in plots(shown, PARTS).items():
        (drawings / name).write_text(drawing, encoding="utf-8", newline="\n")
    (folder / results.PAGE).write_text(page(shown, PARTS), encoding="utf-8", newline="\n")


def _version() -> str:
    """Of the code: the commit, where there is one."""
    command = ["git", "-C", str(options.ROOT), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return UNKNOWN
    return done.stdout.strip() or UNKNOWN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
