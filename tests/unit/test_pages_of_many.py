"""Pages of many at once: what will be done is seen before it is done, and what became of each after it."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

import azure.functions as func
import pytest

from onboarding import limits
from onboarding.http import chosen
from tests.support.http import Api, app_settings
from tests.unit.test_many import BLOCKED, going_on, state, stopped

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch, settings=app_settings(sandbox_user="olga.operator", link_key="k" * 40))


def shown(answer: func.HttpResponse, status: int = 200) -> str:
    page = answer.get_body().decode()
    assert answer.status_code == status, page
    return page


def words(page: str) -> str:
    """What people read."""
    main = page.partition("<main")[2].partition("</main>")[0]
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


def hidden(page: str, action: str) -> list[tuple[str, str]]:
    """The hidden fields of the form that goes there."""
    form = page.partition(f'action="{action}"')[2].partition("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return [(name, html.unescape(value)) for name, value in found]


async def send(api: Api, path: str, fields: list[tuple[str, str]], status: int = 200, **headers: str) -> str:
    body = urlencode(fields).encode()
    answer = await api.post(path, body, content_type=FORM, origin="https://onboarding.example.com", **headers)
    return shown(answer, status)


async def look(api: Api, query: str = "", **more: Any) -> str:
    """Fill the dashboard's form in and send it; a list is sent as several."""
    fields = hidden(shown(await api.get(f"dashboard{query}", accept="text/html")), "/api/many")
    assert fields
    for name, value in {"scope": "ticked", "problem": "", **more}.items():
        fields += [(name, each) for each in (value if isinstance(value, list) else [value])]
    return await send(api, "many", fields)


async def test_those_that_are_ticked_are_looked_at_and_then_done(api: Api) -> None:
    first, second, third = await stopped(api, "a-gateway", "b-gateway", "c-gateway")
    fine = (await going_on(api, "d-gateway"))[0]
    page = await look(api, control="retry", id=[first, second, fine])
    assert "Retry 2 steps?" in words(page)
    assert "Will be retried" in words(page)
    assert "permission-missing" in page.partition("<table")[2]
    assert "It has no step for which “Retry” is possible: it is running." in words(page)
    assert await state(api, first) == "needs-attention"
    fields = hidden(page, "/api/many/done")
    assert [value for name, value in fields if name == "id"] == [first, second]
    done = await send(api, "many/done", [*fields, ("reason", "The role was granted.")])
    assert "2 retried." in words(done)
    assert [await state(api, i) for i in (first, second, third)] == ["running", "running", "needs-attention"]
    event = (await api.system.events(first))[-1]
    assert (event.actor, event.detail) == ("olga.operator@contoso.com", "The role was granted.")
    again = await send(api, "many/done", [*fields, ("reason", "x")])
    assert "2 refused." in words(again)


async def test_all_on_the_page_are_those_of_its_filter_and_place(api: Api) -> None:
    ids = await going_on(api, "a-gateway", "b-gateway", "c-gateway")
    page = await look(api, "?limit=2&order=desc", control="pause", scope="page")
    assert [v for n, v in hidden(page, "/api/many/done") if n == "id"] == [ids[2], ids[1]]
    assert "Pause 2 onboardings?" in words(page)


async def test_all_that_match_are_one_action_with_one_reason(api: Api) -> None:
    mine = await stopped(api, *(f"gateway-{n}" for n in range(5)))
    other = (await stopped(api, "blocked", by=BLOCKED))[0]
    page = await look(api, "?text=gateway&sort=state", control="retry", scope="matching", problem="permission-missing")
    fields = hidden(page, "/api/many/done")
    assert dict(fields)["search"] == "text=gateway"
    assert [v for n, v in fields if n == "id"] == sorted(mine)
    assert other not in page
    assert "5 retried." in words(await send(api, "many/done", [*fields, ("reason", "")]))


