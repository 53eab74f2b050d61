"""The card that goes to Teams: what it shows, and what it never lets through."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from onboarding.azure.teams_card import CARD_BYTES, plain, teams_body
from onboarding.ports import Notification

MARKDOWN = MarkdownIt("commonmark").enable(["strikethrough", "table"])
PLAIN_TOKENS = {"paragraph_open", "inline", "paragraph_close", "text", "text_special"}


def card(message: Notification) -> dict[str, Any]:
    body = json.loads(teams_body(message))
    assert body["type"] == "message"
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    content: dict[str, Any] = attachment["content"]
    assert (content["type"], content["version"]) == ("AdaptiveCard", "1.4")
    return content


def rendered(text: str) -> str:
    """What a reader sees of a TextBlock. Fails when there is any markup in it."""
    tokens = [t for block in MARKDOWN.parse(text) for t in (block, *(block.children or ()))]
    assert {t.type for t in tokens} <= PLAIN_TOKENS
    return "".join(t.content for t in tokens if t.type in ("text", "text_special"))


WHOLE = Notification(
    title="Your turn",
    facts=(("Gateway", "contoso"),),
    why=("It has been open for 3 days.",),
    link="https://x.example/a?b=c",
    link_label="Confirm or report a problem",
    actions=("Sign in.", "Confirm."),
    values=(("Application Id", "8502a0ec-c76d-412f-836c-398018e2312b"), ("Name", "_a.commsgw.azure.com")),
    warning="Do not touch.",
    stays=(("Enable the services", "enabled"),),
    told=("ops@contoso.com (e-mail)", "nobody else"),
)


def test_everything_a_message_says_is_on_the_card() -> None:
    content = card(WHOLE)
    title, facts, *rest = content["body"]
    assert (title["type"], title["text"], title["weight"]) == ("TextBlock", "Your turn", "Bolder")
    assert facts == {"type": "FactSet", "facts": [{"title": "Gateway", "value": "contoso"}]}
    blocks = [b for block in rest for b in (block.get("items") or [block])]
    assert all(block["type"] == "TextBlock" and block["wrap"] for block in blocks)
    assert [rendered(block["text"]) for block in blocks] == [
        "It has been open for 3 days.",
        "What to do",
        "1. Sign in.",
        "2. Confirm.",
        "To copy, exactly as it is",
        "Application Id",
        "8502a0ec-c76d-412f-836c-398018e2312b",
        "Name",
        "_a.commsgw.azure.com",
        "Do not touch.",
        "What was done at Microsoft, and stays",
        "Enable the services: enabled",
        "Also told: ops@contoso.com (e-mail), nobody else",
    ]
    exact = [block["text"] for block in blocks if block.get("fontType") == "Monospace"]
    assert exact[0] == "8502a0ec-c76d-412f-836c-398018e2312b", "a value stands alone, to be copied"
    assert [block["style"] for block in rest if block["type"] == "Container"] == ["warning"]
    assert content["actions"] == [
        {"type": "Action.OpenUrl", "title": "Confirm or report a problem", "url": "https://x.example/a?b=c"}
    ]


def test_nothing_on_the_card_is_newer_than_its_version_or_does_anything_but_open_a_page() -> None:
    text = teams_body(WHOLE).decode()
    assert set(re.findall(r'"type":"([^"]+)"', text)) == {
        *("message", "AdaptiveCard", "TextBlock", "FactSet", "Container", "Action.OpenUrl"),
    }


def test_a_title_alone_is_a_card() -> None:
    content = card(Notification("Done"))
    assert [block["text"] for block in content["body"]] == ["Done"]
    assert "actions" not in content


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//x.example",
        "https://",
        "http://[",
        "https://x.example/" + "a" * 3000,
        "https://x.example/" + "🎉" * 1000,
        "https://x.example/\ud800",
        "https://x.example/\n",
    ],
)
def test_a_link_that_is_no_web_page_gets_no_button(link: str) -> None:
    assert "actions" not in card(Notification("Done", link=link))


@pytest.mark.parametrize(
    "text",
    [
        "[free money](https://evil.example)",
        "![](https://evil.example/pixel.png)",
        "<https://evil.example>",
        "**bold** _it_ ~~gone~~ `code`",
        "# heading",
        "- item",
        "+ item",
        "1. item",
        "12) item",
        "> quote",
        "***",
        "---",
        "===",
        "a | b",
        "&lt;b&gt; &#60; AT&T",
        "\\[x\\](https://evil.example)",
        "<at>everyone</at>",
        "a-b.commsgw.azure.com (10 %)",
    ],
)
def test_words_stay_words(text: str) -> None:
    assert rendered(plain(text, 1000)) == text


def test_dates_are_not_computed() -> None:
    assert "{{" not in plain("{{DATE(2026-01-01T00:00:00Z)}}", 100)


def test_ordinary_words_are_not_disfigured() -> None:
    text = "2. Add a new Application Id: 8502a0ec-c76d-412f-836c-398018e2312b (AT&T, contoso.com)"
    assert plain(text, 1000) == text.replace("2.", "2\\.", 1)


@given(st.text(max_size=300))
def test_no_text_becomes_markup(text: str) -> None:
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    assert rendered(plain(text, 300)) == shown


TEXT = st.text(max_size=50).flatmap(lambda t: st.integers(0, 400).map(lambda n: t * n))
TEXTS = st.lists(TEXT, max_size=60).map(tuple)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=60).map(tuple)


@given(
    st.builds(
        Notification,
        title=TEXT,
        facts=PAIRS,
        why=TEXTS,
        link=st.one_of(st.none(), st.just("https://x.example/" + '"' * 2000)),
        link_label=TEXT,
        actions=TEXTS,
        values=PAIRS,
        warning=st.one_of(st.none(), TEXT),
        stays=PAIRS,
        told=TEXTS,
    )
)
def test_a_card_always_fits(message: Notification) -> None:
    body = teams_body(message)
    assert len(body) < CARD_BYTES
    assert json.loads(body)["attachments"]


@pytest.mark.parametrize("letter", ["\\", '"', "🎉", "*", "{"])
def test_the_worst_letters_fit_too(letter: str) -> None:
    long, many = letter * 5000, tuple(letter * 5000 for _ in range(500))
    pairs = tuple((m, m) for m in many)
    link = "https://x.example/" + '"' * 2000
    body = teams_body(Notification(long, pairs, many, link, long, many, pairs, long, pairs, many))
    assert len(body) < CARD_BYTES
    (left_out,) = re.findall(r"and (\d+) more", body.decode())
    assert int(left_out) >= 6 * 490


def test_a_long_line_is_shortened_visibly() -> None:
    (_, line) = card(Notification("Title", why=("word " * 20_000,)))["body"]
    assert line["text"].endswith("…")
    assert len(line["text"]) <= 2000
