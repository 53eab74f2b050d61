"""The mailbox and the Teams channel as pages for people. Plain HTML: no script, all text escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape, unescape
from typing import Any

from sandbox.microsoft.exchange import Json
from sandbox.microsoft.mailbox import Mail

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "article{border:1px solid #bbb;border-radius:.5rem;padding:.5rem 1rem;margin:1rem 0}"
    "pre{white-space:pre-wrap;font:inherit;overflow-wrap:anywhere}header{color:#555}"
)
LINK = re.compile(r"https?://(?:(?!&quot;|&#x27;|&lt;|&gt;)[^\s])+")
"""A web address in text that has been escaped already."""
TAG = re.compile(r"<[^>]+>")


def mailbox_page(mails: list[Mail]) -> str:
    """All mail, newest first."""
    return _page("Mailbox", [_mail(mail) for mail in reversed(mails)])


def teams_page(messages: list[dict[str, Any]]) -> str:
    """All posts, newest first."""
    return _page("Teams channel", [_post(row["time"], row["message"]) for row in reversed(messages)])


def _mail(mail: Mail) -> str:
    text = mail.text or unescape(TAG.sub("", mail.html))
    # The HTML part is never rendered: whoever can send a mail could then write this page.
    source = f"<details><summary>HTML part</summary><pre>{escape(mail.html)}</pre></details>" if mail.html else ""
    return (
        f"<article><h2>{escape(mail.subject)}</h2><header>From {escape(mail.sender)} to "
        f"{escape(', '.join(mail.recipients))}, {escape(mail.time)}</header>"
        f"<pre>{_linked(text)}</pre>{source}</article>"
    )


def _linked(text: str) -> str:
    """Escaped text in which web addresses are links."""
    return LINK.sub(r'<a href="\g<0>">\g<0></a>', escape(text))


def _post(time: str, message: Json) -> str:
    lines = "".join(_lines(message))
    return f"<article><header>{escape(time)}</header>{lines}</article>"


def _lines(node: Json) -> Iterator[str]:
    """Texts, facts and links of a card, in order."""
    if isinstance(node, list):
        for item in node:
            yield from _lines(item)
    if not isinstance(node, dict):
        return
    url = node.get("url")
    if node.get("type") == "Action.OpenUrl" and isinstance(url, str):
        title = escape(str(node.get("title") or url))
        # Only web links become links: another scheme could run something.
        yield f'<p><a href="{escape(url)}">{title}</a></p>' if re.match("https?://", url) else f"<p>{title}</p>"
    elif "value" in node and "title" in node:
        yield f"<p><b>{escape(str(node['title']))}</b> {escape(str(node['value']))}</p>"
    elif isinstance(node.get("text"), str):
        yield f"<pre>{escape(node['text'])}</pre>"
    for name in ("attachments", "content", "body", "items", "columns", "facts", "actions", "inlines"):
        yield from _lines(node.get(name))


def _page(title: str, articles: list[str]) -> str:
    content = "".join(articles) or "<p>Nothing yet.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="refresh" content="5">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)} "
        f"({len(articles)})</h1>{content}</body></html>\n"
    )
