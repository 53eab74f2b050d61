"""When a phone number is right, when two are the same, and who may insist on one that is not known here."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.azure.gateway_resource import TestLineResource
from onboarding.core.phone_numbers import canonical, is_known, number_problem
from onboarding.core.problems import PersonMustActError
from onboarding.core.reasons import InvalidRequestError
from onboarding.kinds import read_request
from onboarding.steps.add_test_lines import missing_lines
from onboarding.steps.enable_services import desired_properties
from tests.support import requests
from tests.support.http import Api, content

UNKNOWN = ["+19242345678", "+17292345678", "+16792345678"]
"""Of area codes that are newer than the numbering plans which are known here."""
TRUNK_ZERO_KEPT = {
    "+4402079460101": "+442079460101",
    "+4903012345678": "+493012345678",
    "+330123456789": "+33123456789",
    "+610291234567": "+61291234567",
    "+810312345678": "+81312345678",
    "+911123456789": "+911123456789",
}


def refused(body: dict[str, Any]) -> dict[str, tuple[str, str]]:
    with pytest.raises(InvalidRequestError) as error:
        read_request(body)
    return {reason.field: (reason.rule, reason.message) for reason in error.value.reasons}


def with_line(number: str, **changes: Any) -> dict[str, Any]:
    """A request whose first test line has this number."""
    body = requests.lab(**changes)
    body["services"]["operatorConnect"]["testLines"][0]["phoneNumber"] = number
    return body


@pytest.mark.parametrize(("number", "right"), TRUNK_ZERO_KEPT.items())
def test_a_number_with_the_trunk_zero_kept_is_told_as_it_is_to_be_written(number: str, right: str) -> None:
    problem = number_problem(number)
    assert problem is None if number == right else str(problem).startswith(f"must be written as {right}: ")
    assert (canonical(number), number_problem(right), is_known(right)) == (right, None, True)


@pytest.mark.parametrize("number", ["+390612345678", "+5491123456789", "+2250123456789", "+80012345678"])
def test_a_zero_or_digit_that_belongs_to_the_number_stays(number: str) -> None:
    assert (number_problem(number), canonical(number)) == (None, number)


@pytest.mark.parametrize("number", ["+4402079460101", "+44 20 7946 0101", "+44 (0)20 7946-0101"])
def test_an_integration_number_that_is_a_test_lines_is_one_however_it_is_written(number: str) -> None:
    body = requests.lab()
    body["services"]["operatorConnect"]["integrationTestNumbers"] = [number]
    with pytest.raises(InvalidRequestError) as error:
        read_request(body)
    assert "integration_number_is_no_test_line" in {reason.rule for reason in error.value.reasons}


def test_an_integration_number_stands_once() -> None:
    body = requests.lab()
    body["services"]["operatorConnect"]["integrationTestNumbers"] = ["+442079460190", "+442079460290"]
    field = "services.teamsPhoneMobile.integrationTestNumbers[0]"
    where = "services.operatorConnect.integrationTestNumbers[1]"
    assert refused(body)[field] == ("unique_number", f"stands at {where} too")


@pytest.mark.parametrize("there", ["+44-20-7946-0101", "+4402079460101", "442079460101", "+44 (0)20 7946 0101"])
def test_a_number_at_arm_is_the_same_however_it_is_written(there: str) -> None:
    request: Any = requests.parsed(requests.lab())
    found = TestLineResource(name="OC1", phone_number=there, purpose="Automated")
    assert [line.name for line in missing_lines(request, [found])] == ["OC2", "OC3", "TPM1", "TPM2", "TPM3"]
    with pytest.raises(PersonMustActError, match="the number for 'OC1' is the number of line 'X' already"):
        missing_lines(request, [TestLineResource(name="X", phone_number=there, purpose="Automated")])
    with pytest.raises(PersonMustActError, match="'OC1' exists with another number"):
        missing_lines(request, [TestLineResource(name="OC1", phone_number=f"{there}9", purpose="Automated")])


def test_the_voicemails_number_is_changed_only_when_it_is_another() -> None:
    request: Any = requests.parsed(requests.lab())
    for there in ("+442079460299", "+44-20-7946-0299", "+4402079460299"):
        assert "teamsVoicemailPilotNumber" not in desired_properties(request, {"teamsVoicemailPilotNumber": there})
    for there in ("+442079460298", "", None):
        assert "teamsVoicemailPilotNumber" in desired_properties(request, {"teamsVoicemailPilotNumber": there})


@pytest.mark.parametrize("text", ["", "+", "tel:", "no number", "+0044207", "٤٤٢٠٧٩٤٦", "9" * 60_000])
def test_what_is_no_number_is_compared_by_its_digits(text: str) -> None:
    assert canonical(text) == "+" + "".join(c for c in text if c in "0123456789")
    assert number_problem(text) is not None


@pytest.mark.parametrize("number", UNKNOWN)
def test_a_new_area_code_is_taken_only_from_whoever_insists_on_that_number(number: str) -> None:
    field = "services.operatorConnect.testLines[0].phoneNumber"
    rule, message = refused(with_line(number))[field]
    assert rule == "unknown_number"
    assert f'"insistOnNumbers": ["{number}"]' in message
    request = read_request(with_line(number, insistOnNumbers=[number]))
    assert request.insist_on_numbers == (number,)
    others = refused(with_line(number, insistOnNumbers=["+442079460101"]))
    assert others[field][0] == "unknown_number"


@pytest.mark.parametrize("number", ["+4402079460101", "+192423456", "+1924234567890", "+999123456789", "+44 20"])
def test_what_can_be_no_number_is_not_insisted_on(number: str) -> None:
    reasons = refused(with_line(number, insistOnNumbers=[number]))
    field = "services.operatorConnect.testLines[0].phoneNumber"
    assert (reasons[field][0], reasons["insistOnNumbers[0]"][0]) == ("phone_number", "phone_number")


def test_a_number_insisted_on_that_is_none_of_the_request_is_told() -> None:
    rule, message = refused(requests.lab(insistOnNumbers=["+19242345678"]))["insistOnNumbers[0]"]
    assert rule == "insisted_number"
    assert "such as +442079460101" in message


def test_to_insist_on_a_number_that_is_known_by_now_stays_right() -> None:
    known = ["+442079460101", "+442079460190", "+442079460299"]
    assert read_request(requests.lab(insistOnNumbers=known)).insist_on_numbers == tuple(known)


@pytest.mark.parametrize("insisted", [None, "+19242345678", {}, [5], [None]])
def test_what_is_no_list_of_numbers_insists_on_nothing(insisted: Any) -> None:
    assert "services.operatorConnect.testLines[0].phoneNumber" in refused(
        with_line("+19242345678", insistOnNumbers=insisted)
    )


async def test_the_numbers_insisted_on_stand_in_the_answer_and_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(monkeypatch)
    body = with_line("+19242345678", insistOnNumbers=["+19242345678"])
    made = content(await api.post("onboardings", body))
    assert made["request"]["insistOnNumbers"] == ["+19242345678"]
    assert (await api.post("onboardings", body)).status_code == 200
    page = (await api.get(f"dashboard/{made['id']}", accept="text/html")).get_body().decode()
    assert "Numbers insisted on" in page
    assert "+19242345678" in page
    gateway = {**body["gateway"], "name": "other-acg"}
    other = content(await api.post("onboardings", requests.operator_connect(gateway=gateway)))["id"]
    assert "Numbers insisted on" not in (await api.get(f"dashboard/{other}")).get_body().decode()
