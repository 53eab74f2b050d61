"""Every refusal in our words: what was seen, what is expected, an example; no pattern, and no sentence of a library."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import ValidationError
from pydantic_core._pydantic_core import list_all_errors

from onboarding import settings as settings_module
from onboarding.controls import CONTROLS
from onboarding.core.email_address import email_problem
from onboarding.core.expected import expected_at, in_words, no_such_field
from onboarding.core.patterns import IN_WORDS
from onboarding.core.reasons import InvalidRequestError, Reason, read_fields, read_part
from onboarding.core.request import Contacts
from onboarding.http.bodies import read_json, read_object
from onboarding.http.problems import ProblemError
from onboarding.kinds import KINDS, read_request
from onboarding.settings import Settings, SettingsError
from tests.support import requests
from tests.support.http import Api, content

REQUEST = KINDS["communications-gateway"]
OURS = {"value_error", "assertion_error"}
"""What they say comes from whoever raises them."""
MODELS: tuple[type[BaseModel], ...] = (*KINDS.values(), Contacts)


def fragments() -> set[str]:
    """How pydantic's sentences begin."""
    told = [error["message_template_python"] for error in list_all_errors() if error["type"] not in OURS]
    begun = {each.partition("{")[0].strip() for each in told}
    return {words for words in begun if words} | {"should be", "should have", "Value error", "Assertion failed"}


FRAGMENTS = fragments()
NOT_FOR_PEOPLE = re.compile(r"\\u|\[\^|\[[0-9A-Za-z]-|\(\?|\{\d+,|\^\(|<class|object at 0x")


def for_people(text: str) -> bool:
    return not any(part in text for part in FRAGMENTS) and not NOT_FOR_PEOPLE.search(text)


def refused(body: Any) -> dict[str, Reason]:
    with pytest.raises(InvalidRequestError) as error:
        read_request(body)
    return {reason.field: reason for reason in error.value.reasons}


def changed(path: str, value: Any) -> dict[str, Any]:
    body = copy.deepcopy(requests.lab(notify={"emails": [], "teams": True}))
    *parents, last = path.split(".")
    at: Any = body
    for name in parents:
        at = at[int(name)] if name.isdigit() else at[name]
    at[int(last) if last.isdigit() else last] = value
    return body


def test_pydantics_own_sentences_would_be_found() -> None:
    with pytest.raises(ValidationError) as error:
        Contacts.model_validate({"onboardingTeam": [], "notify": {"emails": {}, "teams": "maybe"}})
    assert not any(for_people(each["msg"]) for each in error.value.errors())
    assert not for_people(next(iter(IN_WORDS)))


@pytest.mark.parametrize("error", list_all_errors(), ids=lambda error: str(error["type"]))
def test_of_every_type_of_error_that_there_is_we_say_what_is_expected(error: Any) -> None:
    said = {**(error["example_context"] or {}), "error": "what the validator says", "seen": 3, "most": 2}
    line = ("services", "operatorConnect", "testLines", 0, "phoneNumber")
    for place in (("environment",), line, ("x",), ("no", 1, "no")):
        words = in_words({"type": error["type"], "loc": place, "input": "y", "ctx": said}, REQUEST)
        assert words
        assert for_people(words)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("alreadyOnboarded", "yes", "must be true or false, without quotes; it is a text"),
        ("alreadyOnboarded", 1, "must be true or false, without quotes; it is a number"),
        ("alreadyOnboarded", None, "must be true or false, without quotes; it is null"),
        ("notify.teams", "true", "must be true or false, without quotes; it is a text"),
        ("environment", "staging", "must be 'production' or 'lab'"),
        ("environment", True, "must be 'production' or 'lab'"),
        (
            "services.operatorConnect.integrationTestNumbers",
            [],
            "has 0 items; at least 1 is needed: a list in square brackets, and each item a phone number in E.164 form,"
            " such as +442079460101",
        ),
        (
            "services.operatorConnect.testLines",
            {},
            "must be a list in square brackets, and each item an object in braces with 'name' and 'phoneNumber'; it is"
            " an object",
        ),
        (
            "services.operatorConnect.testLines.0.phoneNumber",
            442079460101,
            "must be a phone number in E.164 form, such as +442079460101; it is a number",
        ),
        ("services", [], "must be an object in braces with 'operatorConnect' and 'teamsPhoneMobile'; it is a list"),
        ("onboardingTeam.name", "", "has 0 characters; must be a text of 1 to 200 characters"),
        ("onboardingTeam.name", "x" * 201, "has 201 characters; at most 200 are taken"),
        ("gateway.subscriptionId", False, f"must be {IN_WORDS[next(iter(IN_WORDS))]}; it is false"),
        ("gateway.subscripionId", "x", "is no field here; did you mean 'subscriptionId'?"),
        ("gateway.ResourceGroup", "x", "is no field here; did you mean 'resourceGroup'?"),
        ("adminuser", "x", "is no field here; did you mean 'adminUser'?"),
        ("services.operatorconnect", {}, "is no field here; did you mean 'operatorConnect'?"),
        ("services.operatorConnect.testLines.0.number", "x", "is no field here; did you mean 'phoneNumber'?"),
        ("onboardingTeam.phone", "x", "is no field here; expected is 'name' or 'email'"),
    ],
)
def test_a_refusal_says_what_is_expected_with_an_example(path: str, value: Any, words: str) -> None:
    field = re.sub(r"\.(\d+)", r"[\1]", path)
    assert refused(changed(path, value))[field].message == words


