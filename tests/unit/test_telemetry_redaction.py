"""What must not be in a log is blotted out, and what people need to read there is not."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Generator

import pytest

from onboarding.telemetry.about import About, about_this
from onboarding.telemetry.logs import redacted
from onboarding.telemetry.redaction import LONGEST_MESSAGE, redactor, secrets
from onboarding.telemetry.triggers import called
from tests.support.telemetry import redacting

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiIxIn0.c2lnbmF0dXJl"
LINK = "WyJjb250b3NvIiwib3BlcmF0b3IiLDMsMTc5MF0.lrW0rUVfJt2hJ8n"

HIDDEN = [
    (f"Authorization: Bearer {JWT}", JWT),
    (f"token={JWT[:40]}", JWT[:20]),
    ("GET https://host/workflows/1?sp=run&sig=Zm9vYmFyYmF6cXV4", "Zm9vYmFyYmF6cXV4"),
    ("Endpoint=sb://x;SharedAccessKeyName=Root;SharedAccessKey=abcdEFGH1234=", "abcdEFGH1234"),
    ("DefaultEndpointsProtocol=https;AccountKey=Eby8vdM02xNOcqFl;", "Eby8vdM02xNOcqFl"),
    ('{"client_secret": "s3cr3tvalue"}', "s3cr3tvalue"),
    ("headers {'X-IDENTITY-HEADER': 'sandbox-identity-header'}", "sandbox-identity-header"),
    (f"GET /api/links/{LINK} answered 200", LINK),
    (f"https://onboarding.contoso.com/api/links#{LINK}", LINK),
    (f"?url=https%3A%2F%2Fonboarding.contoso.com%2Fapi%2Flinks%23{LINK}&data=1", LINK),
    (f"csrf=1&link={LINK}&outcome=confirm", LINK),
    ("voice.admin@contoso.com+ops@contoso.com", "ops@contoso"),
    ("mail to 'voice.admin@contoso.com',ops@contoso.com", "ops@contoso"),
    ("user voice.admin@contoso.com not found", "voice.admin@contoso.com"),
    ("GET /v1.0/users/voice.admin%40contoso.com?$select=id", "voice.admin"),
    ("user john_gmail.com#EXT#@contoso.onmicrosoft.com not found", "john_gmail"),
    ("GET /v1.0/users/john_gmail.com%23EXT%23%40contoso.onmicrosoft.com/x", "john_gmail"),
    ("GET /v1.0/users/john_gmail.com%23EXT%23@contoso.onmicrosoft.com/x", "john_gmail"),
    ("GET /v1.0/users/sean.o%27brien@contoso.com", "sean"),
    ("line +442079460101 is taken", "442079460101"),
    ("call +44 20 7946 0101 now", "7946"),
    ("number=%2B442079460101", "442079460101"),
    ("SharedAccessSignature sr=x&sig=y%3d&se=1", "sr=x"),
]

KEPT = [
    "nothing to do for add-domain of contoso-acg-35667d8eb1 (ticket 12)",
    "at 2026-11-24T23:36:56.123456+00:00",
    "GET /servicePrincipals(appId='{id}') (Microsoft Graph) answered 403 Authorization_RequestDenied [request id 1]",
    "message 00000000-0000-0000-0000-000000000001 of queue add-domain",
    "PUT Microsoft.VoiceServices/communicationsGateways/{gateway}/testLines/{line} -> 200 in 12 ms",
    "asked for a pause; 30 s of it are left",
    "version 1+23 of 4 + 5 = 9",
]


@pytest.mark.parametrize(("text", "secret"), HIDDEN)
def test_what_must_not_be_told_is_blotted_out(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redactor()(text)


@pytest.mark.parametrize("text", KEPT)
def test_what_people_need_stays(text: str) -> None:
    assert redactor()(text) == text


def test_the_settings_own_secrets_are_known_by_their_value() -> None:
    known = secrets(
        {
            "IDENTITY_HEADER": "sandbox-identity-header",
            "ONBOARDING_LINK_KEY": "a key for the sandbox only, not a secret",
            "ServiceBus": "Endpoint=sb://x;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;",
            "ONBOARDING_TEAMS_WEBHOOK_URL": "https://h/w?api-version=1&sig=Zm9v%2FmFy",
            "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=11111111-2222;IngestionEndpoint=https://i",
            "AZURE_CLIENT_SECRET": "",
        }
    )
    redact = redactor(known)
    header, key = "sandbox-identity-header", "a key for the sandbox only, not a secret"
    shown = redact(f"{header}|{key}|SAS_KEY_VALUE|Zm9v/mFy|Zm9v%2FmFy|11111111-2222")
    assert shown == "|".join(["[secret]"] * 6)
    assert redactor(secrets({}))("ordinary words") == "ordinary words"


class SdkError(Exception):
    """Says more than it should."""


def failing(body: str = "hunter2-hunter2") -> None:
    try:
        raise KeyError(f"cause with {JWT}")
    except KeyError as error:
        raise SdkError(f"for voice.admin@contoso.com: {'x' * 500}\n{body}") from error


def test_of_an_exception_type_places_and_the_first_line_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with redacting():
        try:
            failing()
        except SdkError:
            logging.getLogger("onboarding").exception("step of %s failed", "contoso-acg")
    shown = caplog.handler.format(caplog.records[-1])
    assert "step of contoso-acg failed" in shown
    assert "SdkError: for [address]: xxx" in shown
    assert "KeyError: 'cause with [token]" in shown
    assert "in failing" in shown
    for hidden in ("voice.admin", JWT, "hunter2"):
        assert hidden not in shown
    assert "x" * (LONGEST_MESSAGE + 1) not in shown


def test_no_handler_gets_the_exception_itself(caplog: pytest.LogCaptureFixture) -> None:
    with redacting():
        try:
            failing()
        except SdkError as error:
            logging.getLogger("azure.core").warning("%s", error, exc_info=error)
    assert caplog.records[-1].exc_info is None
    assert "voice.admin" not in caplog.text


def test_a_line_says_what_it_is_about(caplog: pytest.LogCaptureFixture) -> None:
    with redacting(), about_this(About("contoso-acg-1", "contoso-acg", "add-domain", 2)):
        logging.getLogger("onboarding").warning("slow")
        with about_this(About("other-1")):
            logging.getLogger("azure.core").warning("retrying")
    assert caplog.messages == [
        "slow [onboarding=contoso-acg-1 gateway=contoso-acg step=add-domain attempt=2]",
        "retrying [onboarding=other-1]",
    ]


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("voice.admin@contoso.com")


def test_a_line_that_cannot_be_made_loses_nothing_but_itself(caplog: pytest.LogCaptureFixture) -> None:
    with redacting():
        logging.getLogger("onboarding").warning("%d and %d", 1)
        logging.getLogger("onboarding").warning("%s", Unprintable())
        assert redacted(ValueError(Unprintable())) == "ValueError: (its message can't be read: RuntimeError)"
    assert all("could not be made" in m for m in caplog.messages)
    assert "voice.admin" not in caplog.text


def test_installing_twice_does_not_redact_twice(caplog: pytest.LogCaptureFixture) -> None:
    with redacting("first-secret"), redacting("second-secret"), about_this(About("contoso-acg-1")):
        logging.getLogger("onboarding").warning("second-secret")
    assert caplog.messages == ["[secret] [onboarding=contoso-acg-1]"]


def test_work_that_is_thrown_away_unfinished_in_another_context_disturbs_nobody() -> None:
    class Never:
        def __await__(self) -> Generator[None, None, None]:
            yield

    async def unfinished() -> None:
        with about_this(About("an-onboarding")):
            await Never()

    work = unfinished()
    contextvars.copy_context().run(work.send, None)
    work.close()


FORGED_LINES = ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1b[2K", "\x1e", "\u202e"]


@pytest.mark.parametrize("between", FORGED_LINES)
def test_no_text_forges_a_line(between: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever of it comes from outside: the text, an argument, what the line is about, an exception's message."""
    hostile = f"x{between}2026-04-01 ERROR all is lost"
    with redacting(), about_this(About("contoso-acg-1", hostile, hostile)):
        logging.getLogger("onboarding").warning("no onboarding %s", hostile)
        logging.getLogger("azure.core").warning(hostile)
        logging.getLogger("onboarding").error("failed: %s", redacted(ValueError(hostile)))
    for message in caplog.messages:
        assert message.isprintable()
        assert len(message.splitlines()) == 1


async def test_what_is_no_id_is_not_what_a_line_is_about(caplog: pytest.LogCaptureFixture) -> None:
    for given, about in (("contoso-acg-0123456789", "onboarding=contoso-acg-0123456789 "), ("x\nvoice@a.com", "")):
        with redacting(), called({}, given, "a-call-1"):
            logging.getLogger("onboarding").warning("slow")
        assert caplog.messages[-1] == f"slow [{about}request=a-call-1]"