async def test_a_reason_that_is_needed_is_asked_for_beside_its_field(api: Api) -> None:
    (mine,) = await going_on(api, "a-gateway")
    page = await look(api, control="cancel", id=mine)
    assert "required" in page.partition('id="reason"')[2].partition(">")[0]
    refused = await send(api, "many/done", [*hidden(page, "/api/many/done"), ("reason", " ")], 400)
    assert "Nothing was changed. The reason : Say why" in words(refused)
    assert 'aria-invalid="true"' in refused
    long = await send(api, "many/done", [*hidden(page, "/api/many/done"), ("reason", "x" * 1001)], 400)
    assert "1001 characters" in words(long)
    assert "x" * 1001 in long
    assert await state(api, mine) == "running"
    done = await send(api, "many/done", [*hidden(refused, "/api/many/done"), ("reason", "It is deployed anew.")])
    assert ("1 cancelled." in words(done), await state(api, mine)) == (True, "cancelled")


async def test_more_than_one_go_takes_goes_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(chosen, "_LEAST_PAGE", 1)
    ids = await going_on(api, "a-gateway", "b-gateway", "c-gateway")
    page = await look(api, control="pause", scope="matching")
    assert "those that follow come after these" in words(page)
    done = await send(api, "many/done", [*hidden(page, "/api/many/done"), ("reason", "A freeze.")])
    page = await send(api, "many", hidden(done, "/api/many"))
    assert "A freeze." in page
    assert [v for n, v in hidden(page, "/api/many/done") if n == "id"] == [ids[2]]


async def test_what_had_no_turn_is_offered_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = await going_on(api, "a-gateway", "b-gateway")
    page = await look(api, control="pause", id=ids)
    with monkeypatch.context() as patched:
        patched.setattr(limits, "MANY", -1.0)
        done = await send(api, "many/done", [*hidden(page, "/api/many/done"), ("reason", "A freeze.")])
    assert "2 no turn yet." in words(done)
    page = await send(api, "many", hidden(done, "/api/many"))
    assert "Pause 2 onboardings?" in words(page)


async def test_nothing_to_do_is_said(api: Api) -> None:
    await going_on(api, "a-gateway")
    page = await look(api, control="retry", scope="matching", problem="blocked")
    assert "There is nothing to do" in words(page)
    assert "Back to the list" in words(page)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"control": "retry"}, "No onboarding is ticked"),
        ({"control": "retry", "scope": "everything"}, "&#39;everything&#39; is no choice"),
        ({"control": "skip", "id": "a-gateway-0123456789"}, "control"),
    ],
)
async def test_forms_that_say_too_little_are_refused(api: Api, more: dict[str, str], says: str) -> None:
    fields = hidden(shown(await api.get("dashboard", accept="text/html")), "/api/many")
    page = await send(api, "many", [*fields, *{"scope": "ticked", **more}.items()], 400, accept="text/html")
    assert says in page
    assert "Nothing is chosen" in await send(api, "many/done", [*fields, ("control", "pause")], 400)


async def test_who_may_not_operate_sees_no_boxes_and_is_refused(api: Api) -> None:
    await going_on(api, "a-gateway")
    page = shown(await api.get("dashboard", accept="text/html", cookie="sandbox-user=rita.reader"))
    assert "pick" not in page.partition("<main")[2]
    assert "many-at-once" not in page
    fields = hidden(shown(await api.get("dashboard", accept="text/html")), "/api/many")
    for path in ("many", "many/done"):
        await send(api, path, [*fields, ("control", "pause")], 403, cookie="sandbox-user=rita.reader")
    elsewhere = urlencode([*fields, ("control", "pause")]).encode()
    answer = await api.post("many/done", elsewhere, content_type=FORM, origin="https://evil.example.com")
    assert answer.status_code == 403
    foreign = urlencode([("csrf", "x"), ("control", "pause"), ("id", "a-gateway-0123456789")]).encode()
    answer = await api.post("many/done", foreign, content_type=FORM, origin="https://onboarding.example.com")
    assert (answer.status_code, "out of date" in answer.get_body().decode()) == (403, True)
