"""The Teams webhook and the mailbox, for programs and for people."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.microsoft import Clock, Microsoft
from tests.contract.conftest import Graph

HTML = {"Accept": "text/html"}


def message(text: str, **more: Any) -> dict[str, Any]:
    card = {"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": text}], **more}
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        ],
    }


@pytest.fixture
async def teams(microsoft: Microsoft) -> AsyncIterator[httpx.AsyncClient]:
    context = ssl.create_default_context(cafile=str(microsoft.ca_file))
    async with httpx.AsyncClient(verify=context) as client:
        yield client


async def test_a_post_is_accepted_and_shown(
    teams: httpx.AsyncClient, microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    sent = await teams.post(microsoft.teams_url, json=message("Six test lines are ready"))
    assert (sent.status_code, sent.content) == (202, b"")
    rows = (await control.get("/teams")).json()
    assert rows[0]["message"]["attachments"][0]["content"]["body"][0]["text"] == "Six test lines are ready"
    assert microsoft.world.journal.violations == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (("sandbox-webhook-signature", "guess"), 401),
        (("&sig=sandbox-webhook-signature", ""), 401),
        (("/workflows/b3f0", "/workflows/0000"), 404),
    ],
)
async def test_wrong_addresses(
    change: tuple[str, str], status: int, teams: httpx.AsyncClient, microsoft: Microsoft
) -> None:
    assert (await teams.post(microsoft.teams_url.replace(*change), json=message("x"))).status_code == status
    assert microsoft.world.channel.messages == []


async def test_the_signature_is_not_in_the_journal(teams: httpx.AsyncClient, microsoft: Microsoft) -> None:
    await teams.post(microsoft.teams_url, json=message("x"))
    assert "sandbox-webhook-signature" not in str([entry.json() for entry in microsoft.world.journal.entries])


async def test_size(teams: httpx.AsyncClient, microsoft: Microsoft) -> None:
    assert (await teams.post(microsoft.teams_url, json=message("x" * 28 * 1024))).status_code == 413
    assert (await teams.post(microsoft.teams_url, content=b"{")).status_code == 400
    assert microsoft.world.channel.messages == []


async def test_the_fifth_post_in_a_second_is_throttled(certificates: Path) -> None:
    async with Microsoft(certificates=certificates, clock=Clock(source=lambda: 1_800_000_000.0)) as stopped:
        context = ssl.create_default_context(cafile=str(stopped.ca_file))
        async with httpx.AsyncClient(verify=context) as client:
            posts = [await client.post(stopped.teams_url, json=message("x")) for _ in range(5)]
            assert [post.status_code for post in posts] == [202, 202, 202, 202, 429]
            assert posts[4].headers["Retry-After"] == "1"
            stopped.world.clock.advance(0.5)
            assert (await client.post(stopped.teams_url, json=message("x"))).headers["Retry-After"] == "2"
            assert [row.kind for row in stopped.world.journal.violations] == ["before-retry-after"]
            stopped.world.clock.advance(2)
            assert (await client.post(stopped.teams_url, json=message("x"))).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        {"text": "an old connector's card"},
        {"type": "message", "attachments": [{"contentType": "text/html", "content": {}}]},
        message("x", actions=[{"type": "Action.Submit", "title": "Confirm"}]),
    ],
)
async def test_messages_that_teams_would_not_show_are_violations(
    body: Any, teams: httpx.AsyncClient, microsoft: Microsoft
) -> None:
    assert (await teams.post(microsoft.teams_url, json=body)).status_code == 202
    assert [row.kind for row in microsoft.world.journal.violations] == ["message-not-shown"]


OWN = ['<script src="/pages/pages.js">']


def scripts(page: str) -> list[str]:
    return re.findall(r"<script[^>]*>", page)


async def test_pages_for_people_escape_everything(
    teams: httpx.AsyncClient, graph: Graph, microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    nasty = "<script>alert(1)</script>"
    actions = [
        {"type": "Action.OpenUrl", "title": nasty, "url": "https://localhost/confirm?a=1&b=2"},
        {"type": "Action.OpenUrl", "title": "never a link", "url": "javascript:alert(1)"},
    ]
    facts = {"type": "FactSet", "facts": [{"title": "Gateway", "value": nasty}]}
    posted = message(nasty, actions=actions)
    posted["attachments"][0]["content"]["body"].append(facts)
    await teams.post(microsoft.teams_url, json=posted)
    page = (await control.get("/teams", headers=HTML)).text
    assert scripts(page) == OWN
    assert '<a href="https://localhost/confirm?a=1&amp;b=2">' in page
    assert 'href="javascript:' not in page
    mail = {
        "message": {
            "subject": nasty,
            "body": {"contentType": "HTML", "content": '<p>Confirm at https://localhost/x?a=1&amp;b="2"</p>' + nasty},
            "toRecipients": [{"emailAddress": {"address": '"<b>"@example.com'}}],
        }
    }
    await graph.call("POST", "/users/onboarding@contoso.com/sendMail", mail)
    page = (await control.get("/mailbox", headers=HTML)).text
    assert scripts(page) == OWN
    assert "<b>" not in page
    assert '<a href="https://localhost/x?a=1&amp;b=">' in page


async def test_empty_pages_say_so(control: httpx.AsyncClient) -> None:
    for path in ("/mailbox", "/teams"):
        answer = await control.get(path, headers=HTML)
        assert "Nothing yet" in answer.text
        assert answer.headers["Content-Type"].startswith("text/html")


async def test_pages_show_what_came_last_first_and_of_it_what_is_looked_for(
    teams: httpx.AsyncClient, graph: Graph, microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    for number in (1, 2, 3):
        to = [{"emailAddress": {"address": f"reader{number}@example.com"}}]
        body = {"contentType": "Text", "content": f"Body {number} of <three>"}
        mail = {"message": {"subject": f"Mail {number}", "body": body, "toRecipients": to}}
        await graph.call("POST", "/users/onboarding@contoso.com/sendMail", mail)
        await teams.post(microsoft.teams_url, json=message(f"Post {number}"))
    for path, noun in (("/mailbox", "Mail"), ("/teams", "Post")):
        page = (await control.get(path, headers=HTML)).text
        assert page.index(f"{noun} 3") < page.index(f"{noun} 2") < page.index(f"{noun} 1")
        assert 'http-equiv="refresh"' not in page
        assert 'data-arrived="3"' in page
        found = (await control.get(path, headers=HTML, params={"q": f"{noun} 2".upper()})).text
        assert "(1 of 3)" in found
        assert f"{noun} 1" not in found
        assert "None of 3 has this text" in (await control.get(path, headers=HTML, params={"q": '">x'})).text
    assert "(1 of 3)" in (await control.get("/mailbox", headers=HTML, params={"q": "reader2@"})).text
    assert "(3 of 3)" in (await control.get("/mailbox", headers=HTML, params={"q": "of <three>"})).text


async def test_pages_have_their_own_files_and_hold_what_they_show_to_a_policy(
    control: httpx.AsyncClient, certificates: Path, tmp_path: Path
) -> None:
    page = await control.get("/teams", headers=HTML)
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "installs what draws them" in page.text
    assert [(await control.get(f"/pages/{file}")).status_code for file in ("pages.js", "pages.css")] == [200, 200]
    assert (await control.get("/pages/adaptivecards.js")).status_code == 404
    renderer = tmp_path / "renderer.js"
    renderer.write_text("var AdaptiveCards;")
    async with (
        Microsoft(certificates=certificates, renderer=renderer) as drawing,
        httpx.AsyncClient(base_url=drawing.control_url) as client,
    ):
        assert '<script src="/pages/adaptivecards.js">' in (await client.get("/teams", headers=HTML)).text
        answer = await client.get("/pages/adaptivecards.js")
        assert (answer.status_code, answer.text) == (200, "var AdaptiveCards;")
        assert "javascript" in answer.headers["Content-Type"]


SEND_MAIL = "/users/onboarding@contoso.com/sendMail"


def letter(**headers: str) -> EmailMessage:
    made = EmailMessage()
    for name, value in {"To": "a@example.com", "Cc": "Bob <b@example.com>", "Subject": "Grüße", **headers}.items():
        made[name] = value
    made.set_content("MS=ms12345678\nfor people")
    made.add_alternative("<p>for <b>programs</b></p><script>alert(1)</script>", subtype="html")
    return made


async def post_mime(graph: Graph, content: bytes, media_type: str = "text/plain") -> httpx.Response:
    return await graph.client.post(SEND_MAIL, content=content, headers={"Content-Type": media_type})


@pytest.mark.parametrize("media_type", ["text/plain", "Text/Plain; charset=utf-8"])
async def test_a_mime_mail_arrives_with_both_parts(
    media_type: str, graph: Graph, microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    sent = await post_mime(graph, base64.b64encode(letter().as_bytes()), media_type)
    assert (sent.status_code, sent.content) == (202, b"")
    (mail,) = (await control.get("/mailbox")).json()
    assert (mail["from"], mail["to"]) == ("onboarding@contoso.com", ["a@example.com", "b@example.com"])
    assert mail["subject"] == "Grüße"
    assert mail["text"] == "MS=ms12345678\nfor people\n"
    assert mail["html"].startswith("<p>for <b>programs</b></p>")
    assert microsoft.world.journal.violations == [], "Microsoft's description has no MIME, its documentation has"
    page = (await control.get("/mailbox", headers=HTML)).text
    assert "for people" in page
    assert "&lt;script&gt;" in page
    assert scripts(page) == OWN
    (frame,) = re.findall(r"<iframe ([^>]*)>", page)
    assert 'sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"' in frame
    assert 'srcdoc="&lt;' in frame.replace("&lt;base target=_blank&gt;", "&lt;", 1)


async def test_a_mime_mail_from_the_mailbox_itself(graph: Graph, microsoft: Microsoft) -> None:
    own = letter(From="Onboarding@contoso.com").as_bytes()
    assert (await post_mime(graph, base64.b64encode(own))).status_code == 202
    other = await post_mime(graph, base64.b64encode(letter(From="ceo@contoso.com").as_bytes()))
    assert (other.status_code, other.json()["error"]["code"]) == (403, "ErrorSendAsDenied")
    assert len(microsoft.world.mailbox.mails) == 1


@pytest.mark.parametrize(
    "content", [b"not base64!", letter().as_bytes(), b'{"message": {}}', base64.b64encode(b"\nno header at all"), b""]
)
async def test_mime_that_is_none_is_refused_and_noted(content: bytes, graph: Graph, microsoft: Microsoft) -> None:
    refused = await post_mime(graph, content)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (400, "ErrorMimeContentInvalidBase64String")
    assert error["message"] == "Invalid base64 string for MIME content."
    assert [row.kind for row in microsoft.world.journal.violations] == ["request-does-not-conform"]


async def test_mime_for_json_is_refused(graph: Graph, microsoft: Microsoft) -> None:
    refused = await post_mime(graph, base64.b64encode(letter().as_bytes()), "application/json")
    assert refused.status_code == 400
    assert microsoft.world.mailbox.mails == []


async def test_a_mime_mail_needs_a_recipient_and_the_right_to_send(graph: Graph, microsoft: Microsoft) -> None:
    nobody = letter()
    del nobody["To"], nobody["Cc"]
    refused = await post_mime(graph, base64.b64encode(nobody.as_bytes()))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "ErrorInvalidRecipients")
    content = base64.b64encode(letter().as_bytes())
    denied = await graph.client.post(
        "/users/voice.admin@contoso.com/sendMail", content=content, headers={"Content-Type": "text/plain"}
    )
    assert (denied.status_code, denied.json()["error"]["code"]) == (403, "ErrorAccessDenied")
    assert microsoft.world.mailbox.mails == []
