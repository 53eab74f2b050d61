"""No text from outside holds the process up: what is done with one takes twice as long for one that is twice as long.

Sizes are such that the larger input is about as large as one can come in; a quadratic function stands out by far.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest

from onboarding.azure.allowed import ForbiddenCallError
from onboarding.azure.graph_answers import _WORDS
from onboarding.azure.plain import is_web_link, one_line
from onboarding.azure.teams_card import _ANYWHERE, _AT_START
from onboarding.core import patterns, phone_numbers
from onboarding.core.email_address import email_problem
from onboarding.core.links import LinkError, read_link
from onboarding.core.reasons import InvalidRequestError
from onboarding.core.texts import as_one_line, check_texts, in_sight
from onboarding.http.access import read_principal
from onboarding.http.bodies import is_page_form, read_json
from onboarding.http.origin import from_elsewhere
from onboarding.http.problems import ProblemError
from onboarding.kinds import read_request
from onboarding.pages.trail import _NUMBERS
from onboarding.telemetry.redaction import PATTERNS, redactor, told
from tests.support import requests
from tests.support.growth import LIMIT, growth

UNITS = (
    "a", "a.", "a-", "A1", "1", "1 ", "+1", "+1-", "%2B", "+", "@", "a@", "a@a", "a@a.", "a@a.a ", "%40", "a%40",
    ".", "-", "/", " ", "\t", "\n", ",", "=", '"', "'", "<", "(", "[", "\\", "&", "&a", "&#", "%",
    "\u0660", "\u202e", "\x00",
    "eyJ", "eyJaaaaaaaa.", "WyJ", "WyJaaaaaaaa.", "sig", "sig ", "sig=", "secret", "accesskey", "accesskey ",
    "password: ", "Bearer", "Bearer ", "/links/", "links#", "tel:", "tel:+",
    "attempt 1, ", ", attempt 1", " Next attempt in 1",
)  # fmt: skip
"""What patterns begin with, and what they repeat."""
AROUND = (("", ""), ("a@", "!"), ("sig=", " "), ("+", "@"), ("/links/", "="), ("Bearer ", "\x00"))
NOW = datetime(2026, 4, 1, tzinfo=UTC)


KINDS = [(unit, *around) for unit in UNITS for around in AROUND]


def text_of(kind: tuple[str, str, str], size: int) -> str:
    unit, before, after = kind
    return before + unit * (size // len(unit)) + after


def tried(work: Callable[[str], object], text: str) -> None:
    # What is refused was looked at too.
    with suppress(ValueError, LinkError, ProblemError):
        work(text)


REDACT = redactor(["secretsecretsecret", "aaaaaaaaaaaaaaaaaaaaaaaaa!"])
OF_TEXTS: dict[str, Callable[[str], object]] = {
    "redaction": REDACT,
    "an exception, told": lambda text: told(ValueError(text), REDACT),
    "a log's line": as_one_line,
    "a page's text": in_sight,
    "a mail's line": one_line,
    "a link to the web": is_web_link,
    "a text of a body": check_texts,
    "phone numbers": phone_numbers.without,
    "an address": lambda text: email_problem.__wrapped__(f"{text}@{text}.com"),
    "a signed link": lambda text: read_link(text, ["k" * 40], NOW),
    "a principal": read_principal,
    "an origin": lambda text: from_elsewhere({"origin": text, "host": text}, "https://here/api", "https://here"),
    "a write that is not allowed": lambda text: ForbiddenCallError("PUT", f"/users/{text}", "why"),
    "the words of a card": lambda text: _AT_START.sub(r"\1", _ANYWHERE.sub(r"\\\1", text)),
    "an event's numbers": lambda text: _NUMBERS.sub("", text),
    "a refusal of Microsoft Graph": lambda text: [words.search(text) for _, _, words in _WORDS],
    "the type of a form": lambda text: is_page_form(_posted(text, "application/x-www-form-urlencoded")),
    **{
        f"pattern {name}": lambda text, pattern=value: patterns.fits(pattern, text)  # type: ignore[misc]
        for name, value in vars(patterns).items()
        if name.isupper() and isinstance(value, str) and value.startswith("^")
    },
}


def test_every_pattern_of_the_redaction_is_tried_by_what_it_looks_for() -> None:
    for pattern, _ in PATTERNS:
        assert any(pattern.search(text_of(kind, 60)) for kind in KINDS), pattern.pattern


@pytest.mark.parametrize("what", OF_TEXTS)
def test_a_text_twice_as_long_takes_twice_as_long(what: str) -> None:
    work = OF_TEXTS[what]
    slow = [
        k for k in KINDS if growth(lambda text: tried(work, text), lambda n, kind=k: text_of(kind, n), 500) >= LIMIT
    ]
    assert slow == []


def _posted(body: str, kind: str = "application/json") -> func.HttpRequest:
    sent = body.encode("utf-8", "replace")
    return func.HttpRequest("POST", "https://here/api", headers={"content-type": kind}, body=sent)


def _read(body: str) -> None:
    with suppress(ProblemError, InvalidRequestError):
        read_request(read_json(_posted(body)))


def _request(**service: Any) -> str:
    body = requests.operator_connect()
    body["services"]["operatorConnect"].update(service)
    return json.dumps(body)


BODIES: dict[str, Callable[[int], str]] = {
    "fields that stand twice": lambda n: "{" + ",".join(f'"k{i}":1' for i in range(n)) + f',"k{n - 1}":2' + "}",
    "fields, none twice": lambda n: "{" + ",".join(f'"k{i}":1' for i in range(n)) + "}",
    "objects": lambda n: "[" + ",".join('{"a":1,"a":2}' for _ in range(n // 2)) + "]",
    "lists in lists": lambda n: "[" * n + "]" * n,
    "objects in objects": lambda n: '{"a":' * n + "1" + "}" * n,
    "a character that no text may hold": lambda n: json.dumps("a" * 10 * n + "\x01"),
    "numbers": lambda n: "[" + ",".join(["1e3", "12345"] * (n // 2)) + "]",
    "fields of no request": lambda n: json.dumps({**requests.operator_connect(), **{f"k{i}": i for i in range(n)}}),
    "test lines": lambda n: _request(testLines=[{"name": f"OC{i}", "phoneNumber": f"+44{i}"} for i in range(n // 5)]),
    "the same test line": lambda n: _request(testLines=[{"name": "OC1", "phoneNumber": "+442079460101"}] * (n // 5)),
    "no test lines": lambda n: _request(testLines=[1] * n),
    "a user": lambda n: json.dumps(requests.operator_connect(adminUser="a." * n + "@" + "a." * n)),
    "an addressee": lambda n: json.dumps(
        requests.operator_connect(notify={"emails": ["a." * n + "@" + "a." * n + "b"]})
    ),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_twice_as_long_takes_twice_as_long(what: str) -> None:
    assert growth(_read, BODIES[what], 700) < LIMIT


def test_a_principal_with_twice_the_claims_takes_twice_as_long() -> None:
    def principal(n: int) -> str:
        claims = [{"typ": "name", "val": "\x1b"}, {"typ": "roles", "val": "Onboarding.None"}] * n
        return base64.b64encode(json.dumps({"auth_typ": "aad", "claims": claims}).encode()).decode()

    assert growth(read_principal, principal, 50) < LIMIT


def test_the_growth_of_a_quadratic_function_is_seen() -> None:
    def quadratic(n: int) -> int:
        return sum(1 for i in range(n) for _ in range(i))

    assert growth(quadratic, lambda n: n, 100) > LIMIT
    assert growth(lambda n: sum(range(n)), lambda n: n, 10_000) < LIMIT
