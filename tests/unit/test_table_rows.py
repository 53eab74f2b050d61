"""Rows as Table Storage's JSON has them, and what a proxy or a key says of how it is asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from onboarding.azure.http_session import names_a_proxy
from onboarding.azure.table_calls import TableAnswer
from onboarding.azure.table_rows import condition, from_entity, of_key, to_entity
from onboarding.ports import Query, Row

NOON = datetime(2026, 1, 5, 12, 0, 0, 123456, tzinfo=UTC)


def test_what_json_does_not_say_of_a_cell_stands_beside_it() -> None:
    east = timezone(timedelta(hours=5))
    columns = {"At": NOON.astimezone(east), "Large": 2**40, "Share": 0.5, "Count": 3, "Yes": True, "Raw": b"\x00\xff"}
    entity = to_entity(Row("open", "a", {**columns, "None": None}))
    assert entity == {
        "PartitionKey": "open",
        "RowKey": "a",
        "At": "2026-01-05T12:00:00.123456Z",
        "At@odata.type": "Edm.DateTime",
        "Large": str(2**40),
        "Large@odata.type": "Edm.Int64",
        "Share": 0.5,
        "Share@odata.type": "Edm.Double",
        "Count": 3,
        "Yes": True,
        "Raw": "AP8=",
        "Raw@odata.type": "Edm.Binary",
    }
    assert from_entity({**entity, "odata.etag": "e"}) == Row("open", "a", columns, "e")


def test_a_cell_that_no_row_holds_is_refused() -> None:
    with pytest.raises(TypeError, match=r"column What: a text, .* yes or no was expected, seen list"):
        to_entity(Row("open", "a", {"What": []}))


def test_a_time_of_hundreds_of_nanoseconds_is_read() -> None:
    """As Table Storage's own clock and .NET write them."""
    entity = {"PartitionKey": "open", "RowKey": "a", "At@odata.type": "Edm.DateTime", "odata.etag": 'W/"1"'}
    for text, at in (("2026-01-05T12:00:00.1234567Z", NOON), ("2026-01-05T12:00:00Z", NOON.replace(microsecond=0))):
        assert from_entity({**entity, "At": text}) == Row("open", "a", {"At": at}, 'W/"1"')


def test_a_row_without_an_etag_has_the_one_that_its_time_makes() -> None:
    """Of a query with columns, where the service leaves it out."""
    row = from_entity({"PartitionKey": "open", "RowKey": "a", "Timestamp": "2026-01-05T12:00:00.1234567Z"})
    assert row == Row("open", "a", {}, "W/\"datetime'2026-01-05T12%3A00%3A00.1234567Z'\"")


def test_no_text_of_a_query_becomes_a_condition() -> None:
    query = Query("o'brien", keys=("a", "b' or 'x"), equals={"State": ("it's", "b"), "Kind": ()})
    assert condition(query) == (
        "PartitionKey eq 'o''brien' and RowKey ge 'a' and RowKey le 'b'' or ''x'"
        " and (State eq 'it''s' or State eq 'b') and RowKey lt ''"
    )
    assert of_key("o'brien", "a/b") == "(PartitionKey='o%27%27brien',RowKey='a%2Fb')"


def test_an_answer_that_is_no_json_of_table_storage_has_no_code() -> None:
    body = json.dumps({"odata.error": {"code": "TableNotFound"}}).encode()
    assert TableAnswer(404, {}, body).code == "TableNotFound"
    assert TableAnswer(503, {"x-ms-error-code": "ServerBusy"}, b"<html>").code == "ServerBusy"
    for content in (b"", b"<html>", b"[]", b'{"odata.error": "so"}'):
        assert TableAnswer(404, {}, content).code == ""


@pytest.mark.parametrize(
    ("named", "expected"),
    [({}, False), ({"NO_PROXY": "127.0.0.1"}, False), ({"HTTPS_PROXY": "http://proxy:8080"}, True)],
)
def test_only_an_environment_with_a_proxy_is_asked_at_each_call(
    monkeypatch: pytest.MonkeyPatch, named: dict[str, str], expected: bool
) -> None:
    for scheme in ("http", "https", "all", "no", "ftp"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_PROXY".upper(), raising=False)
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    assert names_a_proxy() is expected
