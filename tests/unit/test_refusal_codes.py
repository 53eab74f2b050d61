"""A refusal for programs: a code that stays, where it is explained, and the call's id."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import azure.functions as func
import pytest

from onboarding.http.call import HttpCall, Route
from onboarding.http.entrance import request_id_of
from onboarding.http.refusals import ANCHOR, CODES, REQUEST_ID
from onboarding.telemetry import logs
from onboarding.telemetry.logs import ABOUT
from tests.support.http import Api, app_settings, content
from tests.unit.test_runbook import anchors, document, rows, section

ROOT = Path(__file__).parents[2]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


def titles() -> Iterator[str]:
    """Every title of a refusal that stands in the code."""
    for path in (ROOT / "onboarding").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in ("ProblemError", "problem") and len(node.args) > 2 and isinstance(node.args[1], ast.Constant):
                yield str(node.args[1].value)


def test_every_refusal_has_a_code() -> None:
    assert set(titles()) - set(CODES) == set()


def test_the_runbook_explains_every_code() -> None:
    text = section("## Refusals")
    assert sorted(rows(text)) == sorted(set(CODES.values()))
    assert {f"{ANCHOR}{code}" for code in CODES.values()} <= anchors(document("docs/runbook.md"))


async def test_a_refusal_says_its_code_where_it_is_explained_and_which_call_it_was(api: Api) -> None:
    refused = await api.get("onboardings/none-0000000000")
    said = content(refused)
    assert said["code"] == "no-such-onboarding"
    assert said["type"] == f"http://localhost:7071/api/docs#{ANCHOR}no-such-onboarding"
    assert said["requestId"] == refused.headers[REQUEST_ID]
    assert len(said["requestId"]) == 36


async def test_the_runbook_is_named_where_people_have_it(api: Api) -> None:
    api.settings = app_settings(sandbox_user="olga.operator", runbook_url="https://wiki.contoso.com/runbook")
    said = content(await api.post("onboardings", {"surprise": True}))
    assert said["type"] == f"https://wiki.contoso.com/runbook#{ANCHOR}invalid-request"
    assert said["errors"]


async def test_the_page_of_the_api_has_a_place_for_each_code(api: Api) -> None:
    page = (await api.get("docs")).get_body().decode()
    assert [code for code in CODES.values() if f'id="{ANCHOR}{code}"' not in page] == []


async def test_every_answer_names_its_call(api: Api) -> None:
    for path in ("onboardings", "dashboard", "openapi.json", "assets/none.css"):
        assert (await api.get(path)).headers[REQUEST_ID]


async def test_a_callers_own_id_is_kept_and_what_could_forge_a_line_is_not(api: Api) -> None:
    kept = await api.get("onboardings", x_request_id="ticket-INC0012345")
    assert kept.headers[REQUEST_ID] == "ticket-INC0012345"
    for foreign in ("short", "a" * 65, "an id\nanother line", "-begins-wrong", "näher-dran"):
        assert request_id_of({"x-request-id": foreign}) != foreign


async def test_the_log_names_the_call(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(call: HttpCall) -> func.HttpResponse:
        raise RuntimeError("a defect")

    route = Route("broken", "GET", "onboardings", None, broken)
    before = logging.getLogRecordFactory()
    logs.install(())
    try:
        with caplog.at_level(logging.ERROR, "onboarding"):
            refused = await api.call("GET", "onboardings", route=route, x_request_id="ticket-INC0012345")
    finally:
        logging.setLogRecordFactory(before)
    assert content(refused)["code"] == "defect"
    assert {getattr(record, ABOUT).request for record in caplog.records} == {"ticket-INC0012345"}
    assert "request=ticket-INC0012345" in caplog.text
