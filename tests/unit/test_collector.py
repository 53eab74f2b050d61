"""Python's collector rests while modules are imported."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from onboarding.collector import resting


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


def import_that_fails() -> None:
    with resting():
        assert not gc.isenabled()
        raise ImportError


def test_it_rests_and_is_on_again_even_when_an_import_fails() -> None:
    with pytest.raises(ImportError):
        import_that_fails()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_where_somebody_turned_it_off_it_stays_off() -> None:
    gc.disable()
    with resting():
        pass
    assert not gc.isenabled()
