"""Names in DNS, as far as rules need them. Pure."""

from __future__ import annotations


def registered_part(name: str) -> str:
    """The domain that a name stands below, in lower case: its last two labels. Whoever has it has all names below."""
    return ".".join(name.lower().rstrip(".").rsplit(".", 2)[-2:])


def is_below(name: str, domain: str) -> bool:
    """Whether a name stands below a domain, in whatever case; the domain itself does not."""
    return name.lower().rstrip(".").endswith(f".{domain.lower().strip('.')}")
