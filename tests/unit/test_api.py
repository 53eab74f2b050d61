"""What a checkpoint's POST may be, and bodies that are no bodies."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import azure.functions as func
import pytest

from onboarding.http.call import HttpCall
from tests.support import requests
from tests.support.http import HOST, Api, content

FORM = "application/x-www-form-urlencoded"
STEP = "portal-access"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Handlers of pages which note that they were asked."""
    asked: list[str] = []
    module = ModuleType("onboarding.pages.handlers")

    def handler(name: str) -> Any:
        async def handle(call: HttpCall) -> func.HttpResponse:
            asked.append(name)
            return func.HttpResponse(status_code=303, headers={"Location": "/api/dashboard"})

        return handle

    module.answer_checkpoint = handler("answer_checkpoint")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return asked


async def open_checkpoint(api: Api) -> str:
    """Path of a checkpoint that waits for somebody."""
    accepted = await api.system.request(requests.parsed(requests.operator_connect(alreadyOnboarded=True)))
    assert accepted.record.step(STEP).state == "waiting"
    return f"onboardings/{accepted.record.id}/checkpoints/{STEP}"


def step(answer: func.HttpResponse) -> dict[str, Any]:
    return dict(next(s for s in content(answer)["steps"] if s["name"] == STEP))


@pytest.mark.parametrize("kind", ["application/json", FORM, ""], ids=["json", "curl -d", "none"])
async def test_a_program_confirms_in_json_whatever_curl_calls_it(api: Api, pages: list[str], kind: str) -> None:
    path = await open_checkpoint(api)
    answer = await api.post(path, b' {"note": "csrf=1 signed in"}', content_type=kind)
    assert answer.status_code == 200
    confirmed = step(answer)
    assert (confirmed["state"], confirmed["note"]) == ("done", "csrf=1 signed in")
    assert confirmed["endedBy"] == "olga.operator@contoso.com"
    assert pages == []


async def test_an_empty_body_confirms_without_a_note(api: Api, pages: list[str]) -> None:
    assert step(await api.post(await open_checkpoint(api)))["state"] == "done"


@pytest.mark.parametrize("headers", [{}, {"origin": HOST, "sec_fetch_site": "same-origin"}], ids=["plain", "browser"])
async def test_the_form_of_the_page_goes_to_the_page(api: Api, pages: list[str], headers: dict[str, str]) -> None:
    path = await open_checkpoint(api)
    answer = await api.post(path, b"csrf=token&note=done", content_type=f"{FORM}; charset=utf-8", **headers)
    assert (answer.status_code, pages) == (303, ["answer_checkpoint"])


async def test_a_problem_is_reported_in_place_of_a_note(api: Api, pages: list[str]) -> None:
    path = await open_checkpoint(api)
    answer = await api.post(path, {"problem": "The portal says no."})
    assert content(answer)["state"] == "needs-attention"
    assert "The portal says no." in step(answer)["problem"]["seen"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"note": "x", "problem": "y"}, 400, "or a note (it is done) or a problem"),
        ({"problem": " "}, 400, "The problem has 0 characters; 1 to 1000"),
        ({"note": "x" * 1001}, 400, "The note has 1001 characters"),
        ({"note": 1}, 400, "note: must be a text in quotes; it is a number (seen: 1)"),
        ({"notes": "x"}, 400, "notes: is no field here; did you mean 'note'?"),
        (b'{"note": "\\ud800"}', 400, "U+D800"),
        (b'{"note": "a\\u0000b"}', 400, "U+0000"),
        (b'{"note": "a\\u001bb"}', 400, "U+001B"),
        (b'{"note": 1e999}', 400, "1e999 is too large"),
        (b'{"note": ' + b"9" * 5000 + b"}", 400, "too long"),
        (b'{"note": NaN}', 400, "NaN"),
        (b'{"note": "a", "note": "b"}', 400, "twice"),
        (b'{"note": "\xff"}', 400, "UTF-8"),
        (b"[" * 20_000, 400, "nested too deeply"),
        (b" " * 70_000 + b"{}", 413, "65536"),
    ],
    ids=lambda v: str(v)[:24],
)
async def test_bodies_that_are_none_are_refused_and_change_nothing(
    api: Api, pages: list[str], body: Any, status: int, says: str
) -> None:
    path = await open_checkpoint(api)
    answer = await api.post(path, body, content_type="application/json")
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert says in content(answer)["detail"]
    assert step(await api.get(path.partition("/checkpoints")[0]))["state"] == "waiting"


@pytest.mark.parametrize("given", ["a'b", "..", "a%2Fb", "a%00b", "%F0%9F%8E%89", "x" * 41, "a b", "a%5Cb"])
@pytest.mark.parametrize("rest", ["", "/events"])
async def test_what_can_be_no_key_of_a_table_is_no_onboarding(api: Api, given: str, rest: str) -> None:
    answer = await api.get(f"onboardings/{given}{rest}")
    assert answer.status_code == 404
    assert content(answer)["title"] == "No such onboarding"


async def test_an_id_is_found_in_any_case(api: Api) -> None:
    made = content(await api.post("onboardings", requests.operator_connect()))["id"]
    assert content(await api.get(f"onboardings/{made.upper()}"))["id"] == made


async def test_an_onboarding_of_a_newer_version_is_told_as_such_and_not_touched(api: Api) -> None:
    record = (await api.system.request(requests.parsed(requests.operator_connect()))).record
    row = await api.system.onboardings.get("open", record.id)
    assert row is not None
    columns = {**row.columns, "Rest": row.columns["Rest"].replace('"schemaVersion":', '"schemaVersion":9')}
    await api.system.onboardings.upsert([replace(row, columns=columns)])
    for answer in (
        await api.get(f"onboardings/{record.id}"),
        await api.post(f"onboardings/{record.id}/cancel", b'{"reason": "x"}'),
    ):
        assert answer.status_code == 500
        assert "which a newer version of the application wrote" in content(answer)["detail"]
    left = await api.system.onboardings.get("open", record.id)
    assert left is not None
    assert left.columns == columns
