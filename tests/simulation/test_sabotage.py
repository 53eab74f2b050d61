"""Every invariant can break: with a defect put in, some seed finds it."""

from __future__ import annotations

import pytest

from tests.simulation.invariants import NAMES
from tests.simulation.run import small
from tests.simulation.sabotage import SABOTAGES

SEEDS = range(500)
"""So many runs are enough to find each of these defects; most are found by the first few. An end in the wrong order
shows only where the process dies just between the two writes: in one run of some eighty."""


def test_every_invariant_has_a_defect_that_breaks_it() -> None:
    assert sorted(SABOTAGES) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_defect_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    SABOTAGES[name](monkeypatch)
    found: list[str] = []
    for seed in SEEDS:
        broken = [b.name for b in small(seed).broken]
        if name in broken:
            return
        found += broken
    pytest.fail(f"{len(SEEDS)} seeds did not break '{name}'; they broke {sorted(set(found)) or 'nothing'}")
