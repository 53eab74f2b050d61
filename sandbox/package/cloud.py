"""The cloud on this machine, with a package as its function app."""

from __future__ import annotations

import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

from sandbox.cloud import standard_parts
from sandbox.options import ROOT
from sandbox.package import host
from sandbox.ports import Ports
from sandbox.processes import Part


def parts(ports: Ports, folder: Path, package: Path, python: str = sys.executable) -> list[Part]:
    """The usual parts of `Cloud`, but for the Functions host: it runs the package, and sees its libraries only.

    `python` is an interpreter of the version that the package is for.

    Raises:
        SetupError: Azurite is not installed.
    """
    usual = standard_parts(ports, folder, provisioning=0.0, dns_delay=0.0, persist=False)
    return [_packaged(part, package, python) if part.name == "functions" else part for part in usual]


def _packaged(part: Part, package: Path, python: str) -> Part:
    arguments = list(part.command[part.command.index("sandbox.functions_host") + 1 :])
    arguments[arguments.index("--app") + 1] = str(package)
    # Isolated, Python reads none of its variables: what they say elsewhere is said here.
    command = [python, "-I", "-S", "-u", "-X", "utf8", host.__file__, str(package)]
    assert str(ROOT) not in arguments, "the app is the package's, not the repository's"
    return replace(part, command=[*command, sysconfig.get_paths()["purelib"], *arguments])
