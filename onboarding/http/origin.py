"""Where a call comes from and goes on to: a page of somebody else's must not act with the signed-in user's cookie."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

_Origin = tuple[str, str]
"""Scheme and host, with the port where it isn't the scheme's own; in lower case."""


def from_elsewhere(headers: Mapping[str, str], url: str, public_url: str) -> str | None:
    """The foreign place that a browser says a call comes from; None for our own pages and for programs.

    Browsers say it in Sec-Fetch-Site, which no page can write and nothing outweighs; older ones in Origin or Referer.
    A program says neither, and has no cookie of anybody's either.
    """
    site = headers.get("sec-fetch-site", "").strip().lower()
    place = headers.get("origin") or headers.get("referer")
    if site:
        return None if site in ("same-origin", "none") else place or "another site"
    if place is None or _origin(place) in _own(url, public_url, headers.get("host", "")):
        return None
    return place


def own_path(given: str, otherwise: str) -> str:
    """A path of this application to go on to; `otherwise` when what was given is none, or could be another host."""
    fine = given.startswith("/api/") and given.isascii() and given.isprintable() and not set(given) & {"\\", " "}
    return given if fine and "//" not in given.partition("?")[0] else otherwise


def _own(url: str, public_url: str, host: str) -> set[_Origin]:
    """Where our pages are: at the public address, and at the host that was called.

    By HTTPS, since a front end may speak it outside and HTTP inside; by HTTP only where that is how we are called, and
    the public address says nothing better. Anybody on the way can write a page of our host in HTTP.
    """
    public, called = _origin(public_url), _origin(url)
    own = {public, _origin(f"https://{host}")} if host else {public}
    if called:
        own |= {("https", called[1]), called} if public is None or public[0] == "http" else {("https", called[1])}
    return {origin for origin in own if origin}


def _origin(url: str) -> _Origin | None:
    try:
        said = urlsplit(url)
        # Reading the port is what checks it.
        port = said.port
    except ValueError:
        return None
    if said.scheme not in ("http", "https") or not said.hostname or said.username is not None:
        return None
    usual = {"http": 80, "https": 443}[said.scheme]
    return said.scheme, said.hostname if port in (None, usual) else f"{said.hostname}:{port}"
