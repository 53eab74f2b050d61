"""A peer while it is measured: its process, or this product's own system, with the same few words."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from bench.operator import Operator, body_for
from bench.part import Json
from bench.peers.environment import python_of
from bench.usage import Tree
from sandbox.cloud import Cloud
from sandbox.options import ROOT
from sandbox.ports import HOST
from sandbox.settings import certificate_authority

PEER = "BENCH_PEER"
"""The variable that tells a peer where everything is."""
BOUND = 900.0
"""Seconds for all gateways of one round."""


class PeerError(Exception):
    """A peer did not do its work."""


class Running(Protocol):
    """An engine that is up."""

    tree: Tree

    def onboard(self, gateways: Sequence[str]) -> float:
        """All of them, begun at once; the seconds until the last has ended. Raises PeerError."""

    def close(self) -> None:
        """End it."""


def settings_for(cloud: Cloud) -> Json:
    """Where a peer finds the simulated Microsoft."""
    ours = cloud.settings
    return {
        "arm": ours["ONBOARDING_ARM_ENDPOINT"],
        "graph": ours["ONBOARDING_GRAPH_ENDPOINT"],
        "teams": ours["ONBOARDING_TEAMS_WEBHOOK_URL"],
        "identity": ours["IDENTITY_ENDPOINT"],
        "identityHeader": ours["IDENTITY_HEADER"],
        "sender": ours["ONBOARDING_MAIL_SENDER"],
        "ca": str(certificate_authority(cloud.folder)),
        "dns": cloud.ports.dns,
    }


class PeerProcess:
    """A module of this folder in an environment of its own."""

    def __init__(self, module: str, cloud: Cloud, folder: Path, **more: Any) -> None:
        """Starts it; `wait_ready` says when it takes work. Raises SetupError."""
        folder.mkdir(parents=True, exist_ok=True)
        given = {**settings_for(cloud), "folder": str(folder), **more}
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")}
        self._log = folder / "peer.log"
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(
                [str(python_of(module)), "-P", "-m", f"bench.peers.{module}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env={**kept, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "NO_PROXY": HOST, PEER: json.dumps(given)},
                text=True,
            )
        self.tree = Tree(self._popen.pid)

    def wait_ready(self) -> None:
        """Raises PeerError when it ends instead."""
        self._answer()

    def onboard(self, gateways: Sequence[str]) -> float:
        assert self._popen.stdin is not None
        self._popen.stdin.write(json.dumps({"gateways": gateways}) + "\n")
        self._popen.stdin.flush()
        return float(self._answer()["seconds"])

    def close(self) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        try:
            self._popen.wait(30)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def _answer(self) -> Json:
        assert self._popen.stdout is not None
        # One that hangs is ended, and has then said nothing.
        bound = threading.Timer(BOUND, self._popen.kill)
        bound.start()
        try:
            line = self._popen.stdout.readline()
        finally:
            bound.cancel()
        found: Json = json.loads(line) if line else {"problem": "it ended"}
        if "problem" in found:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
            raise PeerError("\n".join([found["problem"], *lines]))
        return found


class Ours:
    """This product, as the sandbox runs it: the Functions host is the engine."""

    def __init__(self, cloud: Cloud, operator: Operator) -> None:
        pid = cloud.pid("functions")
        assert pid is not None
        self.tree = Tree(pid)
        self._operator = operator

    def onboard(self, gateways: Sequence[str]) -> float:
        began = time.perf_counter()
        self._operator.run([body_for(name) for name in gateways], BOUND)
        return time.perf_counter() - began

    def close(self) -> None:
        """The cloud ends it."""

