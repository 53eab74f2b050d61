"""The page that starts a closed onboarding anew with changes: who is led there, and what it takes."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import urlencode

import pytest

from onboarding.core.events import CancelRequested
from tests.support import requests
from tests.support.http import Api, app_settings

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch, settings=app_settings(sandbox_user="olga.operator", link_key="k" * 40))


async def closed(api: Api) -> str:
    """The page of an onboarding that was cancelled."""
    made = await api.system.request(requests.parsed(requests.own_sbc()))
    await api.system.engine.happen(made.record.id, CancelRequested("ada", "Another domain."))
    while await api.system.deliver():
        pass
    return f"dashboard/{made.record.id}"


async def shown(api: Api, path: str, user: str = "olga.operator") -> tuple[int, str]:
    answer = await api.get(path, accept="text/html", cookie=f"sandbox-user={user}")
    return answer.status_code, html.unescape(answer.get_body().decode())


@pytest.mark.parametrize(
    ("user", "may"),
    [("olga.operator", True), ("sam.submitter", True), ("adam.approver", False), ("rita.reader", False)],
)
async def test_the_page_of_a_closed_one_leads_there_whoever_may_submit(api: Api, user: str, may: bool) -> None:
    path = await closed(api)
    _, page = await shown(api, path, user)
    assert (f'href="/api/{path}/anew">Start anew with changes</a>' in page) is may
    status, _ = await shown(api, f"{path}/anew", user)
    assert status == (200 if may else 403)


async def test_an_open_one_is_not_started_anew(api: Api) -> None:
    made = await api.system.request(requests.parsed(requests.own_sbc()))
    _, page = await shown(api, f"dashboard/{made.record.id}")
    assert "/anew" not in page
    status, _ = await shown(api, f"dashboard/{made.record.id}/anew")
    assert status == 409


async def test_a_request_that_is_refused_stands_there_as_it_was_typed(api: Api) -> None:
    path = f"{await closed(api)}/anew"
    _, page = await shown(api, path)
    token = re.search(r'name="csrf" value="([^"]*)"', page.partition('id="main"')[2])
    assert token
    typed = json.dumps({**requests.own_sbc(), "adminUser": "</textarea><script>"})
    answer = await api.post(path, urlencode({"csrf": token[1], "request": typed}).encode(), content_type=FORM)
    refused = answer.get_body().decode()
    assert answer.status_code == 400
    assert "Nothing was planned." in refused
    assert "adminUser: " in refused
    assert html.escape(typed, quote=False).replace('"', "&#34;") in refused.replace("&quot;", "&#34;")
    assert "<script>" not in refused
