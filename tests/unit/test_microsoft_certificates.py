"""The private CA: reused while it is valid, remade when it is not."""

from __future__ import annotations

import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.microsoft.certificates import ensure


def test_clients_can_trust_it(tmp_path: Path) -> None:
    files = ensure(tmp_path / "deep" / "down")
    ssl.create_default_context(cafile=str(files.ca))
    files.server_context()
    if sys.platform != "win32":
        assert files.key.stat().st_mode & 0o077 == 0
    there = sorted(path.name for path in files.ca.parent.iterdir())
    assert there == ["ca.pem", "server.key", "server.pem", "trunks.pem"]


def test_it_is_reused(tmp_path: Path) -> None:
    first = ensure(tmp_path).ca.read_bytes()
    assert ensure(tmp_path).ca.read_bytes() == first


def test_it_is_remade_when_expired(tmp_path: Path) -> None:
    first = ensure(tmp_path).ca.read_bytes()
    assert ensure(tmp_path, now=datetime(2099, 1, 1, tzinfo=UTC)).ca.read_bytes() != first


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server.key", "trunks.pem"])
def test_it_is_remade_when_a_file_is_missing_or_of_another_make(name: str, tmp_path: Path) -> None:
    first = ensure(tmp_path / "a").ca.read_bytes()
    other = ensure(tmp_path / "b")
    (tmp_path / "a" / name).write_bytes((other.ca.parent / name).read_bytes())
    second = ensure(tmp_path / "a").ca.read_bytes()
    assert second not in (first, other.ca.read_bytes())
    (tmp_path / "a" / name).unlink()
    assert ensure(tmp_path / "a").ca.read_bytes() != second
