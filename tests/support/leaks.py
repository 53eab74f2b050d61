"""What must not be in a log or in telemetry, looked for by patterns of this module's own, not by the application's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

_SHAPES: Mapping[str, re.Pattern[str]] = {
    "a token": re.compile(r"eyJ[A-Za-z0-9_-]{8,}"),
    "a bearer token": re.compile(r"[Bb]earer\s+[A-Za-z0-9]"),
    "a signature": re.compile(r"[?&]sig=(?!\[)"),
    "a key": re.compile(r"(SharedAccessKey|AccountKey)=(?!\[)"),
    "a phone number": re.compile(r"(?<![\w+])\+\d{7,15}"),
    "a mail address": re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}"),
    "a signed link": re.compile(r"/links[/#][A-Za-z0-9_-]{8,}|WyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
}
_SECRETS = ("IDENTITY_HEADER", "ONBOARDING_LINK_KEY", "ONBOARDING_LINK_KEY_PREVIOUS")


def leaks(text: str, settings: Mapping[str, str]) -> list[str]:
    """Each line that holds one, with what it is."""
    webhook = settings.get("ONBOARDING_TEAMS_WEBHOOK_URL", "")
    secrets = {settings[name] for name in _SECRETS if settings.get(name)}
    secrets |= {webhook, *parse_qs(urlsplit(webhook).query).get("sig", [])} - {""}

    def found(line: str) -> Iterator[str]:
        yield from ("a secret of the settings" for secret in secrets if secret in line)
        yield from (what for what, shape in _SHAPES.items() if shape.search(line))

    return [f"{what}: {line[:400]}" for line in text.splitlines() for what in found(line)]
