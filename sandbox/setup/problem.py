"""What can go wrong on a user's machine, each as one sentence that says what to do."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class SetupError(Exception):
    """The machine's situation, not a defect: shown as its one sentence, without a traceback."""


@dataclass(frozen=True)
class Cause:
    """A known cause, recognised by what a tool prints."""

    pattern: re.Pattern[str]
    sentence: str


def _cause(pattern: str, sentence: str) -> Cause:
    return Cause(re.compile(pattern, re.IGNORECASE), sentence)


UNREACHABLE = (
    "the package server can't be reached: the first set-up needs the network (behind a proxy, set HTTPS_PROXY)"
)

CAUSES: Sequence[Cause] = (
    _cause(
        r"no space left on device|ENOSPC|\[Errno 28\]|not enough space on the disk",
        "the disk is full: about 1.5 GB are needed in the repository's folder, and some in the folder for "
        "temporary files; make room",
    ),
    _cause(
        r"ensurepip is not available|No module named '?(ensurepip|venv)",
        "this Python comes without its module venv: install that (on Debian and Ubuntu, python3-venv)",
    ),
    _cause(
        r"Python\.h: No such file|'?Python\.h'? file not found",
        "a package must be compiled, and this Python comes without its header files: install them "
        "(on Debian and Ubuntu, python3-dev)",
    ),
    _cause(
        r"do not match the hashes|hashes are required in|THESE PACKAGES DO NOT MATCH",
        "a package's file is not one that the lock names: the index, the mirror or a folder of wheels (PIP_INDEX_URL, "
        "PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS) has another file under that name, or the lock was changed by hand; take "
        "the files of PyPI, and write the lock with `python3 dev.py lock`",
    ),
    _cause(
        r"failed to build|failed building wheel",
        "a package must be compiled, which did not work here: see the log; where it asks for a compiler, "
        "install one (on Windows, Visual Studio's build tools)",
    ),
    _cause(
        r"CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER|VERIFY)",
        "the package server's certificate is not trusted here: if a proxy stands in between, tell pip "
        "(PIP_CERT) and Node (NODE_EXTRA_CA_CERTS) its certificate authority",
    ),
    # pip's last try. What it says afterwards of versions and Pythons is of what it could read without the server.
    _cause(r"Retry\(total=0\b", UNREACHABLE),
    _cause(
        r"ResolutionImpossible|Requires-Python|requires a different Python",
        f"not all of the pinned packages exist for this Python ({sys.version_info.major}.{sys.version_info.minor}): "
        "take one that they were tested with, such as python3.12 dev.py",
    ),
    _cause(
        r"NewConnectionError|name resolution|getaddrinfo|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET"
        r"|ENETUNREACH|EHOSTUNREACH|ConnectTimeout|ReadTimeout|ProxyError|network is unreachable"
        r"|failed to establish|failed to resolve|ERR_SOCKET_TIMEOUT|FETCH_ERROR",
        UNREACHABLE,
    ),
    _cause(
        r"No matching distribution found|ETARGET|No matching version found",
        "the package server has not all of the pinned packages: the log says which one is missing; see whether pip or "
        "npm is set to a mirror that lacks it (PIP_INDEX_URL, PIP_NO_INDEX, npm's registry)",
    ),
    _cause(
        r"permission denied|EACCES|EPERM|\[Errno 13\]|access is denied",
        "a file may not be written: check who owns this folder, and that none of its programs runs",
    ),
)


def explained(doing: str, output: str, log: Path) -> SetupError:
    """The problem behind a tool's output; where the cause is not known, its last line is quoted."""
    for cause in CAUSES:
        if cause.pattern.search(output):
            return SetupError(f"{doing} failed because {cause.sentence}, and run this again. (Log: {log})")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    last = lines[-1] if lines else "it printed nothing"
    return SetupError(f"{doing} failed; its last line was: {last} (Log: {log})")


def from_os_error(doing: str, error: OSError) -> SetupError:
    """The problem behind a refused file operation."""
    if error.errno == errno.ENOSPC:
        return SetupError(f"{doing} failed because {CAUSES[0].sentence}, and run this again.")
    where = f" {error.filename}" if error.filename else ""
    return SetupError(f"{doing} failed on the file system:{where}: {error.strerror or error}.")
