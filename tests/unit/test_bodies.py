"""What is said of a body that can't be read. Nothing is ever written for one."""

from __future__ import annotations

import json

import azure.functions as func
import pytest

from onboarding.core.reasons import InvalidRequestError
from onboarding.http.bodies import MAX_BODY, read_json, read_object
from onboarding.http.problems import ProblemError


def posted(body: bytes, **headers: str) -> func.HttpRequest:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return func.HttpRequest("POST", "http://localhost/api/onboardings", headers=names, body=body)


def refused(request: func.HttpRequest) -> ProblemError:
    with pytest.raises(ProblemError) as error:
        read_json(request)
    return error.value


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/x-www-form-urlencoded",
        "",
    ],
)
def test_json_is_read_as_programs_and_curl_send_it(content_type: str) -> None:
    assert read_json(posted(b'{"a": 1}', content_type=content_type)) == {"a": 1}


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "samples/"),
        (b"{", "line 1, column 2"),
        (b'{"a": \n 1,}', "line 2"),
        (b"\xff\xfe", "byte 0"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b"[" * 50_000, "nested too deeply"),
    ],
)
def test_malformed_json_is_400_and_says_where(body: bytes, what: str) -> None:
    error = refused(posted(body, content_type="application/json"))
    assert error.status == 400
    assert what in error.detail


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x0b", "\x1b", "\x7f", "\x85", "\x9f"])
@pytest.mark.parametrize("body", ['{"a": "x%sy"}', '{"x%sy": 1}', '[[{"a": ["x%sy"]}]]'])
def test_no_text_of_a_body_holds_a_control_character(character: str, body: str) -> None:
    error = refused(posted((body % f"\\u{ord(character):04x}").encode()))
    assert (error.status, f"U+{ord(character):04X}" in error.detail) == (400, True)


def test_half_of_a_pair_is_no_character() -> None:
    assert "U+D83D" in refused(posted(b'{"a": "\\ud83d"}')).detail
    assert read_json(posted(b'{"a": "\\ud83d\\ude00\\t\\r\\n"}')) == {"a": "\U0001f600\t\r\n"}


def test_a_large_body_is_413_without_being_parsed() -> None:
    error = refused(posted(b"[" * 10_000_000, content_type="application/json"))
    assert error.status == 413
    assert str(MAX_BODY) in error.detail


@pytest.mark.parametrize("content_type", ["text/xml", "multipart/form-data; boundary=x", "text/plain"])
def test_another_content_type_is_415_and_names_both(content_type: str) -> None:
    error = refused(posted(b"{}", content_type=content_type))
    assert error.status == 415
    assert "application/json" in error.detail


def test_a_web_pages_form_is_not_taken_for_curl() -> None:
    error = refused(posted(b"{}", content_type="application/x-www-form-urlencoded", origin="https://evil.example.com"))
    assert error.status == 415


def test_a_small_object_takes_only_its_fields() -> None:
    assert read_object(posted(b""), "note") == {}
    assert read_object(posted(json.dumps({"note": "ok"}).encode()), "note") == {"note": "ok"}
    for body in (b'{"other": "x"}', b'{"note": 1}', b"[]"):
        with pytest.raises(InvalidRequestError):
            read_object(posted(body), "note")
