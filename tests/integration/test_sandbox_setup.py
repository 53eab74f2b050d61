"""The set-up with the real tools: a virtual environment, and pip against what users have in their configuration."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from sandbox.setup.packages import REQUIREMENTS, Packages
from sandbox.setup.problem import SetupError
from sandbox.setup.workspace import prepare

NAME = "onboarding_probe"


def wheel(folder: Path) -> None:
    """A package of one module, so that nothing is fetched."""
    info = f"{NAME}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{NAME}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{NAME}.py", "VALUE = 'installed'\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that needs one package, on the machine of a user with a pip.conf that would break it."""
    root = tmp_path / "a repository"
    root.mkdir()
    wheel(root)
    for name in REQUIREMENTS:
        (root / name).write_text("")
    (root / "requirements-dev.txt").write_text(f"{NAME}==1.0\n")
    links = tmp_path / "links"
    links.mkdir()
    (root / f"{NAME}-1.0-py3-none-any.whl").rename(links / f"{NAME}-1.0-py3-none-any.whl")
    config = tmp_path / "pip.conf"
    config.write_text(
        f"[global]\nno-index = true\nfind-links = {links}\nuser = true\nrequire-hashes = true\n"
        f"[install]\ntarget = {tmp_path / 'elsewhere'}\n"
    )
    for name in ("PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "true")
    return root


def test_packages_are_installed_into_the_environment_whatever_a_users_pip_conf_says(repository: Path) -> None:
    python = prepare(repository, azurite=False)
    done = subprocess.run(
        [python, "-c", f"import {NAME}; print({NAME}.VALUE)"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "installed", done.stderr
    assert not (repository.parent / "elsewhere").exists()
    assert Packages(repository).ready()


def test_a_package_that_cant_be_had_is_one_sentence_and_the_next_run_starts_afresh(repository: Path) -> None:
    wanted = repository / "requirements-dev.txt"
    good = wanted.read_text()
    wanted.write_text(f"{NAME}==9.9\n")
    with pytest.raises(
        SetupError, match=r"Installing the packages failed; its last line was: ERROR: No matching"
    ) as failed:
        prepare(repository, azurite=False)
    assert "\n" not in str(failed.value)
    assert not Packages(repository).ready()
    wanted.write_text(good)
    prepare(repository, azurite=False)
    assert Packages(repository).ready()
