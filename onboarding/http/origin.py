"""Where a call comes from: a page of somebody else's must not act with the signed-in user's cookie."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit


def from_elsewhere(headers: Mapping[str, str], url: str, public_url: str) -> str | None:
    """The foreign place that a browser says a call comes from; None for our own pages and for programs.

    Browsers say it in Sec-Fetch-Site, which no page can write; older ones in Origin or Referer. A program says
    neither, and has no cookie of anybody's either.
    """
    site = headers.get("sec-fetch-site", "").lower()
    if site in ("same-origin", "none"):
        return None
    place = headers.get("origin") or headers.get("referer")
    if place is not None and _ours(place, url, public_url, headers.get("host", "")):
        return None
    if site or place is not None:
        return place or "another site"
    return None


def _ours(place: str, url: str, public_url: str, host: str) -> bool:
    said = _split(place)
    if said is None or said.scheme not in ("http", "https") or not said.netloc:
        return False
    public, own = _split(public_url), _split(url)
    if public is not None and (said.scheme, said.netloc) == (public.scheme, public.netloc):
        return True
    # A front end may speak HTTPS outside and HTTP inside, so only the host is compared.
    return said.netloc.lower() in {(own.netloc if own else "").lower(), host.lower()} - {""}


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None
