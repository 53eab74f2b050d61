"""An address on the web that an operator sets, and that something is sent to. Pure."""

from __future__ import annotations

import re

HTTPS_PORT, LAST_PORT = 443, 65535
_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_ADDRESS = re.compile(
    rf"https://(?P<host>{_LABEL}(\.{_LABEL})*\.?)(:(?P<port>[0-9]{{1,5}}))?(?P<rest>[/?][!-~]*)?", re.I | re.A
)
"""What every parser of URLs reads alike. They differ in what they drop (spaces, line breaks), in what may stand between
brackets and in what a backslash is: the host that is checked must be the one that is called."""


def https_host(url: str) -> str | None:
    """The host of a URL to post to, in lower case; None for what is no such URL."""
    parts = _ADDRESS.fullmatch(url)
    if parts is None or not 0 < int(parts["port"] or HTTPS_PORT) <= LAST_PORT:
        return None
    return parts["host"].lower().removesuffix(".")
