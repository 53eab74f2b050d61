"""What a person has on their machine. Where it is not there, nothing can be run, and that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.by_hand.people import azure_cli
from tests.infra.tools import LeftOutError, find, version


@pytest.fixture(scope="session")
def pwsh() -> str:
    try:
        program = find("pwsh")
        version(program, (7, 2, 0))
    except LeftOutError as reason:
        pytest.skip(f"the commands are not run: {reason}")
    return program


@pytest.fixture(scope="session")
def az() -> Path:
    if not azure_cli().is_file():
        pytest.skip("the commands are not run: the Azure CLI is not installed (python3 dev.py test by-hand)")
    return azure_cli()
