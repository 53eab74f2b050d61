"""Tables of requests, as spreadsheets write them: separators, byte-order marks, numbers that lost their plus."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from onboarding.core.reasons import InvalidRequestError
from onboarding.core.request_csv import (
    MOST_CSV_LINES,
    MOST_REQUESTS,
    CsvError,
    CsvRequest,
    csv_of,
    decoded_csv,
    read_csv,
)
from onboarding.kinds import KINDS, read_request
from onboarding.kinds.examples import LAB_BOTH_SERVICES, OPERATOR_CONNECT, OWN_SBC
from onboarding.pages.request_shown import asked_by

SBC = asked_by("session-border-controller")
ACG = asked_by("communications-gateway")
HEADING = "gateway.name,gateway.domain,gateway.trunks.fqdn,gateway.trunks.port,notify.emails,byHand"


def body(name: str, domain: str) -> dict[str, Any]:
    made = copy.deepcopy(OWN_SBC)
    made["gateway"] = {**made["gateway"], "name": name, "domain": domain}
    for i, trunk in enumerate(made["gateway"]["trunks"]):
        trunk["fqdn"] = f"sbc{i}.{domain}"
    return made


def read(text: str) -> list[CsvRequest]:
    return read_csv(SBC, text)


def refused(text: str) -> str:
    with pytest.raises(CsvError) as error:
        read(text)
    return str(error.value)


def told(one: CsvRequest) -> list[tuple[int, str, str]]:
    with pytest.raises(InvalidRequestError) as error:
        read_request(one.body)
    return [one.told(reason) for reason in error.value.reasons]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_excel_writes_is_read(separator: str, encoding: str) -> None:
    asked = [body("contoso-1", "voice.contoso.example"), body("contoso-2", "voice.fabrikam.example")]
    asked[0]["onboardingTeam"]["name"] = 'Büro "Süd", A; B'
    content = csv_of(SBC, asked, separator).decode("utf-8-sig").encode(encoding)
    found = read(decoded_csv(content))
    assert [read_request(one.body) for one in found] == [read_request(one) for one in asked]
    assert [(one.line, one.last) for one in found] == [(2, 8), (9, 15)]


@pytest.mark.parametrize("example", [OPERATOR_CONNECT, LAB_BOTH_SERVICES])
def test_the_other_kind_is_read_as_well(example: dict[str, Any]) -> None:
    (one,) = read_csv(ACG, decoded_csv(csv_of(ACG, [example])))
    assert read_request(one.body) == read_request(example)


@pytest.mark.parametrize("kind", list(KINDS))
def test_numbers_of_a_template_are_texts_for_excel(kind: str) -> None:
    example = OWN_SBC if kind == OWN_SBC["gateway"]["kind"] else OPERATOR_CONNECT
    text = csv_of(asked_by(kind), [example]).decode("utf-8-sig")
    assert text.count('"=""+44') == 7
    assert ",+44" not in text


@pytest.mark.parametrize("lost", ["442079460703", "4,42079E+11", "4.42079E+11"])
def test_a_number_that_lost_its_plus_is_told_of_with_what_to_do(lost: str) -> None:
    text = decoded_csv(csv_of(SBC, [OWN_SBC], ";")).replace('"=""+442079460703"""', lost)
    ((line, column, why),) = told(read(text)[0])
    assert (line, column) == (4, "services.operatorConnect.testLines.phoneNumber")
    assert why.startswith("must be in E.164 form")
    assert "Excel takes it away" in why
    assert "Format the column as Text" in why
    assert lost in why


def test_a_number_that_is_wrong_otherwise_is_not_blamed_on_excel() -> None:
    text = decoded_csv(csv_of(SBC, [OWN_SBC])).replace("+442079460703", "+44 20 7946 0703")
    ((_, _, why),) = told(read(text)[0])
    assert "Excel" not in why


@pytest.mark.parametrize("written", ["+442079460701", "'+442079460701", '"=""+442079460701"""', " +442079460701 "])
def test_a_number_is_a_text_in_whatever_way_a_spreadsheet_is_told_so(written: str) -> None:
    (one,) = read(f"gateway.name,services.operatorConnect.testLines.phoneNumber\nx,{written}\n")
    assert one.body["services"]["operatorConnect"]["testLines"] == [{"phoneNumber": "+442079460701"}]