def test_what_is_missing_is_told_with_what_it_should_be() -> None:
    reasons = refused({"services": {}, "gateway": {}})
    assert reasons["adminUser"].message == (
        "is required, and must be a user principal name, such as voice.admin@contoso.com, or the user's object id"
    )
    assert reasons["onboardingTeam"].message == "is required, and must be an object in braces with 'name' and 'email'"


def test_the_whole_sentence_says_what_was_seen() -> None:
    with pytest.raises(InvalidRequestError) as error:
        read_request(changed("alreadyOnboarded", "yes"))
    assert str(error.value) == (
        "The request was refused for 1 reason: alreadyOnboarded: must be true or false, without quotes; it is a text"
        " (seen: yes)"
    )


def test_a_list_is_not_called_too_short_because_its_items_are_refused() -> None:
    field = "services.operatorConnect.integrationTestNumbers"
    assert set(refused(changed(field, ["x"]))) == {f"{field}[0]"}


def test_whatever_is_no_body_is_told_as_json() -> None:
    assert refused([{"a": None}])["(body)"].value == '[{"a": null}]'
    assert refused("x")["(body)"].message.endswith("; it is a text")


def models(kind: Any) -> Iterator[type[BaseModel]]:
    """A model and those in it."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from models(field.annotation)
    for inner in get_args(kind):
        yield from models(inner)


def test_no_text_or_number_passes_for_true_or_false() -> None:
    every = [model for top in MODELS for model in models(top)]
    flags = [(model, name) for model in every for name, f in model.model_fields.items() if f.annotation is bool]
    assert len(flags) >= 2
    for model, name in flags:
        alias = model.model_fields[name].alias
        for value in ("yes", "true", 1, 0, "0"):
            with pytest.raises(ValidationError) as error:
                model.model_validate({alias: value})
            assert (alias,) in [each["loc"] for each in error.value.errors()]


def test_every_field_is_told_in_words() -> None:
    for top in MODELS:
        for model in models(top):
            for name, field in model.model_fields.items():
                assert expected_at(model, (field.alias or name,)) != "another value"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
PLACES = [
    "environment",
    "gateway",
    "gateway.kind",
    "gateway.domain",
    "gateway.name",
    "services",
    "services.operatorConnect",
    "services.operatorConnect.testLines",
    "services.operatorConnect.testLines.0",
    "services.operatorConnect.testLines.0.phoneNumber",
    "services.operatorConnect.integrationTestNumbers",
    "services.operatorConnect.integrationTestNumbers.0",
    "services.teamsPhoneMobile.callRouting",
    "services.teamsPhoneMobile.voicemailPilotNumber",
    "adminUser",
    "alreadyOnboarded",
    "insistOnNumbers",
    "onboardingTeam",
    "onboardingTeam.email",
    "notify",
    "notify.emails",
    "notify.teams",
    "notify.escalateTo",
    "surprise",
]


def sentences(read: Callable[[], object]) -> list[str]:
    """Those of a refusal, without the values that were sent, which may be anything; none where it is taken."""
    try:
        read()
    except InvalidRequestError as error:
        return [reason.message for reason in error.reasons]
    return []


@given(st.sampled_from(PLACES), JSON_VALUES)
def test_no_request_is_refused_in_a_librarys_words(path: str, value: Any) -> None:
    body = changed(path, value)
    contacts = {name: body[name] for name in ("onboardingTeam", "notify")}
    for words in (*sentences(lambda: read_request(body)), *sentences(lambda: read_part(Contacts, contacts))):
        assert words
        assert for_people(words)


@given(JSON_VALUES)
def test_no_controls_body_is_refused_in_a_librarys_words(body: Any) -> None:
    for control in CONTROLS.values():
        kinds: dict[str, type[str] | type[bool]] = {f.place: str for f in control.fields}
        for words in sentences(lambda kinds=kinds: read_fields(body, {**kinds, "insist": bool})):  # type: ignore[misc]
            assert words
            assert for_people(words)


@given(st.one_of(st.text(), st.emails(), st.sampled_from(["a@b", "a@b@c.de", "a..b@c.de", "a@c.local", "a@-c.de"])))
def test_no_address_is_refused_in_a_librarys_words(address: str) -> None:
    problem = email_problem(address)
    ours = ("must be an e-mail address", "must not hold a question mark", "must be written as")
    assert problem is None or problem.startswith(ours)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("team", "it has no @"),
        ("a@b@contoso.com", "it has more than one @"),
        ("a..b@contoso.com", "what stands before the @ is not up to 64 letters"),
        ("a@contoso.local", "what stands after the @ is no name of a domain that is in DNS for everybody"),
    ],
)
def test_an_address_that_is_none_is_told_by_its_wrong_part(address: str, why: str) -> None:
    assert f"such as voice-ops@contoso.com: {why}" in str(email_problem(address))


def test_a_controls_fields_are_refused_each_with_its_reason() -> None:
    with pytest.raises(InvalidRequestError) as error:
        read_fields({"reson": "x", "insist": "yes", "reason": 5}, {"reason": str, "insist": bool})
    assert [(r.field, r.rule, r.message) for r in error.value.reasons] == [
        ("reson", "extra_forbidden", "is no field here; did you mean 'reason'?"),
        ("insist", "bool_type", "must be true or false, without quotes; it is a text"),
        ("reason", "string_type", "must be a text in quotes; it is a number"),
    ]
    with pytest.raises(InvalidRequestError, match="must be an object in braces, with reason or insist; it is a list"):
        read_fields([], {"reason": str, "insist": bool})
    with pytest.raises(InvalidRequestError) as error:
        read_fields({f"x{n}": n for n in range(9000)}, {})
    assert str(error.value).endswith("and 8950 more")
    assert no_such_field("x", ()) == "is no field here"


# -- bodies ------------------------------------------------------------------------------------------------------


def posted(body: bytes) -> func.HttpRequest:
    return func.HttpRequest("POST", "http://localhost/api/onboardings", headers={}, body=body)


BOM = b"\xef\xbb\xbf"


async def test_a_body_with_a_byte_order_mark_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(monkeypatch)
    body = BOM + json.dumps(requests.operator_connect()).encode()
    made = await api.post("onboardings", body, content_type="application/json")
    assert made.status_code == 202
    assert (await api.post("onboardings", body, content_type="application/x-www-form-urlencoded")).status_code == 200
    path = f"onboardings/{content(made)['id']}"
    assert (await api.post(f"{path}/replay", BOM)).status_code == 200
    paused = await api.post(f"{path}/pause", BOM + b'{"reason": "a freeze"}', content_type="application/json")
    assert paused.status_code == 200
    assert read_object(posted(BOM), "note") == {}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "it ends at line 1, column 2, before it is complete; look for a quote, bracket or brace"),
        (b'{"a" 1}', "at line 1, column 6 stands “1}”, where something else was expected; look there for a missing"),
        (b"{'a': 1}", "at line 1, column 2 stands “'a': 1}”"),
        (b'{"a": 1} x', "at line 1, column 10 stands “x”"),
        (b'{"a": "x', "at line 1, column 7 stands “\"x”"),
        (b'{"a": True}', "at line 1, column 7 stands “True}”"),
        (b"hello" * 50, "stands “hellohellohellohello”"),
    ],
)
def test_a_body_that_is_no_json_is_told_by_what_stands_there(body: bytes, words: str) -> None:
    with pytest.raises(ProblemError) as error:
        read_json(posted(body))
    assert words in error.value.detail
    assert not any(said in error.value.detail for said in ("Expecting", "delimiter", "Extra data", "Unterminated"))


# -- settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ONBOARDING_POLL_FIRST", "-1", "ONBOARDING_POLL_FIRST: must be a number greater than 0"),
        ("ONBOARDING_POLL_FIRST", "soon", "ONBOARDING_POLL_FIRST: must be a number greater than 0; it is a text"),
        (
            "ONBOARDING_DNS_AUTHORITATIVE_PORT",
            "99999",
            "ONBOARDING_DNS_AUTHORITATIVE_PORT: must be a whole number of at least 1 and of at most 65535",
        ),
        ("ONBOARDING_DNS_PRIVATE_SERVERS", "perhaps", "ONBOARDING_DNS_PRIVATE_SERVERS: must be true or false"),
        ("ONBOARDING_FUNCTIONS", "both", "ONBOARDING_FUNCTIONS: must be 'all', 'front' or 'steps'"),
        ("ONBOARDING_LINK_KEY", "topsecret", "ONBOARDING_LINK_KEY: must have at least 32 characters"),
        ("ONBOARDING_ESCALATION_EMAIL", "nobody", "ONBOARDING_ESCALATION_EMAIL: an e-mail address was expected"),
    ],
)
def test_a_setting_is_refused_in_words_and_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv("ServiceBus", "Endpoint=sb://localhost")
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    monkeypatch.setenv(name, value)
    settings_module.settings.cache_clear()
    with pytest.raises(SettingsError) as error:
        settings_module.settings()
    assert words in str(error.value)
    assert value not in str(error.value)
    assert for_people(str(error.value))


def test_every_setting_is_told_in_words() -> None:
    told = {expected_at(Settings, (name,)) for name in Settings.model_fields}
    assert told >= {"a text", "true or false, without quotes", "a number greater than 0"}
    assert "another value" not in told
