"""The sandbox's mailbox and Teams channel: what people would see, which runs nothing and moves nothing."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from sandbox.cloud import Cloud
from sandbox.setup.adaptive_cards import AdaptiveCards
from tests.browser.conftest import ROOT, stands
from tests.browser.inbox import awaited
from tests.support.people import Operator, Simulator

Json = dict[str, Any]
GUTTER = 1
"""CSS pixels that rounding may make a page wider."""


@pytest.fixture(params=[1280, 320])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    if not AdaptiveCards(ROOT).ready():
        pytest.fail("The renderer of Adaptive Cards is not installed: `python3 dev.py test browser` installs it.")
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= GUTTER
    context.close()
    assert complaints == []


def barriers(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations'], iframes: false})")
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]


def test_a_mail_is_shown_as_its_reader_sees_it_newest_first_and_found_by_a_word(
    living: Cloud, operator: Operator, microsoft: Simulator, requested: Callable[..., Json], page: Page, axe: str
) -> None:
    record = requested(stands("operator-information", "waiting"))
    name = record["gateway"]["name"]
    awaited(lambda: [m for m in microsoft.call("GET", "/mailbox") if name in m["subject"]] or None, "a mail")
    page.goto(f"{living.control}/mailbox")
    page.get_by_label("With this text").fill(name)
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_label("With this text")).to_have_value(name)
    articles = page.get_by_role("article")
    mails = [m for m in microsoft.call("GET", "/mailbox") if name in json.dumps(m)]
    expect(articles.first).to_contain_text(mails[-1]["subject"])
    inside = articles.last.frame_locator("iframe")
    expect(inside.get_by_role("heading", level=1)).to_be_visible()
    frame = articles.last.locator("iframe")
    assert frame.evaluate("f => f.contentDocument.documentElement.scrollHeight - f.clientHeight") <= 0
    assert barriers(page, axe) == []


def test_what_comes_meanwhile_is_said_and_shown_when_it_is_asked_for(
    living: Cloud, operator: Operator, microsoft: Simulator, requested: Callable[..., Json], page: Page
) -> None:
    page.goto(f"{living.control}/mailbox")
    page.evaluate("window.stayed = true")
    before = page.get_by_role("article").count()
    requested(stands("operator-information", "waiting"))
    offered = page.get_by_role("link", name="new: show")
    expect(offered).to_be_visible()
    assert page.evaluate("window.stayed") is True
    assert page.get_by_role("article").count() == before
    offered.click()
    expect(page.get_by_role("article").nth(before)).to_be_attached()


def test_a_card_is_drawn_as_teams_draws_it_and_its_button_opens_the_page(
    living: Cloud, operator: Operator, microsoft: Simulator, requested: Callable[..., Json], page: Page, axe: str
) -> None:
    record = requested(stands("operator-information", "waiting"))
    name = record["gateway"]["name"]
    awaited(lambda: [p for p in microsoft.call("GET", "/teams") if name in json.dumps(p)] or None, "a post")
    page.goto(f"{living.control}/teams?q={name}")
    card = page.locator(".ac-adaptiveCard").first
    expect(card).to_contain_text(name)
    assert "\\" not in card.inner_text()
    assert barriers(page, axe) == []
    with page.context.expect_page() as opened:
        card.get_by_role("button").first.or_(card.get_by_role("link").first).first.click()
    assert record["id"] in opened.value.url
    opened.value.close()


HOSTILE = (
    "<p>Hello</p><script>top.__ran = 1</script><img src=ELSEWHERE/x onerror='top.__ran = 2'>"
    "<link rel=stylesheet href=ELSEWHERE/x.css><iframe src='javascript:top.__ran = 3'></iframe>"
)


def test_a_mail_runs_nothing_and_loads_nothing(living: Cloud, microsoft: Simulator, browser: Browser) -> None:
    token = httpx.get(
        f"http://127.0.0.1:{living.ports.identity}/msi/token",
        params={"api-version": "2019-08-01", "resource": "https://graph.microsoft.com"},
        headers={"X-IDENTITY-HEADER": living.settings["IDENTITY_HEADER"]},
        trust_env=False,
    ).json()["access_token"]
    elsewhere = socket.create_server(("127.0.0.1", 0))
    content = HOSTILE.replace("ELSEWHERE", f"http://127.0.0.1:{elsewhere.getsockname()[1]}")
    to = [{"emailAddress": {"address": "a@example.com"}}]
    mail = {"message": {"subject": "Hostile", "body": {"contentType": "HTML", "content": content}, "toRecipients": to}}
    trust = ssl.create_default_context(cafile=living.folder / "certificates" / "ca.pem")
    with httpx.Client(verify=trust, trust_env=False) as client:
        sent = client.post(
            f"https://127.0.0.1:{living.ports.graph}/v1.0/users/onboarding@contoso.com/sendMail",
            json=mail,
            headers={"Authorization": f"Bearer {token}"},
        )
    assert sent.status_code == 202, sent.text
    page = browser.new_page()
    page.goto(f"{living.control}/mailbox?q=Hostile")
    expect(page.frame_locator("iframe").get_by_text("Hello")).to_be_visible()
    assert page.evaluate("window.__ran") is None
    page.context.close()
    elsewhere.setblocking(False)
    with elsewhere, pytest.raises(BlockingIOError):
        elsewhere.accept()
