"""The card that goes to Teams: what it shows, and what it never lets through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from onboarding.azure.teams_card import CARD_BYTES, plain, teams_body
from onboarding.ports import Message

MARKDOWN = MarkdownIt("commonmark").enable(["strikethrough", "table"])
PLAIN_TOKENS = {"paragraph_open", "inline", "paragraph_close", "text", "text_special"}


def card(message: Message) -> dict[str, Any]:
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


def test_title_facts_lines_and_button() -> None:
    content = card(Message("Your turn", (("Gateway", "contoso"),), ("Sign in.", "Confirm."), "https://x.example/a?b=c"))
    title, facts, *lines = content["body"]
    assert (title["type"], title["text"], title["weight"]) == ("TextBlock", "Your turn", "Bolder")
    assert facts == {"type": "FactSet", "facts": [{"title": "Gateway", "value": "contoso"}]}
    assert [(block["type"], block["text"], block["wrap"]) for block in lines] == [
        ("TextBlock", "Sign in.", True),
        ("TextBlock", "Confirm.", True),
    ]
    assert content["actions"] == [{"type": "Action.OpenUrl", "title": "Open", "url": "https://x.example/a?b=c"}]


def test_a_title_alone_is_a_card() -> None:
    content = card(Message("Done"))
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
    ],
)
def test_a_link_that_is_no_web_page_gets_no_button(link: str) -> None:
    assert "actions" not in card(Message("Done", link=link))


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


@given(
    st.builds(
        Message,
        title=TEXT,
        facts=st.lists(st.tuples(TEXT, TEXT), max_size=60).map(tuple),
        lines=st.lists(TEXT, max_size=60).map(tuple),
        link=st.one_of(st.none(), st.just("https://x.example/" + "é" * 2000)),
    )
)
def test_a_card_always_fits(message: Message) -> None:
    body = teams_body(message)
    assert len(body) < CARD_BYTES
    assert json.loads(body)["attachments"]


@pytest.mark.parametrize("letter", ["\\", '"', "🎉", "*", "{"])
def test_the_worst_letters_fit_too(letter: str) -> None:
    many = tuple(letter * 5000 for _ in range(500))
    body = teams_body(Message(letter * 5000, tuple((m, m) for m in many), many, "https://x.example/" + "a" * 2000))
    assert len(body) < CARD_BYTES
    assert "and 980 more" in body.decode()


def test_a_long_line_is_shortened_visibly() -> None:
    (_, line) = card(Message("Title", lines=("word " * 20_000,)))["body"]
    assert line["text"].endswith("…")
    assert len(line["text"]) <= 2000
