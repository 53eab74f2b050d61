"""The trace of an onboarding is found again by whoever knows its id and run, and by nothing that a stranger writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.telemetry.ids import SpanIds, root_ids
from onboarding.telemetry.spans import span_ids_of
from tests.support.telemetry import traceparent

FOREIGN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_the_trace_is_the_same_in_every_process_and_another_for_each_run() -> None:
    # These very ids stand in dashboards and in messages that are under way while a new version is deployed.
    assert f"{root_ids('contoso-acg-35667d8eb1', 1).trace_id:032x}" == "89799a4bcefcd3dbf645ccfcb78dc052"
    assert root_ids("contoso-acg-35667d8eb1", 1) == root_ids("contoso-acg-35667d8eb1", 1)
    ids = {root_ids(name, run).trace_id for name in ("contoso-acg", "contoso-acg/1") for run in (1, 2, 11)}
    assert len(ids) == 6


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1))
def test_what_is_written_is_read(trace_id: int, span_id: int) -> None:
    assert span_ids_of(traceparent(SpanIds(trace_id, span_id))) == SpanIds(trace_id, span_id)


@given(st.one_of(st.text(), st.binary(), st.integers(), st.none(), st.lists(st.just(FOREIGN))))
def test_what_is_no_traceparent_is_nothing(value: object) -> None:
    assert span_ids_of(value) is None


@pytest.mark.parametrize(
    "value",
    [
        FOREIGN.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        FOREIGN.replace("b7ad6b7169203331", "0" * 16),
        "ff" + FOREIGN[2:],
        FOREIGN.upper(),
        FOREIGN + "0",
        FOREIGN[:-1],
        FOREIGN + "-more",
        "x" * 100_000,
    ],
)
def test_what_w3c_calls_invalid_is_nothing(value: str) -> None:
    assert span_ids_of(FOREIGN) is not None
    assert span_ids_of(value) is None