def test_what_is_wrong_is_told_by_its_own_line_and_column() -> None:
    text = f"{HEADING}\na1,voice.a.example,sbc1.voice.a.example,5061,a@a.example,\n,,sbc1.b.example,five,nobody,maybe\n"
    (one,) = read(text.replace(",maybe", ","))
    found = {(line, column) for line, column, _ in told(one)}
    assert {(2, "gateway.name"), (3, "gateway.trunks.fqdn"), (3, "gateway.trunks.port"), (3, "notify.emails")} <= found
    assert (2, "dns") in found
    assert (2, "gateway.trunks.region") in found
    assert (3, "gateway.trunks.region") in found


def test_a_line_below_adds_to_the_request_above_and_another_gateway_begins_one() -> None:
    found = read(
        "\n".join(
            (
                "",
                HEADING,
                "a-1,a.example,sbc1.a.example,5061,one@a.example;two@a.example,yes",
                "a-1,a.example,sbc2.a.example,5062,three@a.example,yes",
                ",,,,four@a.example,",
                ",,,,,",
                "b-1,b.example,sbc1.b.example,5061,,no",
            )
        )
    )
    assert [(one.line, one.last) for one in found] == [(3, 5), (7, 7)]
    first, second = (one.body for one in found)
    assert [trunk["port"] for trunk in first["gateway"]["trunks"]] == [5061, 5062]
    assert first["notify"]["emails"] == [f"{n}@a.example" for n in ("one", "two", "three", "four")]
    assert (first["byHand"], second["byHand"]) == (True, False)
    # What is left empty is as by default.
    assert (second["notify"]["teams"], "emails" in second["notify"]) == (True, False)
    assert second["gateway"]["hosting"] == "own"


def test_roles_that_are_given_take_the_place_of_those_by_default() -> None:
    (one,) = read("gateway.name,application.roles\na-1,Data.Read;Data.Write\n,PartnerSettings.Read\n")
    assert one.body["application"]["roles"] == ["Data.Read", "Data.Write", "PartnerSettings.Read"]
    (one,) = read("gateway.name,application.clientId\na-1,x\n")
    assert len(one.body["application"]["roles"]) == 7


def test_a_flag_that_is_neither_is_wrong() -> None:
    (one,) = read("gateway.name,byHand\na-1,perhaps\n")
    assert (2, "byHand", "must be true or false, without quotes; it is a text (seen: perhaps)") in told(one)


def test_the_line_that_tells_excel_the_separator_is_no_heading() -> None:
    (one,) = read(f"sep=;\r\n{HEADING.replace(',', ';')}\r\na-1;a.example;sbc1.a.example;5061;;\r\n")
    assert (one.line, one.body["gateway"]["domain"]) == (3, "a.example")


def test_headings_are_read_in_any_case_and_with_empty_ones_behind() -> None:
    (one,) = read("Gateway.Name,GATEWAY.DOMAIN,,\na-1,a.example,,\n")
    assert (one.body["gateway"]["name"], one.body["gateway"]["domain"]) == ("a-1", "a.example")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "The file is empty."),
        (f"{HEADING}\n\n,,,\n", "no line below"),
        ("gateway.nam\na-1\n", "“gateway.nam” is no column here; did you mean 'gateway.name'?"),
        ("gateway.name,gateway.NAME\na,b\n", "“gateway.name” stands twice"),
        ("x," * 60_000, "The first line names 60000 columns; there are"),
        ("gateway.name\na-1,surplus\n", "Line 2 has 2 cells; 1 columns"),
        (f'{HEADING}\na-1,"not closed\n', "It can't be read from line 2 on"),
        (f'sep=,\n{HEADING}\na-1,"a"b,\n', "It can't be read from line 3 on"),
    ],
)
def test_a_table_that_can_not_be_read_is_refused_with_what_to_look_at(text: str, why: str) -> None:
    assert why in refused(text)


def test_a_file_in_another_encoding_is_refused_and_not_guessed_at() -> None:
    with pytest.raises(CsvError, match=r"not in UTF-8.*CSV UTF-8"):
        decoded_csv("gateway.name\nBüro\n".encode("cp1252"))
    with pytest.raises(CsvError, match="not in UTF-8"):
        decoded_csv(b"\xff\xfe\x00")


def test_how_much_there_may_be_is_bounded() -> None:
    def many(count: int) -> str:
        return "gateway.name\n" + "".join(f"a-{i}\n" for i in range(count))

    assert len(read(many(MOST_REQUESTS))) == MOST_REQUESTS
    assert f"Line {MOST_REQUESTS + 2} begins another request" in refused(many(MOST_REQUESTS + 1))
    assert f"more than {MOST_CSV_LINES} lines" in refused("gateway.name\n" + "\n" * MOST_CSV_LINES + "a\n")
