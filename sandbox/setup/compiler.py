"""A C compiler for the packages that PyPI has no finished build of: the machine's, else the one that PyPI carries.

The Service Bus broker's AMQP library, python-qpid-proton, has none for Linux.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

USUAL = ("cc", "gcc", "clang")


def on_machine(configured: str) -> dict[str, str] | None:
    """The variables with which the machine's compiler is used, given the one that Python was built with.

    None when there is no compiler.
    """
    first = configured.split()[0] if configured.split() else ""
    if os.environ.get("CC") or (first and shutil.which(first)):
        return {}
    return next(({"CC": name} for name in USUAL if shutil.which(name)), None)


@contextmanager
def available(folder: Path, install: Callable[[Path], None]) -> Iterator[dict[str, str]]:
    """While entered, there is a compiler: what to add to the environment for it.

    Args:
        folder: for a compiler from PyPI. It is large, and removed when left.
        install: installs the Zig tool chain into a folder: it contains a C compiler, and needs nothing of the machine.

    Raises:
        SetupError: there is none, and none can be installed.
    """
    # On Windows packages are built with Microsoft's compiler or not at all, and finished builds are the rule.
    found = {} if os.name == "nt" else on_machine(str(sysconfig.get_config_var("CC") or ""))
    if found is not None:
        yield found
        return
    try:
        install(folder)
        yield {
            "CC": f"{folder / 'ziglang' / 'zig'} cc",
            "ZIG_GLOBAL_CACHE_DIR": str(folder / "cache"),
            "ZIG_LOCAL_CACHE_DIR": str(folder / "cache"),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
