"""The locks: whatever is installed is named there, at one version, by the hashes of its files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from packaging.markers import Environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandbox.package.libraries import Installed, closure, environment, holds
from sandbox.package.lock import Pin, locked, pins
from sandbox.package.options import SUPPORTED
from sandbox.package.problem import PackageError
from sandbox.setup import locks, packages

ROOT = Path(__file__).parents[2]
SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
PLATFORMS: Mapping[str, Mapping[str, str]] = {
    "linux": {},
    "darwin": {"platform_system": "Darwin", "platform_machine": "arm64"},
    "win32": {"platform_system": "Windows", "platform_machine": "AMD64", "os_name": "nt"},
}


def machines() -> Iterator[Environment]:
    """Every Python that is supported, on every platform."""
    for python in SUPPORTED:
        for name, facts in PLATFORMS.items():
            yield {**environment(python), "sys_platform": name, **facts}  # type: ignore[typeddict-item]


def sources(lock: Path) -> Iterator[Requirement]:
    """What the `.in` of a lock asks for, and what the files that it includes do."""
    for line in lock.with_suffix(".in").read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            yield from sources(lock.parent / line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            yield Requirement(line)


@pytest.mark.parametrize("lock", locks.LOCKS, ids=str)
def test_each_package_of_a_lock_has_one_version_and_the_hashes_of_its_files(lock: Path) -> None:
    found = list(pins(ROOT / lock))
    assert found
    for pin in found:
        assert pin.hashes, pin.name
        assert all(SHA256.fullmatch(digest) for digest in pin.hashes), pin.name
    for where in machines():
        # With an extra and without it a package stands twice, in one version.
        versions = {(pin.name, pin.version) for pin in locked(ROOT / lock, where)}
        assert len(versions) == len({name for name, _ in versions})


@pytest.mark.parametrize("lock", locks.LOCKS, ids=str)
def test_a_lock_has_what_its_source_asks_for_on_every_python_and_platform(lock: Path) -> None:
    wanted = list(sources(ROOT / lock))
    assert wanted
    for where in machines():
        versions = {pin.name: pin.version for pin in locked(ROOT / lock, where)}
        for requirement in wanted:
            if holds(requirement, where):
                assert str(requirement.specifier) == f"=={versions[canonicalize_name(requirement.name)]}"


@pytest.mark.parametrize("lock", locks.LOCKS, ids=str)
def test_no_lock_says_where_packages_come_from(lock: Path) -> None:
    """So pip takes them from wherever it is told to: an index, a mirror, a folder of wheels."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert [line for line in text.splitlines() if line.startswith("-")] == []


def test_what_is_tested_is_what_is_deployed_file_for_file() -> None:
    def by_name(path: str, where: Environment) -> dict[str, Pin]:
        return {pin.name: pin for pin in locked(ROOT / path, where)}

    for where in machines():
        tested = by_name("requirements-dev.txt", where)
        for name, pin in by_name("requirements.txt", where).items():
            assert (tested[name].version, tested[name].hashes) == (pin.version, pin.hashes), name


def test_nothing_that_a_package_needs_here_is_missing_from_the_lock() -> None:
    """pip is told not to look for more."""
    installed = Installed.at(Path(pytest.__file__).parents[1])
    named = locked(ROOT / "requirements-dev.txt", environment())
    needed, unknown = closure((pin.requirement for pin in named), installed.requires, environment())
    assert unknown == set()
    assert needed == {pin.name for pin in named}
    assert {name: installed.found[name].version for name in needed} == {pin.name: pin.version for pin in named}


def test_the_packages_to_build_with_are_those_that_stay() -> None:
    """Both are installed into one environment: the second must not replace what the first brought."""
    versions = {pin.name: pin.version for pin in pins(ROOT / "requirements-dev.txt")}
    for pin in pins(ROOT / packages.BUILD):
        assert versions.get(pin.name, pin.version) == pin.version


def test_every_lock_of_the_set_up_is_written_by_the_one_command() -> None:
    assert {*packages.REQUIREMENTS, packages.COMPILER} <= set(locks.LOCKS)
    folders = (ROOT / locks.PINS, ROOT / locks.PEERS)
    there = {*ROOT.glob("requirements*.txt"), *(lock for folder in folders for lock in folder.glob("*.txt"))}
    assert {ROOT / lock for lock in locks.LOCKS} == there


@pytest.mark.parametrize(
    "line",
    ["probe==1.0", "probe --hash=sha256:00", "probe>=1.0 --hash=sha256:00", "--index-url somewhere", "-r another.txt",
     "probe @ file:///tmp/probe.whl --hash=sha256:00"],
)  # fmt: skip
def test_a_line_that_is_no_pin_by_hash_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"# by hand\n{line}\n")
    with pytest.raises(PackageError, match=r"requirements\.txt has the line `.*dev\.py lock"):
        locked(tmp_path / "requirements.txt", environment())


def test_a_line_for_another_python_is_left_out_and_the_markers_of_the_others_are_not_for_pip(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        "# written\nprobe==1.0 ; python_full_version < '3.13' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "    # via something\nprobe==2.0 ; python_full_version >= '3.13' \\\n    --hash=sha256:cc\n"
    )
    assert [str(pin) for pin in locked(lock, environment("3.12"))] == [
        "probe==1.0 --hash=sha256:aa --hash=sha256:bb"
    ]
    assert [str(pin) for pin in locked(lock, environment("3.13"))] == ["probe==2.0 --hash=sha256:cc"]


def test_uv_is_told_of_the_network_what_pip_was_told_but_for_folders_of_wheels() -> None:
    told = locks.uv_environment(
        {"PIP_INDEX_URL": "https://mirror.example/simple", "PIP_CERT": "/ca.pem", "PIP_FIND_LINKS": "/wheels", "A": "b"}
    )
    assert told == {"UV_DEFAULT_INDEX": "https://mirror.example/simple", "SSL_CERT_FILE": "/ca.pem"}
