"""pip's environment: what a user's configuration says of the network, and nothing else.

A line such as `user = true`, `target = ...` or `require-hashes = true` in a user's pip.conf makes pip fail
in a virtual environment, or install beside it; a mirror, a proxy or a certificate authority is needed.
"""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

KEPT = frozenset(
    {
        "index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy", "cert",
        "client-cert", "timeout", "default-timeout", "cache-dir", "no-cache-dir", "keyring-provider",
    }
)  # fmt: skip
"""Options of pip that say how to reach packages (pip's documentation, "Configuration")."""


def configured(listing: Iterable[str]) -> dict[str, str]:
    """The kept options of a `pip config list`; those of a later line (pip's own order of precedence) win."""
    found: dict[str, str] = {}
    for line in listing:
        name, separator, quoted = line.partition("=")
        section, _, option = name.strip().rpartition(".")
        if not separator or section not in ("global", "install") or option not in KEPT:
            continue
        try:
            value = ast.literal_eval(quoted.strip())
        except (ValueError, SyntaxError):
            continue
        found[option] = " ".join(str(value).split())
    return found


def environment(environ: Mapping[str, str], listing: Iterable[str]) -> dict[str, str]:
    """The variables to run pip with: pip's environment wins over its files, as pip has it."""

    def variable(option: str) -> str:
        return "PIP_" + option.upper().replace("-", "_")

    kept = {variable(option) for option in KEPT}
    clean = {k: v for k, v in environ.items() if not k.upper().startswith("PIP_") or k.upper() in kept}
    for name in ("PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "__PYVENV_LAUNCHER__"):
        clean.pop(name, None)
    for option, value in configured(listing).items():
        clean.setdefault(variable(option), value)
    return {**clean, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def listing(python: Path, environ: Mapping[str, str]) -> list[str]:
    """What `pip config list` prints; nothing when it can't be read (pip refuses a file that is not one)."""
    command = [str(python), "-m", "pip", "config", "list"]
    # A user's `user = true`, meant for install, would be read as the --user of this command: list nothing else.
    whole = {**environ, "PIP_USER": "0", "PIP_GLOBAL": "0", "PIP_SITE": "0"}
    done = subprocess.run(command, env=whole, capture_output=True, check=False)
    return done.stdout.decode("utf-8", errors="replace").splitlines() if done.returncode == 0 else []
