"""The HTTP sessions that Microsoft is called with."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from urllib.request import getproxies

if TYPE_CHECKING:
    import aiohttp

USER_AGENT = "operator-connect-onboarding"


def http_session(trust: ssl.SSLContext | None = None, *, unpacks: bool = False) -> aiohttp.ClientSession:
    """As azure.core's own transport makes it, of this event loop. With `trust` it believes those authorities only.

    `unpacks`: bodies come unpacked. azure.core does that itself.

    aiohttp 3.14 that heeds the environment reads it, and the user's `.netrc`, in threads before each request: that
    takes longer than the request. So it does only where the environment names a proxy.
    """
    import aiohttp

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust or True),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=unpacks,
        trust_env=names_a_proxy(),
    )


def names_a_proxy() -> bool:
    """Whether the environment (on Windows and macOS, the system too) names one. Whom to spare it is no proxy."""
    return bool(getproxies().keys() - {"no"})
