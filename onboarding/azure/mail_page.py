"""A message as an e-mail: plain text, and HTML that says the same. Pure.

The HTML is made for mail programs: tables and inline styles only, since Outlook knows little more. Nothing is loaded
from anywhere, and every word is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from onboarding.azure.plain import is_web_link, one_line
from onboarding.core.bounds import shorten
from onboarding.ports import Notification

SUBJECT_LENGTH = 255
"""Characters of a subject that Exchange keeps."""
TODO = "What to do"
EXACT = "To copy, exactly as it is"
EXPECTS = "What to expect"
STAYS = "What was done at Microsoft, and stays"
WARNING = "Please note"
TOLD = "Also told"

_FONT = "font-family:Segoe UI,Helvetica,Arial,sans-serif;font-size:15px;line-height:1.5;color:#1b1b1b"
_BREAKS = "overflow-wrap:anywhere;word-break:break-word"
"""No word is wider than a telephone. Two ways to say it: mail programs know one or the other."""
_WHOLE = "overflow-wrap:normal;word-break:normal"
"""Words of ours."""
_CELL = "padding:4px 12px 4px 0;vertical-align:top;text-align:left;font-weight:normal"
_H1 = "font-size:22px;line-height:1.3;margin:0 0 16px;font-weight:600"
_H2 = "font-size:16px;margin:24px 0 8px;font-weight:600"
_CODE = "font-family:Consolas,Menlo,monospace;font-size:14px;background:#f1f3f5;padding:2px 6px"
_CALM = "color:#565b60"
_CARE = "margin:20px 0;padding:12px 16px;background:#fff4ce;border-left:4px solid #8a6100"
_BUTTON = (
    "display:inline-block;background:#0b5cad;color:#ffffff;text-decoration:none;padding:10px 20px;"
    "border-radius:4px;font-weight:600"
)


def subject(message: Notification) -> str:
    """The title as a header may hold it: no line breaks, no control characters."""
    return shorten(one_line(message.title), SUBJECT_LENGTH)


def mail_text(message: Notification) -> str:
    """The message as plain text. What stands on one line here comes from one text there."""
    blocks = [
        [one_line(message.title)],
        _labelled(message.facts),
        *([one_line(paragraph)] for paragraph in message.why),
        _under(TODO, (f"{n}. {one_line(action)}" for n, action in enumerate(message.actions, 1))),
        _under(EXACT, _labelled(message.values)),
        [f"{WARNING}: {one_line(message.warning)}"] if message.warning else [],
        _under(EXPECTS, (f"- {one_line(sentence)}" for sentence in message.expects)),
        _under(STAYS, (f"- {line}" for line in _labelled(message.stays))),
        [f"{one_line(message.link_label)}:", message.link] if message.link and is_web_link(message.link) else [],
        [one_line(message.link_note)] if message.link_note else [],
        [f"{TOLD}: {', '.join(map(one_line, message.told))}"] if message.told else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _labelled(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{one_line(label)}: {one_line(text)}" for label, text in pairs]


def _under(heading: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return [f"{heading}:", *found] if found else []


def mail_html(message: Notification) -> str:
    """The message as HTML."""
    title = _safe(message.title)
    parts = [
        f'<h1 style="{_H1}">{title}</h1>',
        _table((_safe(label), _safe(text)) for label, text in message.facts),
        *(f'<p style="margin:16px 0">{_safe(paragraph)}</p>' for paragraph in message.why),
        _list("ol", TODO, map(_safe, message.actions)),
        _exact(message.values),
        f'<p style="{_CARE}"><strong>{WARNING}:</strong> {_safe(message.warning)}</p>' if message.warning else "",
        _list("ul", EXPECTS, map(_safe, message.expects)),
        _list("ul", STAYS, (f"{_safe(step)}: {_safe(detail)}" for step, detail in message.stays)),
        _button(message),
        f'<p style="{_CALM}">{_safe(message.link_note)}</p>' if message.link_note else "",
        f'<p style="{_CALM}">{TOLD}: {_safe(", ".join(message.told))}</p>' if message.told else "",
    ]
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title></head>'
        f'<body style="margin:0;padding:16px;background:#ffffff;{_FONT};{_BREAKS}">'
        f'<div style="max-width:640px">{"".join(parts)}</div></body></html>'
    )


def _table(rows: Iterable[tuple[str, str]]) -> str:
    """Rows of label and content, both escaped already."""
    cells = "".join(
        f'<tr><th scope="row" style="{_CELL};{_CALM};{_WHOLE}">{label}</th>'
        f'<td style="{_CELL};{_BREAKS}">{content}</td></tr>'
        for label, content in rows
    )
    return f'<table style="border-collapse:collapse;{_FONT}">{cells}</table>' if cells else ""


def _exact(values: Iterable[tuple[str, str]]) -> str:
    table = _table((_safe(label), f'<code style="{_CODE}">{_safe(text)}</code>') for label, text in values)
    return f'<h2 style="{_H2}">{EXACT}</h2>{table}' if table else ""


def _list(kind: str, heading: str, items: Iterable[str]) -> str:
    content = "".join(f'<li style="margin:4px 0">{item}</li>' for item in items)
    if not content:
        return ""
    return f'<h2 style="{_H2}">{heading}</h2><{kind} style="margin:0;padding-left:24px">{content}</{kind}>'


def _button(message: Notification) -> str:
    if not message.link or not is_web_link(message.link):
        return ""
    label = _safe(message.link_label)
    return f'<p style="margin:24px 0"><a href="{html.escape(message.link)}" style="{_BUTTON}">{label}</a></p>'


def _safe(text: str) -> str:
    return html.escape(one_line(text), quote=True)
