"""How many seeds are run, or which one."""

from __future__ import annotations

import pytest

SEEDS = 1000
CHUNK = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    """Arguments after `--` of `dev.py test simulation`."""
    parser.addoption("--seed", type=int, help="run only this seed of the small world, and tell what happened")
    parser.addoption("--seeds", type=int, default=SEEDS, help=f"how many seeds of the small world ({SEEDS})")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The seeds in chunks, so that each process has its share."""
    if "seeds" not in metafunc.fixturenames:
        return
    one, count = metafunc.config.getoption("seed"), metafunc.config.getoption("seeds")
    if one is None:
        chunks = [range(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]
    else:
        chunks = [range(one, one + 1)]
    metafunc.parametrize("seeds", chunks, ids=lambda chunk: f"{chunk.start}-{chunk.stop - 1}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With a seed that was asked for, nothing else."""
    if config.getoption("seed") is not None:
        chosen = [item for item in items if "seeds" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen
