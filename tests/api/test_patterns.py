"""Each pattern of the description, read by an ECMA-262 engine, accepts what the server accepts and nothing else.

A pattern is read in three ways: with the flag `u`, as validators of JSON Schema do; with `v` and anchored, as a form
does whose field has it (HTML's `pattern`); and by the server.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import hypothesis
import pytest
from hypothesis import strategies as st

from onboarding.core import links
from onboarding.core.patterns import fits
from onboarding.core.reasons import InvalidRequestError
from onboarding.core.record import OnboardingState
from onboarding.http.call import HttpCall, read_onboarding_id
from onboarding.http.plans import read_checksum
from onboarding.http.problems import ProblemError
from onboarding.http.search import read_search
from onboarding.kinds import read_request
from onboarding.pages.assets import assets
from tests.api.described import all_patterns, patterns
from tests.api.engine import Engine, EngineError
from tests.support import requests

EXAMPLES = 100
"""Generated texts for each place."""


@dataclass(frozen=True)
class Text:
    """A text that a caller sends: whether the server takes one, and some to try."""

    accepts: Callable[[str], bool]
    good: tuple[str, ...]
    bad: tuple[str, ...]
    decides: bool = True
    """False: the server asks for more than its pattern does."""


def in_request(
    path: str, item: str = "", base: Callable[[], dict[str, Any]] = requests.operator_connect
) -> Callable[[str], bool]:
    """Whether the field at a dotted path may be this (with `item`, a list's only one)."""

    def accepts(text: str) -> bool:
        body = base()
        *parents, last = path.split(".")
        at = body
        for name in parents:
            at = at[int(name)] if name.isdigit() else at.setdefault(name, {})  # type: ignore[call-overload]
        at[last] = [text] if item else text
        where = re.sub(r"\.(\d+)", r"[\1]", path) + item
        try:
            read_request(body)
        except InvalidRequestError as error:
            rules = ("string_", "email_", "trunk_")
            return not any(r.field == where and r.rule.startswith(rules) for r in error.reasons)
        return True

    return accepts


def in_sbc(path: str, item: str = "") -> Callable[[str], bool]:
    return in_request(path, item, requests.own_sbc)


def in_search(name: str) -> Callable[[str], bool]:
    return lambda text: not _raises(ProblemError, lambda: read_search({name: text}))


def an_id(text: str) -> bool:
    request = func.HttpRequest("GET", "/", route_params={"id": text}, body=b"")
    return not _raises(ProblemError, lambda: HttpCall(None, None, request, None).onboarding_id)  # type: ignore[arg-type]


def a_plan(text: str) -> bool:
    request = func.HttpRequest("GET", "/", route_params={"plan": text}, body=b"")
    return not _raises(ProblemError, lambda: HttpCall(None, None, request, None).plan_id)  # type: ignore[arg-type]


def a_checksum(text: str) -> bool:
    return not _raises(ProblemError, lambda: read_checksum(text))


KEY = "k" * links.KEY_LENGTH
NOW = datetime(2026, 3, 2, tzinfo=UTC)
TOKEN = links.sign(links.Link("contoso-acg-1f0e9d8c7b", "portal-access", 7, NOW.replace(year=2027)), KEY)


def a_token(text: str) -> bool:
    return not _raises(links.LinkError, lambda: links.read_link(text, [KEY], NOW))


def _raises(kind: type[Exception], call: Callable[[], object]) -> bool:
    try:
        call()
    except kind:
        return True
    return False


GUID = "1f0e9d8c-7b6a-4958-8473-62514f3e2d1c"
GUIDS = (GUID, GUID.upper(), "00000000-0000-0000-0000-000000000000")
NO_GUIDS = (
    GUID[:-1],
    f"{GUID}0",
    f"{{{GUID}}}",
    GUID.replace("-", ""),
    GUID.replace("1", "١"),
    GUID.replace("f", "ｆ"),
)
BLANKS = ("\n", " ", "\t", "\u0085", "\u00a0", "\u1680", "\u2028", "\u3000", "\ufeff", "\u0000", "\u007f")
"""Those on which engines disagree among them."""


def with_blanks(text: str) -> tuple[str, ...]:
    """The text with something invisible before, in or after it."""
    half = len(text) // 2
    return tuple(t for b in BLANKS for t in (b + text, text + b, text[:half] + b + text[half:]))


ADDRESSES = ("voice-ops@contoso.com", "o'brien@contoso.com", "jürgen@büro.contoso.com", "a@b.cd", "ü+1@x.y.com")
NO_ADDRESSES = (
    "", "team", "team@contoso", "@contoso.com", "a@b@c.com", "a@.", "a@b.", "<a@b.c>", 'a"b@c.de',
    "a@b.c,d@e.f", "a@b.c;", *with_blanks("a@b.cd"),
)  # fmt: skip
NAMES = ("contoso-acg", "OC1", "a-1", "---", "A" * 24)
NO_NAMES = ("", "ab", "A" * 25, "a_b", "a.b", "büro", "ab١", "a\\b", *with_blanks("abc"))

PEERING = f"/subscriptions/{GUID}/resourceGroups/rg-voice/providers/Microsoft.Peering/peerings/contoso-1"
ZONE = f"/subscriptions/{GUID}/resourceGroups/rg-dns/providers/Microsoft.Network/dnsZones/contoso.com"
TEXTS = {
    "CommunicationsGateway.subscriptionId": Text(
        in_request("gateway.subscriptionId"), GUIDS, ("", "not-a-guid", *NO_GUIDS, *with_blanks(GUID))
    ),
    "CommunicationsGateway.resourceGroup": Text(
        in_request("gateway.resourceGroup"),
        ("rg-voice", "RG_Voice.1(a)", ".a", "-", "_", "(", "a" * 90, "rg-büro", "资源组", "rg١", "ﬁ", "Ⅷ"),
        ("", "rg.", "." * 3, "a" * 91, "rg/x", "rg\\x", "rg[1]", "rg{1}", "a|b", "a:b", "a,b", "a@b", "a`b", "a^b",
         "😀", "rg\u200d", "rg\u202e", "\u00ad", *with_blanks("rg")),
    ),
    "CommunicationsGateway.name": Text(in_request("gateway.name"), NAMES, NO_NAMES),
    "TestLine.name": Text(in_request("services.operatorConnect.testLines.0.name"), NAMES, NO_NAMES),
    "CommunicationsGateway.domain": Text(
        in_request("gateway.domain"),
        ("contoso.com", "Voice.Contoso.COM", "a.bc", "a--b.c-d.ef", "xn--bro-hoa.example", "1.example", "a.xn--p1ai"),
        ("", "com", ".com", "a.b", "a..bc", "-a.bc", "a-.bc", "a.bc.", "a.b1", "a_b.com", "büro.example", "a.\u212aom",
         "a.xn--", "a.xn--b-", f"{'a' * 64}.com", *with_blanks("a.bc")),
    ),
    "CommunicationsGatewayRequest.adminUser": Text(
        in_request("adminUser"),
        ("voice.admin@contoso.com", "jürgen@contoso.com", "a@b", "a,b@c", "a;b@c", "a#EXT#@c", "a'b@c", *GUIDS),
        ("", "voice admin", "voice@büro.example", "a/b@c", "a\\b@c", "a?b@c", "a%b@c", 'a"b@c',
         "<a>@c", "a@b@c", "@c", "a@", *NO_GUIDS, *with_blanks("a@bc")),
    ),
    "SessionBorderController.name": Text(in_sbc("gateway.name"), NAMES, NO_NAMES),
    "SessionBorderController.domain": Text(
        in_sbc("gateway.domain"),
        ("contoso.com", "Voice.Contoso.COM", "a--b.c-d.ef", "xn--bro-hoa.example", "a.xn--p1ai"),
        ("", "com", ".com", "-a.bc", "a.bc.", "a_b.com", "büro.example", "a.\u212aom", *with_blanks("a.bc")),
        decides=False,
    ),
    "Trunk.fqdn": Text(
        in_sbc("gateway.trunks.0.fqdn"),
        ("sbc1.contoso.com", "SBC1.Voice.Contoso.COM", "a--b.c-d.ef"),
        ("", "com", "*.contoso.com", "sbc1.contoso.com.", "büro.contoso.com", "[::1]", *with_blanks("sbc1.a.com")),
        decides=False,
    ),
    "CallingApplication.clientId": Text(
        in_sbc("application.clientId"), GUIDS, ("", "not-a-guid", *NO_GUIDS, *with_blanks(GUID))
    ),
    "SessionBorderControllerRequest.adminUser": Text(
        in_sbc("adminUser"), ("voice.admin@contoso.com", "a@b", *GUIDS), ("", "voice admin", *with_blanks("a@bc"))
    ),
    "SessionBorderControllerRequest.peerings": Text(
        in_sbc("peerings", "[0]"),
        (PEERING, PEERING.replace("rg-voice", "rg.(1)")),
        ("", f"{PEERING}/", PEERING.replace(GUID, "x"), PEERING.replace("Peering/", "Net/"), *with_blanks(PEERING)),
    ),
    "DnsOwner.email": Text(in_sbc("dns.owner.email"), ADDRESSES, NO_ADDRESSES, decides=False),
    "DnsPublishing.azureZone": Text(
        in_sbc("dns.azureZone"),
        (ZONE, ZONE.replace("rg-dns", "RG_dns.1")),
        ("", ZONE + "/", ZONE.replace(GUID, "x"), ZONE.replace("dnsZones", "privateDnsZones"), *with_blanks(ZONE)),
    ),
    "DnsPublishing.server": Text(
        in_sbc("dns.server"), ("primary", "ns1", "a-b"), ("", "a b", "ü", "a" * 200, *with_blanks("primary"))
    ),
    "OnboardingTeam.email": Text(in_request("onboardingTeam.email"), ADDRESSES, NO_ADDRESSES, decides=False),
    "Addressees.emails": Text(in_request("notify.emails", "[0]"), ADDRESSES, NO_ADDRESSES, decides=False),
    "Addressees.escalateTo": Text(in_request("notify.escalateTo"), ADDRESSES, NO_ADDRESSES, decides=False),
    "?state": Text(
        in_search("state"),
        ("", *OnboardingState, "running,completed", "paused,paused"),
        ("runing", "running,", ",running", "running;completed", "running, paused", "RUNNING", *with_blanks("paused")),
    ),
    "?subscription": Text(in_search("subscription"), ("", *GUIDS), (*NO_GUIDS, *with_blanks(GUID))),
    "{id}": Text(
        an_id,
        ("contoso-acg-1f0e9d8c7b", "CONTOSO-ACG-1F0E9D8C7B", "abc-0000000000", f"{'a' * 24}-0123456789"),
        ("", "contoso-acg", "ab-0000000000", "abc-000000000", "abc-00000000000", "abc-000000000g", "a_bc-0000000000",
         f"{'a' * 25}-0123456789", "\u212aabc-0000000000", "abc-000000000١", *with_blanks("abc-0123456789")),
    ),
    "?from": Text(
        lambda text: not _raises(ProblemError, lambda: read_onboarding_id(text)),
        ("contoso-acg-1f0e9d8c7b",),
        ("", "contoso-acg", "abc-000000000g", *with_blanks("abc-0123456789")),
    ),
    "{plan}": Text(
        a_plan,
        ("20261127-101500-1f0e9d8c7b6a",),
        ("", "20261127-101500", "20261127-101500-1F0E9D8C7B6A", "20261127-101500-1f0e9d8c7b6",
         *with_blanks("20261127-101500-1f0e9d8c7b6a")),
    ),
    "?planChecksum": Text(
        a_checksum, ("0" * 64, "9f" * 32), ("", "0" * 63, "0" * 65, "G" * 64, "AB" * 32, *with_blanks("0" * 64))
    ),
    "{token}": Text(
        a_token,
        (TOKEN,),
        ("", "forged", TOKEN[:-1], f"{TOKEN}A", TOKEN.replace(".", ""), *with_blanks(TOKEN)),
        decides=False,
    ),
    "{name}": Text(
        lambda text: text in assets(),
        tuple(assets()),
        ("", ".hidden", "a/b", "..", "ü", *with_blanks("a.css")),
        decides=False,
    ),
}  # fmt: skip
"""By the place in the description, as `described.patterns` names it."""

EACH = pytest.mark.parametrize("place", TEXTS)
ODD = st.sampled_from(
    [*"@.,;:/\\|()[]{}<>\"'?#%&!*+=^`~$_-aZ09", *BLANKS, *"éßİıſµª١߁ⅷﬁ’😀", "\u212a", "\u200d", "\u202e", "\u0301"]
)
"""Also letters whose lower or upper case is another letter's, or several."""


def pattern_of(place: str) -> str:
    (pattern,) = patterns()[place]
    return pattern


def readings(engine: Engine, place: str, text: str) -> dict[str, bool]:
    """Whether each reader of the pattern takes it."""
    pattern = pattern_of(place)
    return {
        "a validator": engine.matches(pattern, text, "u"),
        "a form": engine.matches(f"^(?:{pattern})$", text, "v"),
        "Python": fits(pattern, text),
    }


def test_every_pattern_is_tried() -> None:
    """A new one needs values in TEXTS."""
    assert set(patterns()) == set(TEXTS)
    assert all_patterns() == {pattern_of(place) for place in TEXTS}
    assert all(text.good and text.bad for text in TEXTS.values())


@EACH
def test_good_values_are_accepted_by_everybody(engine: Engine, place: str) -> None:
    for text in TEXTS[place].good:
        assert TEXTS[place].accepts(text), text
        assert all(readings(engine, place, text).values()), text


@EACH
def test_bad_values_are_refused_by_everybody(engine: Engine, place: str) -> None:
    for text in TEXTS[place].bad:
        assert not TEXTS[place].accepts(text), text
        assert not any(readings(engine, place, text).values()), text


def near(place: str) -> st.SearchStrategy[str]:
    """Texts like those that are accepted, many of them with something odd."""
    good = st.sampled_from(TEXTS[place].good)
    changed = st.builds(_spliced, good, st.text(ODD, max_size=3), st.integers(0, 200), st.integers(0, 2))
    made = st.from_regex(pattern_of(place), fullmatch=True).filter(lambda text: len(text) <= 200)
    return st.one_of(good, changed, changed, made, st.text(ODD, max_size=8))


def _spliced(text: str, odd: str, start: int, length: int) -> str:
    at = start % (len(text) + 1)
    return text[:at] + odd + text[at + length :]


@EACH
def test_whatever_is_sent_the_pattern_and_the_server_agree(engine: Engine, place: str) -> None:
    @hypothesis.settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None)
    @hypothesis.given(text=near(place))
    def agree(text: str) -> None:
        accepted, read = TEXTS[place].accepts(text), readings(engine, place, text)
        if TEXTS[place].decides or accepted:
            assert set(read.values()) == {accepted}, (accepted, read)
        else:
            assert len(set(read.values())) == 1, read

    agree()


