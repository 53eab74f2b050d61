"""The mailbox and the Teams channel as pages for people: what arrived, newest first, as its readers would see it.

A mail's HTML is shown in a frame without scripts, forms or a network. A card is drawn by Microsoft's own renderer where
that is installed (`AdaptiveCards`); its texts stand in its place until then. Nothing is loaded anew by itself: a page
says how many have come since.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Any

from sandbox.microsoft.exchange import Json
from sandbox.microsoft.mailbox import Mail

HERE = Path(__file__).parent
SCRIPT, STYLE = HERE / "pages.js", HERE / "pages.css"
POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a frame with a mail is held to as well."""
FRAME = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
"""No scripts, so its origin gives it nothing: it lets the page see how high the mail is. Links open beside."""
DOCTYPE, BESIDE = re.compile(r"^(\s*<!doctype[^>]*>)?", re.IGNORECASE), r"\g<0><base target=_blank>"
LINK = re.compile(r"https?://(?:(?!&quot;|&#x27;|&lt;|&gt;)[^\s])+")
"""A web address in text that has been escaped already."""
TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing that arrived."""

    words: str
    """In which the filter looks."""
    article: str


def mailbox_page(mails: list[Mail], wanted: str = "") -> str:
    """Mail that has the wanted text in its addresses, subject or body."""
    return _page("Mailbox", "/mailbox", [Shown(_words_of(mail), _mail(mail)) for mail in mails], wanted)


def teams_page(messages: list[dict[str, Any]], wanted: str = "", renderer: bool = False) -> str:
    """Posts that have the wanted text."""
    posts = [Shown("\n".join(_texts(row["message"])), _post(row["time"], row["message"])) for row in messages]
    return _page("Teams channel", "/teams", posts, wanted, DRAWN if renderer else NOT_DRAWN)


DRAWN = '<script src="/pages/adaptivecards.js"></script>'
NOT_DRAWN = "<p>Cards are shown as their texts: <code>python3 dev.py up</code> installs what draws them.</p>"


def _words_of(mail: Mail) -> str:
    return "\n".join((mail.sender, *mail.recipients, mail.subject, mail.text, unescape(TAG.sub("", mail.html))))


def _mail(mail: Mail) -> str:
    text = f"<pre>{_linked(mail.text or unescape(TAG.sub('', mail.html)))}</pre>"
    if mail.html:
        frame = (
            f'<iframe sandbox="{FRAME}" title="{escape(mail.subject)}" '
            f'srcdoc="{escape(DOCTYPE.sub(BESIDE, mail.html, count=1))}"></iframe>'
        )
        text = f"{frame}<details><summary>As plain text</summary>{text}</details>"
    return (
        f"<article><h2>{escape(mail.subject)}</h2><header>From {escape(mail.sender)} to "
        f"{escape(', '.join(mail.recipients))}, <time>{escape(mail.time)}</time></header>{text}</article>"
    )


def _linked(text: str) -> str:
    """Escaped text in which web addresses are links."""
    return LINK.sub(r'<a href="\g<0>">\g<0></a>', escape(text))


def _post(time: str, message: Json) -> str:
    cards = [a.get("content") for a in _attachments(message) if isinstance(a, dict)]
    # In an attribute, where nothing ends it but a quote.
    data = f' data-cards="{escape(json.dumps(cards))}"' if cards else ""
    return (
        f"<article><header><time>{escape(time)}</time></header>"
        f"<div class=post{data}>{''.join(_lines(message))}</div></article>"
    )


def _attachments(message: Json) -> list[Any]:
    found = message.get("attachments") if isinstance(message, dict) else None
    return found if isinstance(found, list) else []


def _texts(node: Json) -> Iterator[str]:
    return (unescape(TAG.sub("", line)) for line in _lines(node))


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


def _page(title: str, path: str, arrived: list[Shown], wanted: str, head: str = "") -> str:
    chosen = [one for one in reversed(arrived) if wanted.casefold() in one.words.casefold()]
    empty = f"<p>None of {len(arrived)} has this text.</p>" if arrived else "<p>Nothing yet.</p>"
    content = "".join(one.article for one in chosen) or empty
    counted = f"{len(chosen)} of {len(arrived)}" if wanted else str(len(arrived))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/pages/pages.css"></head>'
        f'<body data-path="{path}" data-arrived="{len(arrived)}"><main><h1>{escape(title)} ({counted})</h1>'
        f'<form action="{path}"><label>With this text <input type="search" name="q" value="{escape(wanted)}"></label>'
        f'<button>Filter</button> <a href="{path}">All</a></form>'
        f'<p role="status"><a id="newer" href="" hidden></a></p>{head}{content}</main>'
        '<script src="/pages/pages.js"></script></body></html>\n'
    )
