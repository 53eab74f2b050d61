"""Makes a package: chooses files, copies them, checks that the app can be imported from them alone."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.options import ROOT
from sandbox.package import isolated
from sandbox.package.bytecode import compile_reached
from sandbox.package.fetch import fetched
from sandbox.package.funcignore import app_files
from sandbox.package.isolated import SITE, Reached
from sandbox.package.libraries import Installed, closure, environment
from sandbox.package.lock import locked
from sandbox.package.options import Options
from sandbox.package.problem import PackageError
from sandbox.package.prune import THINNED, stays

LIMIT = 60_000_000
"""Bytes that a package may have unpacked, without bytecode. Beyond it something came along that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of one library, or of the app: bytes and files, as pip installs it and in the package."""

    name: str
    before: int
    after: int
    files_before: int
    files_after: int


@dataclass(frozen=True)
class Package:
    """A package that was made. `checked` is false where this machine has no such Python to check it with."""

    folder: Path
    python: str
    sizes: Sequence[Size]
    functions: frozenset[str]
    checked: bool
    bytecode: int = 0
    """Bytes that it adds."""


def build(options: Options, root: Path = ROOT) -> Package:
    """Make the package anew, in place of the one that was there.

    Raises:
        PackageError: it would not run, or is too large; what was there before stays.
        SetupError: pip failed.
    """
    _refuse_strangers(options.out)
    here = Installed.at(Path(sysconfig.get_paths()["purelib"]))
    # Asked of the packages installed here: the pins are the same, and this Python can import them.
    wanted = isolated.reached(sys.executable, root, here.site.resolve())
    where = environment(None if options.for_here else options.python)
    source = here if options.for_here else fetched(root, options.python, where)
    unfinished = options.out.with_name(f"{options.out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    pins = locked(root / "requirements.txt", where)
    names, missing = closure((pin.requirement for pin in pins), source.requires, where)
    if missing:
        raise PackageError(f"{', '.join(sorted(missing))} is not installed in {source.site}: run `dev.py up` once.")
    sizes = [_copy("(the app)", root, app_files(root), unfinished)]
    sizes += [_copy_library(source, name, wanted, unfinished / SITE) for name in sorted(names)]
    checked = _check(unfinished, options, wanted)
    refuse_large(sizes)
    bytecode = bytecode_of(unfinished, options, wanted)
    shutil.rmtree(options.out, ignore_errors=True)
    unfinished.rename(options.out)
    return Package(options.out, options.python, sizes, wanted.functions, checked, bytecode)


def refuse_large(sizes: Sequence[Size]) -> None:
    """Raise PackageError when a package has more than LIMIT; it names the largest parts."""
    total = sum(size.after for size in sizes)
    if total > LIMIT:
        largest = ", ".join(f"{s.name} {megabytes(s.after)}" for s in sorted(sizes, key=lambda s: -s.after)[:5])
        raise PackageError(
            f"The package has {megabytes(total)}, more than the {megabytes(LIMIT)} that it may have; the largest parts"
            f" are {largest}. Thin one out in sandbox/package/prune.py."
        )


def megabytes(count: int) -> str:
    """Such as `12.3 MB`; a megabyte is a million bytes."""
    return f"{count / 1e6:.1f} MB"


def _refuse_strangers(out: Path) -> None:
    if out.exists() and any(out.iterdir()) and not (out / SITE).is_dir():
        raise PackageError(f"{out} is there and is no package, so it is not replaced: give --out another folder.")


def _copy(name: str, source: Path, files: Iterable[Path], target: Path) -> Size:
    count = total = 0
    for file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file, target / file)
        count, total = count + 1, total + (source / file).stat().st_size
    return Size(name, total, total, count, count)


def _copy_library(source: Installed, name: str, wanted: Reached, target: Path) -> Size:
    files = source.files(name)
    kept = _copy(name, source.site, [Path(f) for f in files if stays(f, wanted.modules)], target)
    return Size(name, sum((source.site / f).stat().st_size for f in files), kept.after, len(files), kept.files_after)


def _check(folder: Path, options: Options, wanted: Reached) -> bool:
    """Whether the app was imported from the folder. Raises PackageError when it can't be, or lacks what it reaches."""
    site = folder / SITE
    thinned = tuple(f"{t.package}." for t in THINNED)
    lost = [m for m in sorted(wanted.modules) if m.startswith(thinned) and not _has(site, m)]
    if lost:
        raise PackageError(f"The package lacks modules that the app reaches: {', '.join(lost)}.")
    python = isolated.interpreter(options.python)
    if python is None:
        return False
    found = isolated.reached(python, folder, site)
    if found.functions != wanted.functions:
        difference = ", ".join(sorted(found.functions ^ wanted.functions))
        raise PackageError(f"The packaged app has other functions than this one: {difference}.")
    return True


def bytecode_of(folder: Path, options: Options, wanted: Reached) -> int:
    """Add it, as the options say; how many bytes that adds. Raises PackageError."""
    if options.bytecode is False:
        return 0
    python = isolated.interpreter(options.python)
    if python is None and options.bytecode is None:
        return 0
    if python is None:
        raise PackageError(f"--bytecode needs python{options.python}, which is not on this machine: leave it out.")
    return compile_reached(folder, wanted.modules, python)


def _has(site: Path, module: str) -> bool:
    path = site.joinpath(*module.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def table(sizes: Sequence[Size], least: int = 1_000_000) -> Mapping[str, tuple[int, int]]:
    """Bytes before and after, largest first; what is smaller than `least` is summed up."""
    ordered = sorted(sizes, key=lambda size: -size.before)
    large = {s.name: (s.before, s.after) for s in ordered if s.before >= least}
    small = [s for s in ordered if s.before < least]
    large[f"{len(small)} smaller ones"] = (sum(s.before for s in small), sum(s.after for s in small))
    large["together"] = (sum(s.before for s in sizes), sum(s.after for s in sizes))
    return large
