"""Azurite, installed by npm at the versions of `sandbox/package-lock.json`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sandbox.setup import node, stamp
from sandbox.setup.packages import Packages
from sandbox.setup.problem import SetupError, from_os_error
from sandbox.setup.tool import run

FILES = ("package.json", "package-lock.json")
NPM_OPTIONS = {
    "npm_config_engine_strict": "false",
    "npm_config_global": "false",
    "npm_config_update_notifier": "false",
    # A minute's silence of npm's own retries is long for somebody without a network.
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "5000",
}


class Azurite:
    """The Azurite of one repository folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".sandbox" / "azurite"
        self.stamp = self.folder / "ready.json"

    @property
    def script(self) -> Path:
        """What Node is to run."""
        return self.folder / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"

    def wanted(self) -> str:
        """Changes when another version is asked for."""
        return stamp.fingerprint(self.root / "sandbox" / name for name in FILES)

    def ready(self) -> bool:
        """Whether nothing is left to do."""
        found = stamp.read(self.stamp)
        same = found.get("packages") == self.wanted()
        return same and Path(found.get("node", "-")).exists() and self.script.exists()

    def command(self) -> list[str]:
        """How to run it.

        Raises:
            SetupError: it is not installed.
        """
        if not self.ready():
            raise SetupError(f"Azurite is not installed in {self.folder}; `python3 dev.py up` installs it.")
        return [stamp.read(self.stamp)["node"], str(self.script)]

    def prepare(self, packages: Packages) -> None:
        """Install it, unless it is there.

        Raises:
            SetupError: the machine lacks what it takes.
        """
        if self.ready():
            return
        found = node.prepare(packages)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            stamp.remove(self.stamp)
            for name in FILES:
                shutil.copyfile(self.root / "sandbox" / name, self.folder / name)
        except OSError as error:
            raise from_os_error("Preparing Azurite", error) from error
        # `ci` begins by removing what an interrupted run left. No package here needs its install script.
        run(
            [
                *found.npm,
                "ci",
                "--omit=dev",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ],
            doing="Installing Azurite",
            log=self.root / ".sandbox" / "logs" / "setup-npm.log",
            environment=self._environment(found, packages),
            folder=self.folder,
            takes="about half a minute",
        )
        stamp.write(self.stamp, {"packages": self.wanted(), "node": found.program})

    @staticmethod
    def _environment(found: node.Node, packages: Packages) -> dict[str, str]:
        environment = {
            **os.environ,
            **NPM_OPTIONS,
            "PATH": os.pathsep.join([str(Path(found.program).parent), os.environ.get("PATH", "")]),
        }
        # Whoever told pip of a proxy's certificate authority need not tell Node as well.
        authority = packages.pip_environment().get("PIP_CERT")
        if authority:
            environment.setdefault("NODE_EXTRA_CA_CERTS", authority)
        return environment
