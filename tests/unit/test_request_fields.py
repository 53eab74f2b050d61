"""A form and a table are made of a request's model: what stands in it is asked for, and nothing is said twice."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from onboarding.core.reasons import InvalidRequestError, Reason
from onboarding.core.request_fields import (
    AskedField,
    AskedPart,
    Shape,
    asked_of,
    columns_explained,
    columns_of,
    name_in_words,
    one_of_many,
)
from onboarding.core.written_request import (
    body_of,
    compacted,
    empty,
    is_blank,
    places_of,
    read_typed,
    with_row,
    without_row,
    written_of,
    wrong_of,
)
from onboarding.http.meanings import meaning_of
from onboarding.kinds import KINDS, read_request
from onboarding.kinds.examples import LAB_BOTH_SERVICES, OPERATOR_CONNECT, OWN_SBC

SBC = asked_of(KINDS["session-border-controller"], meaning_of)
ACG = asked_of(KINDS["communications-gateway"], meaning_of)
EXAMPLES = [(SBC, OWN_SBC), (ACG, OPERATOR_CONNECT), (ACG, LAB_BOTH_SERVICES)]
PORT = "gateway.trunks[0].port"


def fields(part: AskedPart) -> Iterator[AskedField]:
    for node in part.inner:
        if isinstance(node, AskedPart):
            yield from fields(node)
        else:
            yield node


def typed_of(part: AskedPart, body: Any) -> dict[str, str]:
    """What a browser sends of a form that is filled in so."""
    sent: dict[str, str] = {}

    def walk(inner: AskedPart, written: Any, at: str) -> None:
        for node in inner.inner:
            name, value = f"{at}.{node.name}".lstrip("."), written[node.name]
            if isinstance(node, AskedPart):
                for i, each in enumerate(value if node.many else [value]):
                    walk(node, each, f"{name}[{i}]" if node.many else name)
            elif node.shape is Shape.FLAG:
                sent.update({name: "on"} if value else {})
            elif node.shape is Shape.CHOICES:
                sent.update({f"{name}#{each}": "on" for each in value})
            elif node.shape is not Shape.FIXED:
                sent[name] = value.replace("\n", "\r\n")

    walk(part, written_of(part, body)[0], "")
    return sent


@pytest.mark.parametrize("part", [SBC, ACG], ids=list(KINDS))
def test_every_field_of_a_kind_has_a_label_and_says_what_it_means_and_expects(part: AskedPart) -> None:
    found = list(fields(part))
    assert len(found) > 15
    for one in found:
        assert one.label[0].isupper()
        assert one.help
        assert one.words
    assert {one.shape for one in found} >= {Shape.TEXT, Shape.FLAG, Shape.CHOICE, Shape.LINES, Shape.FIXED}
    assert [name for name, _, _ in columns_explained(part)] == list(columns_of(part))


def test_what_a_field_is_follows_from_its_type() -> None:
    gateway = SBC.find("gateway")
    assert isinstance(gateway, AskedPart)
    trunks = gateway.find("trunks")
    assert isinstance(trunks, AskedPart)
    assert (trunks.many, trunks.most, trunks.must) == (True, 20, True)
    by_path = dict(zip(columns_of(SBC), fields(SBC), strict=True))
    assert by_path["gateway.trunks.port"].shape is Shape.NUMBER
    assert (by_path["gateway.hosting"].shape, by_path["gateway.hosting"].default) == (Shape.CHOICE, "own")
    assert by_path["application.roles"].shape is Shape.CHOICES
    assert by_path["application.roles"].label_of("Data.Read") == "Data.Read"
    assert by_path["certificate"].shape is Shape.LONG
    assert (by_path["notify.teams"].default, by_path["byHand"].default) == (True, False)
    services = SBC.find("services")
    assert isinstance(services, AskedPart)
    assert (services.must, services.find("operatorConnect").must) == (True, False)
    with pytest.raises(StopIteration):
        SBC.find("nothing")


def test_labels_are_the_words_of_names() -> None:
    names = ("phoneNumber", "fqdn", "clientId", "operatorConnect", "emails", "integratedMcp", "onPremisesMcp")
    assert [name_in_words(name) for name in names] == [
        "Phone number",
        "FQDN",
        "Client ID",
        "Operator Connect",
        "E-mails",
        "Integrated MCP",
        "On premises MCP",
    ]
    assert one_of_many("testLines") == "Test line"


@pytest.mark.parametrize(("part", "body"), EXAMPLES)
def test_a_request_comes_through_a_form_as_it_is(part: AskedPart, body: dict[str, Any]) -> None:
    written, lost = written_of(part, body)
    assert lost == ()
    again = read_typed(part, typed_of(part, body))
    assert again == written
    assert read_request(body_of(part, again)) == read_request(body)
    # As it is kept, with the defaults.
    whole = read_request(body).to_json()
    assert read_request(body_of(part, written_of(part, whole)[0])) == read_request(body)


def test_what_a_form_has_no_place_for_is_named() -> None:
    body = copy.deepcopy(OWN_SBC)
    body["colour"] = "blue"
    body["gateway"]["trunks"][0] = "sbc1"
    body["gateway"]["trunks"][1]["weight"] = 1
    body["services"]["operatorConnect"]["testLines"] = {}
    body["adminUser"] = ["ada"]
    body["byHand"] = "yes"
    body["notify"]["emails"] = ["one\ntwo"]
    body["onboardingTeam"]["name"] = "one\ntwo"
    body["certificate"] = 7
    body["application"]["roles"] = "Data.Read"
    _, lost = written_of(SBC, body)
    assert set(lost) == {
        "colour",
        "gateway.trunks[0]",
        "gateway.trunks[1].weight",
        "services.operatorConnect.testLines",
        "adminUser",
        "byHand",
        "notify.emails",
        "onboardingTeam.name",
        "certificate",
        "application.roles",
    }
    assert written_of(SBC, [])[1] == ("(body)",)
    assert written_of(SBC, {"gateway": {"trunks": [{"port": True}]}})[1] == ("gateway.trunks[0].port",)


def test_an_empty_form_asks_for_what_is_needed_and_for_nothing_else() -> None:
    written = empty(SBC)
    body = body_of(SBC, written)
    with pytest.raises(InvalidRequestError) as refused:
        read_request(body)
    wrong = wrong_of(places_of(SBC, written), refused.value.reasons)
    assert set(wrong) == {
        "gateway.name",
        "gateway.domain",
        "gateway.trunks",
        "services",
        "adminUser",
        "onboardingTeam.name",
        "onboardingTeam.email",
        "application.clientId",
        "dns",
    }
    assert wrong["gateway.trunks"] == "Trunks: at least one is needed."
    assert wrong["gateway.domain"] == "Domain is needed: a domain name, such as voice.contoso.com."


def test_an_optional_part_is_left_out_until_something_stands_in_it() -> None:
    written = empty(SBC)
    assert "owner" not in body_of(SBC, written)["dns"]
    assert "operatorConnect" not in body_of(SBC, written)["services"]
    written["dns"]["owner"]["name"] = " Hostmaster "
    assert body_of(SBC, written)["dns"] == {"owner": {"name": "Hostmaster"}}
    service = SBC.find("services")
    assert isinstance(service, AskedPart)
    assert is_blank(service, written["services"])
    written["services"]["operatorConnect"]["testLines"].append({"name": "OC1", "phoneNumber": ""})
    sent = body_of(SBC, written)["services"]
    assert sent == {"operatorConnect": {"testLines": [{"name": "OC1"}], "integrationTestNumbers": []}}


def test_rows_are_added_and_removed_and_empty_ones_are_left_out() -> None:
    written, _ = written_of(SBC, OWN_SBC)
    more = with_row(SBC, with_row(SBC, written, "gateway.trunks"), "services.operatorConnect.testLines")
    assert [trunk["fqdn"][:4] for trunk in more["gateway"]["trunks"]] == ["sbc1", "sbc2", ""]
    assert compacted(SBC, more) == written
    less = without_row(SBC, written, "gateway.trunks", 0)
    assert [trunk["fqdn"][:4] for trunk in less["gateway"]["trunks"]] == ["sbc2"]
    assert without_row(SBC, written, "gateway.trunks", 7) == written
    assert with_row(SBC, written, "gateway.domain") == written
    full = written
    for _ in range(30):
        full = with_row(SBC, full, "gateway.trunks")
    assert len(full["gateway"]["trunks"]) == 20


def test_what_is_wrong_is_told_where_it_stands_in_the_words_of_the_form() -> None:
    body = copy.deepcopy(OWN_SBC)
    body["gateway"]["trunks"][1]["fqdn"] = body["gateway"]["trunks"][0]["fqdn"]
    body["gateway"]["trunks"][0]["port"] = "fifty"
    body["services"]["operatorConnect"]["integrationTestNumbers"] = ["+442079460790", "0790"]
    body["services"]["operatorConnect"]["testLines"][0].pop("name")
    written, lost = written_of(SBC, body)
    assert lost == ()
    with pytest.raises(InvalidRequestError) as refused:
        read_request(body_of(SBC, written))
    wrong = wrong_of(places_of(SBC, written), refused.value.reasons)
    assert wrong[PORT] == "Port must be a whole number of at least 1 and of at most 65535; it is a text."
    assert wrong["gateway.trunks[1].fqdn"] == (
        "FQDN is the name of Gateway, Trunk 1, FQDN too; each trunk has its own."
    )
    numbers = "services.operatorConnect.integrationTestNumbers"
    assert wrong[numbers].startswith("Integration test numbers, line 2, “0790” must be in E.164 form")
    assert wrong["services.operatorConnect.testLines[0].name"].startswith("Name is needed: 3 to 24 letters")
    assert set(wrong) == {PORT, "gateway.trunks[1].fqdn", numbers, "services.operatorConnect.testLines[0].name"}


def test_only_paths_become_labels_and_no_names_of_hosts() -> None:
    body = copy.deepcopy(OWN_SBC)
    body["gateway"]["trunks"][0]["fqdn"] = "gateway.example.com"
    numbers = body["services"]["operatorConnect"]["integrationTestNumbers"]
    numbers.append(numbers[0])
    written, _ = written_of(SBC, body)
    with pytest.raises(InvalidRequestError) as refused:
        read_request(body_of(SBC, written))
    wrong = wrong_of(places_of(SBC, written), refused.value.reasons)
    fqdn = wrong["gateway.trunks[0].fqdn"]
    assert "is not below Gateway, Domain (voice.contoso.example)" in fqdn
    assert "may be example.com" in fqdn
    assert wrong["services.operatorConnect.integrationTestNumbers"] == (
        "Integration test numbers, line 2, “+442079460790” stands at Services, Operator Connect, Integration test"
        " numbers, line 1 too."
    )


def test_what_belongs_to_no_place_of_the_form_is_told_all_the_same() -> None:
    places = places_of(SBC, empty(SBC))
    wrong = wrong_of(
        places,
        [
            Reason("colour", "extra_forbidden", "blue", "is no field here"),
            Reason("gateway.colour", "extra_forbidden", "blue", "is no field here"),
            Reason("services.operatorConnect.integrationTestNumbers", "too_short", 0, "has 0 items"),
        ],
    )
    assert wrong == {
        "": "Colour: is no field here (seen: blue).",
        "gateway": "Gateway is no field here.",
        "services.operatorConnect.integrationTestNumbers": (
            "Integration test numbers is needed: a phone number in E.164 form, such as +442079460101, each in a line of"
            " its own."
        ),
    }


def test_a_choice_that_there_is_not_stays_as_it_was_given() -> None:
    written, lost = written_of(SBC, {**OWN_SBC, "environment": "test", "application": {"roles": ["Admin"]}})
    assert lost == ()
    assert written["environment"] == "test"
    assert written["application"]["roles"] == ["Admin"]
    assert read_typed(SBC, typed_of(SBC, {"application": {"roles": ["Admin"]}}))["application"]["roles"] == ["Admin"]


def test_numbers_that_are_none_stay_texts_and_blanks_are_left_out() -> None:
    written = empty(SBC)
    written["gateway"]["trunks"] = [{"fqdn": "", "port": port, "region": ""} for port in ("5061", "٥", "1" * 12, " ")]
    assert [trunk.get("port") for trunk in body_of(SBC, written)["gateway"]["trunks"]] == [5061, "٥", "1" * 12, None]
