"""A folder of npm packages, installed at the versions of a lock file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sandbox.setup import node, stamp
from sandbox.setup.packages import Packages
from sandbox.setup.problem import SetupError, from_os_error
from sandbox.setup.tool import run

FILES = ("package.json", "package-lock.json")
OPTIONS = {
    "npm_config_engine_strict": "false",
    "npm_config_global": "false",
    "npm_config_update_notifier": "false",
    # A minute's silence of npm's own retries is long for somebody without a network.
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "5000",
}


class NodeModules:
    """What one lock file brings in, in a folder of `.sandbox`.

    Args:
        root: the repository's folder.
        name: of the product, for people.
        source: where package.json and its lock file are.
        folder: where to install.
        main: the file that is used of it, below `node_modules`.
        takes: how long installing takes, for people.
        installed_by: the command that installs it, for people.
    """

    def __init__(
        self,
        root: Path,
        name: str,
        source: Path,
        folder: Path,
        main: str,
        takes: str = "",
        installed_by: str = "python3 dev.py test",
    ) -> None:
        self.root = root
        self.name = name
        self.source = source
        self.folder = folder
        self.script = folder / "node_modules" / main
        self.stamp = folder / "ready.json"
        self._takes = takes
        self._installed_by = f"`{installed_by}`"

    def wanted(self) -> str:
        """Changes when another version is asked for."""
        return stamp.fingerprint(self.source / name for name in FILES)

    def ready(self) -> bool:
        """Whether nothing is left to do."""
        found = stamp.read(self.stamp)
        same = found.get("packages") == self.wanted()
        return same and Path(found.get("node", "-")).exists() and self.script.exists()

    def node(self) -> str:
        """The Node that it was installed with.

        Raises:
            SetupError: it is not installed.
        """
        if not self.ready():
            raise SetupError(f"{self.name} is not installed in {self.folder}; {self._installed_by} installs it.")
        return str(stamp.read(self.stamp)["node"])

    def command(self) -> list[str]:
        """How to run `script`. Raises SetupError as `node` does."""
        return [self.node(), str(self.script)]

    def prepare(self, packages: Packages) -> None:
        """Install it, unless it is there.

        Raises:
            SetupError: the machine lacks what it takes.
        """
        if self.ready():
            return
        found = node.prepare(packages, self.name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            stamp.remove(self.stamp)
            for name in FILES:
                shutil.copyfile(self.source / name, self.folder / name)
        except OSError as error:
            raise from_os_error(f"Preparing {self.name}", error) from error
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
            doing=f"Installing {self.name}",
            log=self.root / ".sandbox" / "logs" / "setup-npm.log",
            environment=_environment(found, packages),
            folder=self.folder,
            takes=self._takes,
        )
        if not self.script.exists():
            raise SetupError(f"Installing {self.name} left no {self.script}; see .sandbox/logs/setup-npm.log.")
        stamp.write(self.stamp, {"packages": self.wanted(), "node": found.program})


def _environment(found: node.Node, packages: Packages) -> dict[str, str]:
    environment = {
        **os.environ,
        **OPTIONS,
        "PATH": os.pathsep.join([str(Path(found.program).parent), os.environ.get("PATH", "")]),
    }
    # Whoever told pip of a proxy's certificate authority need not tell Node as well.
    authority = packages.pip_environment().get("PIP_CERT")
    if authority:
        environment.setdefault("NODE_EXTRA_CA_CERTS", authority)
    return environment
