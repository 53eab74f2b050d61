"""Which names a certificate is good for. Pure.

Source: RFC 6125, section 6.4, and RFC 2818, section 3.1: a wildcard stands for one label, the first, as a whole. That
is how Microsoft reads the certificate of a session border controller too (Learn, "Plan Direct Routing").
"""

from __future__ import annotations

_FEWEST = 3
"""Labels of a name with a wildcard: `*.com` is no one's to ask for."""


def covers(pattern: str, name: str) -> bool:
    """Whether a name of a certificate, which may begin with a wildcard (`*.contoso.com`), is good for a host name."""
    asked, offered = _labels(name), _labels(pattern)
    if not asked or not offered or len(asked) != len(offered) or "*" in asked[0]:
        return False
    if offered[0] == "*":
        return len(offered) >= _FEWEST and offered[1:] == asked[1:]
    return offered == asked


def _labels(name: str) -> list[str]:
    """As DNS has them: lower case, punycode for what is not ASCII. None at all for what is no name."""
    plain = name.rstrip(".").lower()
    if plain.isascii():
        return plain.split(".") if plain else []
    import idna

    first, dot, rest = plain.partition(".")
    star = first == "*"
    try:
        encoded = idna.encode(rest if star else plain, uts46=True).decode()
    except idna.IDNAError:
        return []
    return ["*", *encoded.split(".")] if star and dot else encoded.split(".")