@EACH
def test_a_pattern_is_made_of_what_all_engines_have(place: str) -> None:
    pattern = pattern_of(place)
    assert pattern.startswith("^")
    assert pattern.endswith("$")
    escapes = set(re.findall(r"\\(u[0-9a-f]{4}|.)", pattern))
    assert {e for e in escapes if len(e) == 1} <= set("()[]{}/\\|.-"), escapes
    outside = re.sub(r"\[(?:[^\]\\]|\\.)*\]", "[]", pattern)
    assert not re.search(r"(?<!\\)\.|\(\?|\\[1-9]", outside), outside


@pytest.mark.parametrize(
    ("pattern", "flags"), [(r"^[\"]$", "u"), (r"^[\']$", "v"), (r"^[a-z-]$", "v"), (r"^[()]$", "v"), ("^[!!]$", "v")]
)
def test_the_engine_knows_what_each_flag_refuses(engine: Engine, pattern: str, flags: str) -> None:
    with pytest.raises(EngineError, match="Invalid regular expression"):
        engine.matches(pattern, "a", flags)
    assert isinstance(engine.matches(pattern, "a", ""), bool)


def test_the_engine_is_none_of_pythons(engine: Engine) -> None:
    """On these they disagree, and so would patterns that use them."""
    for pattern, text in ((r"^\w$", "ü"), (r"^\d$", "١"), (r"^\s$", "\u0085"), ("^a$", "a\n")):
        assert re.search(pattern, text)
        assert not engine.matches(pattern, text)
