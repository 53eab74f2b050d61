"""A request for a session border controller: what it takes, and why it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from onboarding.core.decide import create
from onboarding.core.patterns import ONBOARDING_ID, fits
from onboarding.core.reasons import InvalidRequestError
from onboarding.kinds import STORED, read_request
from onboarding.kinds.session_border_controller import SessionBorderControllerRequest
from onboarding.outside_facts import USUAL_TRUST, OutsideFacts, tell_outside_facts
from onboarding.steps import LIBRARY
from onboarding.steps.operator_connect import APPLICATION_ROLES
from tests.support import requests
from tests.support.records import NOW

LONG = "a" * 40


def with_gateway(**changes: Any) -> dict[str, Any]:
    body = requests.own_sbc()
    body["gateway"].update(changes)
    return body


def with_trunks(*names: Any, **changes: Any) -> dict[str, Any]:
    trunks = [{"fqdn": name, "port": 5061, "region": f"Region {n}"} for n, name in enumerate(names)]
    return with_gateway(trunks=trunks, **changes)


def refused(body: dict[str, Any]) -> dict[str, str]:
    """Field → what is said of it."""
    with pytest.raises(InvalidRequestError) as error:
        read_request(body)
    return {reason.field: reason.message for reason in error.value.reasons}


def sbc(**changes: Any) -> SessionBorderControllerRequest:
    request = read_request(requests.own_sbc(**changes))
    assert isinstance(request, SessionBorderControllerRequest)
    return request


def test_it_is_taken_without_warnings_and_is_in_no_subscription() -> None:
    request = sbc()
    assert request.warnings == ()
    assert request.gateway.subscription is None
    assert request.application_roles == tuple(APPLICATION_ROLES)
    assert request.domain_to_verify == "voice.contoso.example"
    assert request.trunk_addresses == (("sbc1.voice.contoso.example", 5061), ("sbc2.voice.contoso.example", 5061))
    assert ("Domain", "voice.contoso.example") in request.facts
    assert [text for _, text, _ in request.gateway.place] == [
        "voice.contoso.example", "sbc1.voice.contoso.example:5061", "sbc2.voice.contoso.example:5061",
    ]  # fmt: skip


def test_the_id_is_the_domains_however_it_is_spelt_and_whatever_it_is_called() -> None:
    one = sbc().gateway
    other = read_request(with_gateway(domain="Voice.Contoso.EXAMPLE", name="another-name")).gateway
    assert one.onboarding_id == other.onboarding_id
    assert fits(ONBOARDING_ID, one.onboarding_id)
    assert one.onboarding_id.startswith("voice-contoso-example-")
    elsewhere = read_request(with_trunks("sbc1.sip.contoso.example", domain="sip.contoso.example")).gateway
    assert elsewhere.onboarding_id != one.onboarding_id
    for domain in ("x.de", f"{LONG[:23]}.example", f"{LONG[:20]}.x.example"):
        assert fits(ONBOARDING_ID, read_request(with_trunks(f"s.{domain}", domain=domain)).gateway.onboarding_id)


def test_case_is_no_difference() -> None:
    body = requests.own_sbc()
    body["application"]["clientId"] = body["application"]["clientId"].upper()
    body["gateway"]["trunks"][0]["fqdn"] = "SBC1.voice.contoso.example"
    assert read_request(body).differences(sbc()) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("*.voice.contoso.example", "a wildcard is for the certificate"),
        ("20.50.60.1", "and not an address"),
        ("[2001:db8::1]", "and not an address"),
        (f"{LONG}.{LONG}.contoso.example", "at most 63 are taken"),
        ("sbc1", "the whole name of a host"),
        ("sbc_1.voice.contoso.example", "the whole name of a host"),
        ("sbc1.contoso.onmicrosoft.com", "Microsoft's own domain"),
        ("t1.abc.commsgw.azure.com", "Azure Communications Gateway"),
        ("voice.contoso.example", "is the domain itself; a trunk's name stands below it"),
        ("sbc1.sip.contoso.example", "is not below gateway.domain (voice.contoso.example)"),
        ("sbc1.notvoice.contoso.example", "gateway.domain may be notvoice.contoso.example"),
        (None, "the name of a host below gateway.domain"),
    ],
)
def test_names_of_trunks_that_are_refused(name: str, said: str) -> None:
    reasons = refused(with_trunks(name, "sbc2.voice.contoso.example"))
    assert said in reasons["gateway.trunks[0].fqdn"]
    assert list(reasons) == ["gateway.trunks[0].fqdn"]


def test_a_name_twice_is_named_at_the_second() -> None:
    reasons = refused(with_trunks("sbc1.voice.contoso.example", "SBC1.voice.contoso.example"))
    assert reasons == {"gateway.trunks[1].fqdn": "is the name of gateway.trunks[0].fqdn too; each trunk has its own"}


@pytest.mark.parametrize("domain", ["contoso.onmicrosoft.com", "x.commsgw.azure.com"])
def test_a_domain_of_microsofts_is_refused(domain: str) -> None:
    assert "a domain of your own is needed" in refused(with_gateway(domain=domain))["gateway.domain"]


def test_every_reason_is_told_at_once() -> None:
    body = with_gateway(domain="nodot", hosting="cloud", trunks=[{"fqdn": "*", "port": "5061", "region": ""}], nam="x")
    body["application"] = {"clientId": "x", "roles": ["Admin", "data.reed", "Data.Write", "data.write"]}
    body["peerings"] = ["/subscriptions/x"]
    body["dns"] = {}
    reasons = refused(body)
    assert "did you mean 'name'?" in reasons["gateway.nam"]
    assert "'own' or 'vendor'" in reasons["gateway.hosting"]
    assert "whole number" in reasons["gateway.trunks[0].port"]
    assert "never for an application" in reasons["application.roles[0]"]
    assert "did you mean 'Data.Read'?" in reasons["application.roles[1]"]
    assert reasons["application.roles[3]"] == "stands at application.roles[2] too"
    assert "resource id of a peering" in reasons["peerings[0]"]
    assert "exactly one of azureZone, server, owner" in reasons["dns"]
    trunk = {f"gateway.trunks[0].{name}" for name in ("fqdn", "region")}
    assert {"gateway.domain", "application.clientId", *trunk} < set(reasons)


def test_a_role_of_another_resource_is_refused_with_those_that_there_are() -> None:
    reasons = refused(requests.own_sbc(application={"clientId": requests.CLIENT_ID, "roles": ["Mail.Send"]}))
    assert "expected is one of TrunkManagement.Read" in reasons["application.roles[0]"]


def test_roles_are_taken_in_any_case_and_are_those_that_are_asked_for() -> None:
    roles = ["partnerSettings.Read", "PartnerSettings.Write"]
    request = sbc(application={"clientId": requests.CLIENT_ID, "roles": roles})
    assert request.application_roles == ("PartnerSettings.Read", "PartnerSettings.Write")


def test_lists_that_are_too_long_or_no_lists_have_one_reason() -> None:
    trunks = [{"fqdn": f"s{n}.voice.contoso.example", "port": 1, "region": "R"} for n in range(21)]
    assert list(refused(with_gateway(trunks=trunks))) == ["gateway.trunks"]
    assert list(refused(with_gateway(trunks="sbc1"))) == ["gateway.trunks"]
    assert list(refused(with_gateway(trunks=[7]))) == ["gateway.trunks[0]"]
    assert "gateway.domain" in refused(with_gateway(domain=7))


def test_what_is_worth_a_look_is_no_reason_to_refuse() -> None:
    one = read_request(with_trunks("sbc1.voice.contoso.example"))
    assert ["names one trunk (sbc1.voice.contoso.example)" in text for text in one.warnings] == [True]
    body = requests.own_sbc(environment="lab")
    body["gateway"]["trunks"][1]["region"] = "west europe "
    (lab,) = read_request(body).warnings
    assert "names 6 service verification lines for Operator Connect; 3 are usual" in lab
    del body["environment"]
    body["services"]["operatorConnect"]["testLines"] = []
    regions, lines = read_request(body).warnings
    assert "are in one region (West Europe)" in regions
    assert "names 0 service verification lines" in lines


@pytest.fixture
def told() -> Iterator[OutsideFacts]:
    """As a setting has them."""
    trust = USUAL_TRUST.model_copy(update={"as_of": "2 March 2027", "source": "MC1", "roots": ("Root G9",)})
    facts = OutsideFacts(trust, verification_lines=2, verification_lines_lab=0)
    tell_outside_facts(facts)
    yield facts
    tell_outside_facts(OutsideFacts())


def test_how_many_verification_lines_are_usual_is_a_setting(told: OutsideFacts) -> None:
    body = requests.own_sbc()
    (warning,) = read_request(body).warnings
    assert "names 6 service verification lines for Operator Connect; 2 are usual" in warning
    body["services"]["operatorConnect"]["testLines"] = requests.lines("OC", 2, 701)
    assert read_request(body).warnings == ()
    assert read_request({**requests.own_sbc(), "environment": "lab"}).warnings == ()


def test_what_is_trusted_is_a_setting_shown_with_its_date_and_source(told: OutsideFacts) -> None:
    record = create(sbc(), "ada", NOW).record
    shown = LIBRARY["trust-microsoft-roots"].instructions(record)
    assert "(as of 2 March 2027, by MC1; compare" in shown.actions[0]
    assert [v.text for v in shown.values] == ["Root G9", "52.112.0.0/14", "52.120.0.0/14"]


def test_whoever_publishes_the_txt_record_is_known() -> None:
    assert sbc().txt_record_for.email == "hostmaster@contoso.com"
    by_us = sbc(dns={"server": "corp"})
    assert (by_us.txt_record_for.name, by_us.publishing) == ("Onboarding partner", by_us.dns)


def test_what_was_accepted_stays_readable() -> None:
    stored = sbc().to_json()
    stored["gateway"]["trunks"][0]["fqdn"] = "sbc1.contoso.onmicrosoft.com"
    stored["gateway"]["domain"] = "contoso.onmicrosoft.com"
    kept = SessionBorderControllerRequest.model_validate(stored, context=STORED)
    assert kept.gateway.domain == "contoso.onmicrosoft.com"


def test_requests_of_before_stay_valid() -> None:
    assert read_request(requests.operator_connect()).gateway.kind == "communications-gateway"
    assert read_request(requests.operator_connect()).warnings == ()
    assert read_request(requests.operator_connect()).client_id is None
