"""What must not be in a log, and what stands there in its place. Pure.

An SDK's message or a traceback may quote anything. So every log line goes through here, and of an exception only
its type, the first line of its message (redacted, cut) and the places where it passed are told: frames have file,
line and source text, never values.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import parse_qsl, quote, urlsplit

from onboarding.core import phone_numbers
from onboarding.core.texts import as_one_line

LONGEST_MESSAGE = 300
"""Characters of an exception's message."""
SHORTEST_SECRET = 8
"""A setting shorter than this is no secret worth the name, and would blot out ordinary words."""

_NAMED = (r"[\w.+'&~#!^%-]", r"(?:[\w.+'&~#!^-]|%(?!40)[0-9a-f]{2})")
"""What addresses and user names are made of, a guest's `#EXT#` too; and the same with what is percent-encoded."""
PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b((?:Bearer|SharedAccessSignature)\s+)[\w.~+/=%&-]+", re.IGNORECASE), "[secret]"),
    (re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*)*"), "[token]"),
    (
        re.compile(
            r"\b((?:sig|code|\w*(?:secret|password|accesskey|accountkey|api-?key|instrumentationkey|identity-header))"
            r"""["']?\s*[=:]\s*["']?)[^\s"'&;,<>]{4,}""",
            re.IGNORECASE,
        ),
        "[secret]",
    ),
    # A link of ours lets whoever has it answer a checkpoint: by its place, and its token by its beginning, `["`.
    (re.compile(r"(/links(?:[/#]|%23))[\w.~%-]+"), "[link]"),
    (re.compile(r"WyJ[\w-]{8,}(?:\.[\w-]*)*"), "[link]"),
    # Neither looked for from within a word nor given up letter by letter: a long word takes no longer than its length.
    (re.compile(rf"(?<!{_NAMED[0]}){_NAMED[1]}++(?:(?:@|%40){_NAMED[1]}++)+", re.IGNORECASE), "[address]"),
    (phone_numbers.IN_TEXT, phone_numbers.INSTEAD),
)
"""In this order. What the pattern's group holds stays, and the text after it takes the place of the rest."""

_SECRET_SETTINGS = (
    "IDENTITY_HEADER", "MSI_SECRET", "ONBOARDING_LINK_KEY", "ONBOARDING_LINK_KEY_PREVIOUS", "AZURE_CLIENT_SECRET",
    "ONBOARDING_EVENTS_SECRET", "ONBOARDING_EVENTS_SECRET_PREVIOUS", "ONBOARDING_EVENTS_AUTHORIZATION",
    "WEBSITE_AUTH_ENCRYPTION_KEY", "WEBSITE_AUTH_SIGNING_KEY",
)  # fmt: skip
_CONNECTIONS = ("ServiceBus", "Tables", "AzureWebJobsStorage", "APPLICATIONINSIGHTS_CONNECTION_STRING")
_KEYS = frozenset({"sharedaccesskey", "accountkey", "sharedaccesssignature", "instrumentationkey"})


def secrets(environ: Mapping[str, str]) -> frozenset[str]:
    """The secrets that the app settings hold, which are blotted out wherever they stand."""
    found = {environ.get(name, "") for name in _SECRET_SETTINGS}
    for name in _CONNECTIONS:
        pairs = (part.partition("=") for part in environ.get(name, "").split(";"))
        found |= {value for key, _, value in pairs if key.strip().lower() in _KEYS}
    webhook = environ.get("ONBOARDING_TEAMS_WEBHOOK_URL", "")
    found |= {webhook, *(value for key, value in parse_qsl(urlsplit(webhook).query) if key == "sig")}
    return frozenset(s for secret in found for s in (secret, quote(secret, safe="")) if len(s) >= SHORTEST_SECRET)


def redactor(known: Iterable[str] = ()) -> Callable[[str], str]:
    """A function that blots out: secrets known by their value, then whatever looks like what must not be told."""
    longest_first = sorted(known, key=len, reverse=True)
    exact = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def redact(text: str) -> str:
        if exact is not None:
            text = exact.sub("[secret]", text)
        for pattern, instead in PATTERNS:
            # Not a template such as `\\1`: reading one imports, which Python can't any more while it ends.
            text = pattern.sub(lambda m, i=instead: (m[1] if m.re.groups else "") + i, text)  # type: ignore[misc]
        return text

    return redact


def told(error: BaseException, redact: Callable[[str], str]) -> str:
    """An exception in one line: its type and the beginning of its message."""
    try:
        message = str(error).partition("\n")[0]
    except Exception as second:  # noqa: BLE001 - an exception that can't tell what it is must not hide itself
        message = f"(its message can't be read: {type(second).__name__})"
    # Redacted before it is cut: half a token would not be recognised.
    message = as_one_line(redact(message)[:LONGEST_MESSAGE])
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def traced(error: BaseException, redact: Callable[[str], str]) -> str:
    """An exception with what led to it, oldest first, each with the places where it passed."""
    parts = []
    for each in reversed(list(_chain(error))):
        places = "".join(traceback.format_list(traceback.extract_tb(each.__traceback__)))
        head = "Traceback (most recent call last):\n" if places else ""
        parts.append(f"{head}{redact(places)}{told(each, redact)}")
    return "\nThen:\n".join(parts)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
