"""The set-up with the real tools: a virtual environment, and pip against what users have in their configuration."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from sandbox.setup.packages import PINS, REQUIREMENTS, Packages
from sandbox.setup.problem import SetupError
from sandbox.setup.workspace import prepare

NAME = "onboarding_probe"


def wheel(folder: Path, name: str = NAME, code: str = "VALUE = 'installed'\n") -> str:
    """A package of one module, so that nothing is fetched; the line of a lock for it."""
    info, file = f"{name}-1.0.dist-info", folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", code)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return line(file)


def line(file: Path) -> str:
    return f"{NAME}==1.0 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


def built_with(folder: Path, needs: str) -> str:
    """The same package, not finished: to build it, pip needs a module that leaves a trace when it is imported."""
    file = folder / f"{NAME}-1.0.tar.gz"
    files = {
        "pyproject.toml": f'[build-system]\nrequires = ["{needs}"]\nbuild-backend = "{needs}"\n',
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n",
    }
    with tarfile.open(file, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{NAME}-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return line(file)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that needs one package, on the machine of a user with a pip.conf that would break it."""
    root = tmp_path / "a repository"
    links = tmp_path / "links"
    links.mkdir()
    (root / PINS).mkdir(parents=True)
    for name in REQUIREMENTS:
        (root / name).write_text("# Nothing.\n")
    (root / "requirements-dev.txt").write_text(wheel(links))
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
    wanted.write_text(good.replace("1.0", "9.9"))
    with pytest.raises(
        SetupError, match="the package server has not all of the pinned packages"
    ) as failed:
        prepare(repository, azurite=False)
    assert "\n" not in str(failed.value)
    assert not Packages(repository).ready()
    wanted.write_text(good)
    prepare(repository, azurite=False)
    assert Packages(repository).ready()


def test_another_file_under_a_locked_name_and_version_is_not_installed_wherever_it_comes_from(repository: Path) -> None:
    wheel(repository.parent / "links", code="VALUE = 'somebody else's'\n")
    with pytest.raises(SetupError, match=r"a package's file is not one that the lock names: .*PIP_FIND_LINKS"):
        prepare(repository, azurite=False)
    assert not list(Packages(repository).folder.rglob(f"{NAME}*"))


def test_a_line_without_a_hash_is_not_installed(repository: Path) -> None:
    (repository / "requirements-dev.txt").write_text(f"{NAME}==1.0\n")
    with pytest.raises(SetupError, match=r"a package's file is not one that the lock names"):
        prepare(repository, azurite=False)
    assert not list(Packages(repository).folder.rglob(f"{NAME}*"))


def test_nothing_that_no_lock_names_is_run_to_build_a_package(repository: Path) -> None:
    """A package that must be built says what with; pip would fetch that, looking at no hash, and run it."""
    links, trace = repository.parent / "links", repository.parent / "trace"
    (links / f"{NAME}-1.0-py3-none-any.whl").unlink()
    wheel(links, "onboarding_builder", f"open({str(trace)!r}, 'w')\n")
    (repository / "requirements-dev.txt").write_text(built_with(links, "onboarding_builder"))
    with pytest.raises(SetupError, match="Installing the packages failed"):
        prepare(repository, azurite=False)
    assert not trace.exists()
