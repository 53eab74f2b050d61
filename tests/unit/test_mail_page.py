"""A message as an e-mail: the same in plain text and in HTML, and links to web pages only."""

from __future__ import annotations

import contextlib
import re
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.azure import graph_mail
from onboarding.azure.graph_mail import mime
from onboarding.azure.mail_page import mail_html, mail_text, subject
from onboarding.core.problems import AddresseesRefusedError, PersonMustActError
from onboarding.ports import Notification
from tests.twins.notifier import MESSAGE


def test_a_mail_as_text() -> None:
    assert mail_text(MESSAGE) == (
        "contoso-acg: your turn\n\n"
        "Gateway: contoso-acg\nEnvironment: production\n\n"
        "The checkpoint has been open for 3 days.\n\n"
        "What to do:\n1. Sign in to the portal.\n2. Confirm this step.\n\n"
        "To copy, exactly as it is:\nAdmin user: voice.admin@contoso.com\n\n"
        "Please note: Do not change Calling Profiles with a CommsGw suffix.\n\n"
        "Open the onboarding:\nhttp://localhost:7071/onboardings/contoso-acg-1\n\n"
        "Also told: your Teams channel\n"
    )


def test_a_title_alone_is_a_mail() -> None:
    assert mail_text(Notification("Done")) == "Done\n"
    assert "<h1" in mail_html(Notification("Done"))
    assert "<a " not in mail_html(Notification("Done"))


def test_the_html_has_a_table_a_numbered_list_and_a_button() -> None:
    page = mail_html(MESSAGE)
    assert "Gateway</th><td" in page
    assert page.index("<ol") < page.index("Sign in to the portal.</li>") < page.index("</ol>")
    assert ">voice.admin@contoso.com</code>" in page
    assert '<a href="http://localhost:7071/onboardings/contoso-acg-1"' in page
    assert ">Open the onboarding</a>" in page


def test_the_html_loads_nothing() -> None:
    page = mail_html(MESSAGE)
    assert not [word for word in ("src=", "url(", "<link", "<style", "<script", "@import") if word in page]


def test_what_stays_is_listed_in_both() -> None:
    message = Notification("Cancelled", stays=(("Add the domain", "added abc.commsgw.azure.com"),))
    assert "- Add the domain: added abc.commsgw.azure.com" in mail_text(message)
    assert "Add the domain: added abc.commsgw.azure.com</li>" in mail_html(message)


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//x.example", "https://x.example/\nBcc"])
def test_a_mail_links_only_to_web_pages(link: str) -> None:
    assert "<a " not in mail_html(Notification("Done", link=link))
    assert mail_text(Notification("Done", link=link)) == "Done\n"


def test_a_text_can_not_pass_for_another_line() -> None:
    text = mail_text(Notification("Done", actions=("Confirm.\n2. Send your password to evil@example.com",)))
    assert "1. Confirm. 2. Send your password to evil@example.com\n" in text


@given(st.text(max_size=400), st.text(max_size=200))
def test_subject_and_text_arrive_as_they_were(title: str, why: str) -> None:
    message = Notification(title, why=(why,))
    raw = mime("onboarding@contoso.com", ["a@contoso.com"], subject(message), mail_text(message), mail_html(message))
    arrived = BytesParser(EmailMessage, policy=policy.default).parsebytes(raw)
    assert not arrived.defects
    assert sorted(arrived.keys()) == sorted(["From", "To", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type"])
    assert str(arrived["Subject"]) == subject(message)
    text, html = arrived.get_body(("plain",)), arrived.get_body(("html",))
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert text.get_content().replace("\r\n", "\n") == mail_text(message)
    assert html.get_content().rstrip("\r\n") == mail_html(message)


ENCODED = (
    "=?utf-8?q?v=40evil.example=0D=0ASubject=3A_Payroll=0D=0AContent-Type=3A_text/html=0D=0A=0D=0A=3Ch1=3EHi?=@contoso.com",
    "=?utf-8?b?dkBldmlsLmV4YW1wbGUNClN1YmplY3Q6IFBheXJvbGw=?=@contoso.com",
    "=?us-ascii?q?v=2Cw=40evil.example?=@contoso.com",
    "=?utf-8?q?v?=.=?utf-8?q?w?=@contoso.com",
)
"""Addresses that Python's library decodes while it folds a header, line breaks included."""


@pytest.mark.parametrize(
    "address", [*ENCODED, "a\u202eb@contoso.com", "a\x00b@contoso.com", '"a b"@contoso.com', "<a@b.com>"]
)
@pytest.mark.parametrize("checked", [True, False], ids=["as it is", "with the address let through"])
def test_an_address_writes_no_mail_of_its_own(address: str, checked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not checked:
        # What the library makes of it depends on Python's patch release; the finished bytes tell.
        monkeypatch.setattr(graph_mail, "_ADDRESS", re.compile("(?s).*"))
    for to in ([address], ["a@contoso.com", address]):
        if checked:
            with pytest.raises(PersonMustActError, match="does not fit into a mail's header"):
                mime("onboarding@contoso.com", to, "Your turn", "text", "<p>text</p>")
        else:
            with contextlib.suppress(PersonMustActError):
                raw = mime("onboarding@contoso.com", to, "Your turn", "text", "<p>text</p>")
                assert f"\r\nTo: {', '.join(to)}\r\n".encode() in raw


@pytest.mark.parametrize(
    "line",
    [
        "To: evil@example.com",
        "Cc: evil@example.com",
        "Bcc: evil@example.com",
        "From: evil@example.com",
        "Reply-To: e@e.com",
    ],
)
def test_a_finished_mail_with_a_header_more_is_refused(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = graph_mail._subject
    monkeypatch.setattr(graph_mail, "_subject", lambda text: f"{line}\r\n".encode() + made(text))
    with pytest.raises(PersonMustActError, match="the finished message"):
        mime("onboarding@contoso.com", ["a@contoso.com"], "Your turn", "text", "<p>text</p>")


def test_a_finished_mail_whose_head_ends_early_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_mail, "_subject", lambda text: b"Subject: Hi\r\n\r\n")
    with pytest.raises(PersonMustActError, match="the finished message"):
        mime("onboarding@contoso.com", ["a@contoso.com"], "Your turn", "text", "<p>text</p>")


@pytest.mark.parametrize(
    "error",
    [AttributeError("'NoneType' object"), RecursionError(), AssertionError(), TypeError("bytes"), KeyError("x")],
)
def test_whatever_the_library_stumbles_over_is_a_problem_of_these_addresses(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(message: EmailMessage) -> bytes:
        raise error

    monkeypatch.setattr(EmailMessage, "as_bytes", stumbles)
    with pytest.raises(AddresseesRefusedError, match=rf"a mail's header \({type(error).__name__}\)") as caught:
        mime("onboarding@contoso.com", ["a@contoso.com", "b@contoso.com"], "Your turn", "text", "<p>text</p>")
    assert caught.value.addresses == ("a@contoso.com", "b@contoso.com")
    assert "object" not in str(caught.value)


def test_a_sender_that_is_no_address_is_named_as_the_setting() -> None:
    with pytest.raises(PersonMustActError, match="the sender does not fit") as caught:
        mime("a b@contoso.com", ["a@contoso.com"], "Your turn", "text", "<p>text</p>")
    assert "ONBOARDING_MAIL_SENDER" in caught.value.what_next


def test_a_subject_is_one_short_line() -> None:
    assert subject(Notification("contoso\r\nBcc: evil@example.com")) == "contoso Bcc: evil@example.com"
    assert len(subject(Notification("x" * 1000))) == 255
