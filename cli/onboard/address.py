"""Which application is meant, and whether a token may go there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from onboard.errors import CommandError
from onboard.exits import ExitCode

SANDBOX = "http://127.0.0.1:7071"
"""Of `python3 dev.py up`."""

_OURS = re.compile(r"/api(?=/|$)")
"""Where the part of the path begins that is the application's own."""


@dataclass(frozen=True, slots=True)
class Address:
    """`https://onboarding.contoso.com`, without a slash at its end."""

    base: str
    secure: bool
    """By HTTPS. Otherwise it is on this machine, and gets no token."""


def read_address(given: str | None) -> Address:
    """The application's address, also from that of one of its pages. Raises CommandError."""
    if not given:
        raise _wrong(f"Say which application: --url or ONBOARDING_URL. That of a sandbox is {SANDBOX}.")
    try:
        parts = urlsplit(given.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https"):
        raise _wrong("The address of the application begins with https:// and has a host, and no more is needed.")
    if parts.username is not None or parts.password is not None:
        raise _wrong("The address of the application holds a user name or password: leave that out.")
    secure = parts.scheme == "https"
    if not secure and not _is_here(host):
        raise _wrong(f"http://{host} is not on this machine: what is sent there can be read on the way. Use https://.")
    name = f"[{host}]" if ":" in host else host
    before = _OURS.split(parts.path, maxsplit=1)[0].rstrip("/")
    return Address(f"{parts.scheme}://{name}{f':{port}' if port else ''}{before}", secure)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong(words: str) -> CommandError:
    return CommandError(ExitCode.USAGE, words)
