"""What an operator may ask for (article, Prerequisites), and how a refusal reads."""

from __future__ import annotations

import contextlib
import copy
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.azure.graph_mail import mime
from onboarding.core.email_address import email_problem
from onboarding.core.patterns import EMAIL_ADDRESS
from onboarding.core.reasons import InvalidRequestError, Reason
from onboarding.core.request import Contacts, OnboardingRequest
from onboarding.core.services import Service
from onboarding.kinds import KINDS, STORED, read_request
from tests.support import requests
from tests.unit.test_openapi import inside


def refused(body: Any) -> dict[str, Reason]:
    """The reasons against a body, by field."""
    with pytest.raises(InvalidRequestError) as error:
        read_request(body)
    return {reason.field: reason for reason in error.value.reasons}


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the body with the field at a dotted path set."""
    made = copy.deepcopy(body)
    *parents, last = path.split(".")
    at: Any = made
    for name in parents:
        at = at[int(name)] if name.isdigit() else at[name]
    at[last] = value
    return made


@pytest.mark.parametrize(
    "body", [requests.operator_connect(), requests.teams_phone_mobile(), requests.lab(), requests.preselected()]
)
def test_the_articles_requests_are_accepted(body: dict[str, Any]) -> None:
    request = read_request(body)
    assert request.gateway.kind == "communications-gateway"
    assert request.already_onboarded is False


def test_services_without_test_lines_were_selected_at_deployment() -> None:
    assert read_request(requests.preselected()).preselected == (Service.OPERATOR_CONNECT,)
    assert read_request(requests.operator_connect()).preselected == ()


def test_every_reason_is_told_at_once_with_field_rule_and_value() -> None:
    body = requests.operator_connect(environment="lab", surprise=1)
    body["services"]["operatorConnect"]["testLines"][1]["name"] = "oc1"
    body["services"]["operatorConnect"]["testLines"][2]["phoneNumber"] = "020 7946 0103"
    body["services"]["operatorConnect"]["integrationTestNumbers"] = ["+442079460101"]
    body["gateway"]["name"] = "a_b"
    del body["adminUser"]

    reasons = refused(body)

    lines = "services.operatorConnect.testLines"
    assert {field: reason.rule for field, reason in reasons.items()} == {
        "gateway.name": "string_pattern_mismatch",
        f"{lines}[2].phoneNumber": "phone_number",
        "adminUser": "missing",
        "surprise": "extra_forbidden",
        lines: "line_count",
        f"{lines}[1].name": "unique_name",
        "services.operatorConnect.integrationTestNumbers[0]": "integration_number_is_no_test_line",
    }
    assert reasons["gateway.name"].value == "a_b"
    assert reasons[lines].value == 6
    assert "exactly 3" in reasons[lines].message


@pytest.mark.parametrize("count", [1, 5, 7])
def test_production_needs_exactly_six_lines_a_service(count: int) -> None:
    body = requests.operator_connect()
    body["services"]["operatorConnect"]["testLines"] = requests.lines("OC", count, 101)
    assert refused(body)["services.operatorConnect.testLines"].rule == "line_count"


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("+44 20 7946 0199", "E.164"),
        ("442079460199", "E.164"),
        ("+999123456789", "country code"),
        ("+4420794601", "numbering plan"),
        ("+447700900123", "numbering plan"),
    ],
)
def test_a_number_must_be_one_that_can_be_in_use(number: str, why: str) -> None:
    body = changed(requests.operator_connect(), "services.operatorConnect.integrationTestNumbers", [number])
    reason = refused(body)["services.operatorConnect.integrationTestNumbers[0]"]
    assert why in reason.message
    assert reason.value == number


def test_numbers_are_unique_over_all_services() -> None:
    body = requests.lab()
    first = body["services"]["operatorConnect"]["testLines"][0]["phoneNumber"]
    body["services"]["teamsPhoneMobile"]["testLines"][0]["phoneNumber"] = first
    reason = refused(body)["services.teamsPhoneMobile.testLines[0].phoneNumber"]
    assert reason.rule == "unique_number"
    assert "services.operatorConnect.testLines[0]" in reason.message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("gateway.subscriptionId", "not-a-guid"),
        ("gateway.resourceGroup", "rg."),
        ("gateway.name", "ab"),
        ("gateway.kind", "sbc"),
        ("environment", "staging"),
        ("adminUser", "voice admin"),
        ("onboardingTeam.email", "team"),
        ("notify.emails", ["<a@b.c>"]),
        ("alreadyOnboarded", "perhaps"),
        ("services.operatorConnect.integrationTestNumbers", []),
        ("services", {}),
        ("services", None),
        ("services", []),
    ],
)
def test_a_wrong_field_is_named(path: str, value: Any) -> None:
    reasons = refused(changed(requests.operator_connect(), path, value))
    assert any(field.startswith(path) for field in reasons)


def test_a_wrong_text_is_answered_with_what_it_should_be() -> None:
    reasons = refused(changed(requests.operator_connect(), "onboardingTeam.email", "team"))
    assert reasons["onboardingTeam.email"].message == "must be an e-mail address, such as voice-ops@contoso.com"


@pytest.mark.parametrize("blank", ["\u0085", "\u00a0", "\u2028", "\u3000", "\ufeff", "\x7f"])
def test_an_address_has_no_blank_of_any_kind(blank: str) -> None:
    for path in ("onboardingTeam.email", "adminUser"):
        assert path in refused(changed(requests.operator_connect(), path, f"voice{blank}ops@contoso.com"))


USERS = [
    "john_gmail.com#EXT#@contoso.onmicrosoft.com",
    "sean.o'brien@contoso.com",
    "ada!lovelace^x~y@contoso.com",
    "a@xn--e1afmkfd.xn--p1ai",
]


@pytest.mark.parametrize("user", USERS)
def test_an_admin_user_may_be_a_guest_or_have_an_apostrophe(user: str) -> None:
    assert read_request(changed(requests.operator_connect(), "adminUser", user)).admin_user == user


@pytest.mark.parametrize("domain", ["voice.xn--e1afmkfd.xn--p1ai", "XN--E1AFMKFD.XN--P1AI", "a.co"])
def test_a_domain_may_end_in_punycode(domain: str) -> None:
    assert read_request(changed(requests.operator_connect(), "gateway.domain", domain)).gateway.domain == domain.lower()


@pytest.mark.parametrize("domain", ["contoso.xn--", "contoso.xn--a-", "contoso.c0m", "xn--p1ai", "a..xn--p1ai"])
def test_what_only_looks_like_punycode_is_no_domain(domain: str) -> None:
    assert "gateway.domain" in refused(changed(requests.operator_connect(), "gateway.domain", domain))


def test_a_domain_is_the_same_in_any_case() -> None:
    body = changed(requests.operator_connect(), "gateway.domain", "Voice.Contoso.COM")
    assert read_request(body).gateway.domain == "voice.contoso.com"


NO_ADDRESSES = [
    "=?utf-8?q?v=40evil.example=0D=0ASubject=3A_Payroll?=@contoso.com",
    "a?b@contoso.com",
    "a\u202eb@contoso.com",
    "a\u200bb@contoso.com",
    "a\x00b@contoso.com",
    "a\nb@contoso.com",
    "a@contoso.com\n",
    "ada <a@contoso.com>",
    "a<b@contoso.com>",
    '"a b"@contoso.com',
    "a b@contoso.com",
    "(a)@contoso.com",
    "a@[1.2.3.4]",
    "a@1.2.3.4",
    "a@localhost",
    "a@contoso.local",
    "a@b@contoso.com",
    "a..b@contoso.com",
    "a@contoso.com.",
    "a@-contoso.com",
    "a@con_toso.com",
    "a@contoso.com, b@contoso.com",
    "a" * 65 + "@contoso.com",
    "a@\uff43ontoso.com",
    "e\u0301@contoso.com",
    "a@a\u202eb.com",
]
ADDRESSES = [
    "voice-ops@contoso.com",
    "First.Last+tag@Contoso.COM",
    "a!b%c{d}|e~@contoso.onmicrosoft.com",
    "m\u00fcller@ex\u00e4mple.com",
    "a@xn--exmple-cua.com",
    "sean.o'brien@contoso.com",
    "a@xn--e1afmkfd.xn--p1ai",
]


@pytest.mark.parametrize("address", NO_ADDRESSES, ids=ascii)
@pytest.mark.parametrize("path", ["onboardingTeam.email", "notify.emails", "notify.escalateTo"])
def test_what_can_be_no_address_is_refused(path: str, address: str) -> None:
    value = [address] if path == "notify.emails" else address
    assert [field.partition("[")[0] for field in refused(changed(requests.operator_connect(), path, value))] == [path]


@pytest.mark.parametrize("address", ADDRESSES, ids=ascii)
def test_an_address_is_taken_as_it_is_written(address: str) -> None:
    request = read_request(changed(requests.operator_connect(), "notify.emails", [address]))
    assert request.notify.emails == (address,)
    assert re.search(EMAIL_ADDRESS, address), "the description would deny it"


def test_an_address_that_was_accepted_earlier_stays_readable() -> None:
    body = changed(requests.operator_connect(), "notify.emails", ["a?b@contoso.local"])
    stored = type(read_request(requests.operator_connect())).model_validate(body, context=STORED)
    assert stored.notify.emails == ("a?b@contoso.local",)


@given(st.one_of(st.text(), st.emails(), st.from_regex(EMAIL_ADDRESS, fullmatch=True)))
def test_whatever_is_given_as_an_address_is_judged(address: str) -> None:
    if email_problem(address) is None:
        assert address.isprintable()
        raw = mime("onboarding@contoso.com", [address], "Your turn", "text", "<p>text</p>")
        # A long one stands on a line of its own.
        assert f"\r\nTo: {address}\r\n" in raw.decode().replace("\r\n ", " ")


def test_teams_phone_mobile_needs_voicemail_and_call_routing() -> None:
    body = requests.teams_phone_mobile()
    del body["services"]["teamsPhoneMobile"]["voicemailPilotNumber"]
    body["services"]["teamsPhoneMobile"]["callRouting"] = "pigeon"
    assert set(refused(body)) == {
        "services.teamsPhoneMobile.voicemailPilotNumber",
        "services.teamsPhoneMobile.callRouting",
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    )
)
def test_any_json_is_either_a_request_or_refused_with_reasons(body: Any) -> None:
    with pytest.raises(InvalidRequestError) as error:
        read_request(body)
    assert error.value.reasons


@given(st.data())
def test_a_request_with_any_part_replaced_by_anything_never_breaks_the_reader(data: st.DataObject) -> None:
    body = requests.lab()
    path = data.draw(
        st.sampled_from(
            [
                "services",
                "services.operatorConnect",
                "services.operatorConnect.testLines",
                "services.operatorConnect.testLines.0",
                "services.operatorConnect.testLines.0.name",
                "services.teamsPhoneMobile.integrationTestNumbers",
                "environment",
                "gateway",
            ]
        )
    )
    replaced = data.draw(st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2))
    *parents, last = path.split(".")
    at: Any = body
    for name in parents:
        at = at[int(name)] if name.isdigit() else at[name]
    at[int(last) if last.isdigit() else last] = replaced
    with contextlib.suppress(InvalidRequestError):
        assert isinstance(read_request(body), OnboardingRequest)


def test_every_list_of_a_request_has_a_bound() -> None:
    schemas = [model.model_json_schema() for model in (*KINDS.values(), Contacts)]
    lists = [part for schema in schemas for part in inside(schema) if part.get("type") == "array"]
    assert len(lists) >= 5
    assert [part for part in lists if "maxItems" not in part] == []


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("services.operatorConnect.testLines", 100),
        ("services.operatorConnect.integrationTestNumbers", 100),
        ("notify.emails", 20),
    ],
)
def test_a_list_that_is_too_long_is_refused_as_a_whole(path: str, most: int) -> None:
    body = requests.operator_connect()
    *parents, last = path.split(".")
    at: Any = body
    for name in parents:
        at = at.setdefault(name, {})
    at[last] = [1] * 30_000
    with pytest.raises(InvalidRequestError) as refused:
        read_request(body)
    assert f"{path}: has 30000 items; at most {most} are taken" in str(refused.value)
    assert {reason.field for reason in refused.value.reasons} == {path}


def test_of_many_reasons_fifty_are_told_and_how_many_more_there_are() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read_request({**requests.operator_connect(), **{f"x{n:04d}": n for n in range(5000)}})
    assert len(refused.value.reasons) == 50
    assert str(refused.value).startswith("The request was refused for 5000 reasons: x0000: ")
    assert str(refused.value).endswith("; and 4950 more")
    assert len(str(refused.value)) < 10_000


def test_a_field_with_a_name_of_any_length_is_told_in_short() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read_request({**requests.operator_connect(), "x" * 60_000: 1})
    assert len(str(refused.value)) < 500


def test_differences_name_the_fields_and_ignore_the_case_of_arm_names() -> None:
    one = read_request(requests.operator_connect())
    body = requests.operator_connect(environment="production", alreadyOnboarded=True)
    body["gateway"]["resourceGroup"] = "RG-Voice"
    assert one.differences(read_request(body)) == ["alreadyOnboarded"]


def test_the_onboarding_id_is_the_same_however_the_arm_id_is_spelt() -> None:
    body = requests.operator_connect()
    other = copy.deepcopy(body)
    other["gateway"]["name"] = "Contoso-ACG"
    other["gateway"]["resourceGroup"] = "RG-VOICE"
    ids = {read_request(b).gateway.id.onboarding_id for b in (body, other)}
    assert len(ids) == 1
    assert ids.pop().startswith("contoso-acg-")
