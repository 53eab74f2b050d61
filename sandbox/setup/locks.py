"""The locks: each `*.txt` of requirements names every package that its `*.in` brings, with the hashes of its files.

Nothing is installed but from a lock, so a file that is not one of those that were looked at when the lock was written
is refused, from wherever it comes: an index, a mirror of it, or a folder of wheels.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sandbox.setup.packages import PINS, Packages
from sandbox.setup.tool import run

PEERS = Path("bench") / "peers"
LOCKS = (
    Path("requirements.txt"),
    Path("requirements-dev.txt"),
    PINS / "azure-cli.txt",
    PINS / "build.txt",
    PINS / "compiler.txt",
    PINS / "node.txt",
    PINS / "uv.txt",
    *(PEERS / f"{peer}.txt" for peer in ("bare_asyncio", "with_dbos", "with_prefect")),
)
"""Relative to the repository. Those of `pins` are tools, and those of `bench` what is measured beside this: installed
when they are needed."""
OLDEST_PYTHON = "3.11"
COMMAND = "python3 dev.py lock"


def write(packages: Packages, *, upgrade: bool) -> None:
    """Write all locks of a repository anew, with uv.

    Args:
        packages: of the repository; pip is there.
        upgrade: take the newest versions of what no `*.in` pins; otherwise those that the locks have stay.

    Raises:
        SetupError: uv could not be installed, the index can't be reached, or no versions fit together.
    """
    root = packages.root
    folder = root / ".sandbox" / "uv"
    packages.install(root / PINS / "uv.txt", "--upgrade", "--target", str(folder), what="uv, which writes the locks")
    program = folder / "bin" / ("uv.exe" if os.name == "nt" else "uv")
    for lock in LOCKS:
        source = lock.with_suffix(".in")
        run(
            [
                *(str(program), "--no-config", "pip", "compile", "--universal", "--python-version", OLDEST_PYTHON),
                *("--generate-hashes", "--no-strip-extras", "--custom-compile-command", COMMAND),
                *(("--upgrade",) if upgrade else ()),
                *(source.as_posix(), "--output-file", lock.as_posix()),
            ],
            doing=f"Writing {lock.as_posix()}",
            log=packages.logs / "lock.log",
            environment={**os.environ, **uv_environment(packages.pip_environment())},
            folder=root,
        )


def uv_environment(pip: Mapping[str, str]) -> dict[str, str]:
    """What uv must be told of the network: what pip's variables say.

    Folders of wheels are left out: a lock must know the files for every platform, as only an index has them.
    """
    names = {
        "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
        "PIP_CERT": "SSL_CERT_FILE",
        "PIP_DEFAULT_TIMEOUT": "UV_HTTP_TIMEOUT",
        "PIP_TIMEOUT": "UV_HTTP_TIMEOUT",
    }
    return {theirs: pip[ours] for ours, theirs in names.items() if ours in pip}
