"""E-mail through simulated Microsoft Graph, and posts to a simulated Teams webhook, over HTTPS."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from onboarding.azure.mail_page import mail_html, mail_text, subject
from onboarding.azure.notifier import AzureNotifier, webhook_problem
from onboarding.azure.plain import one_line
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, TryLaterError
from onboarding.memory import MemoryWorld
from onboarding.ports import Notification
from onboarding.settings import Settings
from onboarding.steps.add_domain import DomainFound
from onboarding.steps.share_txt_record import message as txt_record_words
from tests.support import requests
from tests.support.adapters import Adapters, connected
from tests.support.records import after
from tests.support.system import System
from tests.twins.notifier import MESSAGE, NotifierBehaviour

SENDER = "onboarding@contoso.com"
HOSTS = (".environment.api.powerplatform.com", ".logic.azure.com", "127.0.0.1")


@pytest.fixture
async def microsoft(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Adapters]:
    async with connected(monkeypatch) as adapters:
        yield adapters


@pytest.fixture
def configured(microsoft: Adapters) -> Settings:
    url = SecretStr(microsoft.microsoft.teams_url)
    changes = {"mail_sender": SENDER, "teams_webhook_url": url, "teams_hosts": ("127.0.0.1",)}
    return microsoft.settings.model_copy(update=changes)


@pytest.fixture
async def notifier(microsoft: Adapters, configured: Settings) -> AsyncIterator[AzureNotifier]:
    made = AzureNotifier(configured, microsoft.mail.send_mail)
    yield made
    await made.close()


@pytest.fixture
def secret(configured: Settings) -> str:
    """The part of the URL that must never be seen."""
    assert configured.teams_webhook_url is not None
    return configured.teams_webhook_url.get_secret_value().rpartition("sig=")[2]


class Reached:
    """What came to the simulated mailbox and channel."""

    def __init__(self, adapters: Adapters) -> None:
        self._world = adapters.world

    def mailed(self) -> list[tuple[tuple[str, ...], str]]:
        return [(tuple(mail.recipients), mail.subject) for mail in self._world.mailbox.mails]

    def posted(self) -> list[str]:
        cards = [m["message"]["attachments"][0]["content"] for m in self._world.channel.messages]
        return [card["body"][0]["text"] for card in cards]

    def refuse(self, address: str) -> None:
        self._world.options.unresolved_recipients.append(address)


class TestAzureNotifier(NotifierBehaviour):
    @pytest.fixture
    def people(self, microsoft: Adapters) -> Reached:
        return Reached(microsoft)

    @pytest.fixture
    def silent(self, microsoft: Adapters) -> AzureNotifier:
        return AzureNotifier(microsoft.settings, microsoft.mail.send_mail)


async def test_the_card_is_one_that_teams_shows(notifier: AzureNotifier, microsoft: Adapters) -> None:
    await notifier.teams(MESSAGE)
    (posted,) = microsoft.world.channel.messages
    card = posted["message"]["attachments"][0]["content"]
    assert card["actions"][0]["url"] == MESSAGE.link
    assert microsoft.violations() == []


@pytest.mark.parametrize(
    ("status", "code"), [(429, ProblemCode.THROTTLED), (503, ProblemCode.OUTAGE), (500, ProblemCode.OUTAGE)]
)
async def test_a_busy_webhook_is_tried_later(
    notifier: AzureNotifier, microsoft: Adapters, status: int, code: ProblemCode
) -> None:
    microsoft.fail(service="teams", kind="status", status=status, retryAfter=7)
    with pytest.raises(TryLaterError, match=f"The Teams webhook answered {status}") as caught:
        await notifier.teams(MESSAGE)
    assert (caught.value.code, caught.value.retry_after) == (code, 7)
    assert len(microsoft.sent("teams")) == 1


@pytest.mark.parametrize("status", [302, 400, 401, 404, 413])
async def test_a_webhook_that_refuses_needs_a_person(notifier: AzureNotifier, microsoft: Adapters, status: int) -> None:
    microsoft.fail(service="teams", kind="status", status=status)
    with pytest.raises(PersonMustActError, match=f"answered {status}") as caught:
        await notifier.teams(MESSAGE)
    assert "ONBOARDING_TEAMS_WEBHOOK_URL" in caught.value.what_next
    assert len(microsoft.sent("teams")) == 1


async def test_a_lost_connection_is_tried_later(notifier: AzureNotifier, microsoft: Adapters) -> None:
    microsoft.fail(service="teams", kind="cut")
    with pytest.raises(TryLaterError, match="could not be reached"):
        await notifier.teams(MESSAGE)


async def test_silence_is_tried_later(
    notifier: AzureNotifier, microsoft: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onboarding.azure.https_post.POST_TIMEOUT", 0.2)
    microsoft.fail(service="teams", kind="hang")
    with pytest.raises(TryLaterError, match="no answer in time"):
        await notifier.teams(MESSAGE)


@pytest.mark.parametrize(
    "fault", [None, {"kind": "cut"}, {"kind": "status", "status": 401}, {"kind": "status", "status": 503}]
)
async def test_the_url_is_in_no_error_and_no_log(
    notifier: AzureNotifier,
    microsoft: Adapters,
    secret: str,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, object] | None,
) -> None:
    caplog.set_level(logging.DEBUG, "httpx")
    caplog.set_level(logging.DEBUG, "httpcore")
    caplog.set_level(logging.DEBUG, "onboarding")
    caplog.set_level(logging.DEBUG, "asyncio")
    shown = repr(notifier) + repr(vars(notifier))
    if fault:
        microsoft.fail(service="teams", **fault)
        with pytest.raises((TryLaterError, PersonMustActError)) as caught:
            await notifier.teams(MESSAGE)
        shown += "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caught.value.what_next
    else:
        assert await notifier.teams(MESSAGE)
    assert len(microsoft.sent("teams")) == 1
    assert len(secret) > 8
    assert secret not in shown + caplog.text
    assert "/workflows/" not in shown + caplog.text


async def test_a_webhook_with_a_certificate_of_a_stranger_gets_nothing(
    microsoft: Adapters, configured: Settings, secret: str
) -> None:
    stranger = AzureNotifier(configured.model_copy(update={"ca_file": None}), microsoft.mail.send_mail)
    with pytest.raises(TryLaterError, match="could not be reached") as caught:
        await stranger.teams(MESSAGE)
    await stranger.close()
    assert secret not in "".join(traceback.format_exception(caught.value))
    assert microsoft.world.channel.messages == []


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://x.environment.api.powerplatform.com:443/workflows/1?sig=s", None),
        ("https://PROD-1.westeurope.Logic.Azure.com./x?sig=s", None),
        ("https://127.0.0.1:7445/x?sig=s", None),
        ("http://x.logic.azure.com/x?sig=s", "does not begin with https://"),
        ("https://logic.azure.com/x?sig=s", "the host of"),
        ("https://evil-logic.azure.com/x?sig=s", "the host of"),
        ("https://x.logic.azure.com.evil.example/x?sig=s", "the host of"),
        ("https://x.logic.azure.com@evil.example/x?sig=s", "user name or password"),
        ("https://evil.example/x.logic.azure.com?sig=s", "the host of"),
        ("https://169.254.169.254/metadata?sig=s", "the host of"),
        ("https://[::1/x?sig=s", "is not a URL"),
        ("https://x.logic.azure.com:port/x?sig=s", "is not a URL"),
        ("https:///x?sig=s", "is not a URL"),
        ("https://[::ffff:127.0.0.1%25.logic.azure.com]/x?sig=s", "is not a URL"),
        ("https://[::1]/x?sig=s", "is not a URL"),
        ("https://[v1.logic.azure.com]/x?sig=s", "is not a URL"),
        (" https://x.logic.azure.com/x?sig=s", "does not begin with https://"),
        ("\x00https://x.logic.azure.com/x?sig=s", "does not begin with https://"),
        ("https:// x.logic.azure.com/x?sig=s", "is not a URL"),
        ("https://x.logic.azure.com/x?sig=s ", "is not a URL"),
        ("https://x.logic.azure.com/x?sig=s\n", "is not a URL"),
        ("https://evil.example\t.logic.azure.com/x?sig=s", "is not a URL"),
        ("https://evil.example\\.logic.azure.com/x?sig=s", "is not a URL"),
        ("https://evil.example\\@x.logic.azure.com/x?sig=s", "user name or password"),
        ("https://evil.example%2f.logic.azure.com/x?sig=s", "is not a URL"),
        ("https://evil.example#.logic.azure.com/x?sig=s", "is not a URL"),
        ("https://evil.example\u3002x.logic.azure.com/x?sig=s", "is not a URL"),
        ("https://\u212a.logic.azure.com/x?sig=s", "is not a URL"),
        ("https://x.logic.azure.com\uff0fx?sig=s", "is not a URL"),
        ("https://x..logic.azure.com/x?sig=s", "is not a URL"),
        ("https://-x.logic.azure.com/x?sig=s", "is not a URL"),
        ("https://x.logic.azure.com:0/x?sig=s", "is not a URL"),
        ("https://x.logic.azure.com:99999/x?sig=s", "is not a URL"),
        ("https://x.logic.azure.com:\u0664\u0664\u0663/x?sig=s", "is not a URL"),
        ("https:/x.logic.azure.com/x?sig=s", "does not begin with https://"),
        ("https:x.logic.azure.com/x?sig=s", "does not begin with https://"),
        ("", "does not begin with https://"),
    ],
)
def test_where_a_webhook_may_be(url: str, problem: str | None) -> None:
    found = webhook_problem(url, HOSTS)
    assert found is None if problem is None else problem in str(found)
    assert "sig=" not in str(found)


@given(st.one_of(st.text(), st.from_regex(r"https://[^/]*\.logic\.azure\.com[^a-z]*.*")))
def test_a_webhook_that_is_called_is_on_one_of_the_hosts(url: str) -> None:
    if webhook_problem(url, HOSTS) is None:
        called = httpx.URL(url)
        assert called.scheme == "https"
        assert called.userinfo == b""
        assert called.host.rstrip(".").endswith(HOSTS)


async def test_a_webhook_elsewhere_is_never_called(microsoft: Adapters, configured: Settings) -> None:
    elsewhere = AzureNotifier(
        configured.model_copy(update={"teams_hosts": (".logic.azure.com",)}), microsoft.mail.send_mail
    )
    with pytest.raises(PersonMustActError, match=r"none of \.logic\.azure\.com"):
        await elsewhere.teams(MESSAGE)
    assert microsoft.sent("teams") == []


async def test_a_mail_is_sent_as_the_configured_mailbox(microsoft: Adapters, configured: Settings) -> None:
    sent: list[tuple[str, Sequence[str], str, str, str]] = []

    async def send_mail(
        sender: str, to: Sequence[str], subject: str, text: str, html: str, reply_to: str = ""
    ) -> None:
        sent.append((sender, to, subject, text, html))

    message = Notification("contoso\r\nBcc: evil@example.com " + "x" * 300)
    assert await AzureNotifier(configured, send_mail).mail(("a@contoso.com",), message)
    ((sender, to, subject, _, _),) = sent
    assert (sender, to) == (SENDER, ("a@contoso.com",))
    assert subject.startswith("contoso Bcc: evil")
    assert len(subject) == 255


async def test_a_mail_arrives_as_text_and_as_html_with_the_same_words(
    notifier: AzureNotifier, microsoft: Adapters
) -> None:
    assert await notifier.mail(("a@contoso.com", "b@contoso.com"), MESSAGE)
    (mail,) = microsoft.world.mailbox.mails
    assert (mail.sender, mail.recipients) == (SENDER, ["a@contoso.com", "b@contoso.com"])
    assert mail.text == mail_text(MESSAGE)
    assert mail.html.rstrip("\n") == mail_html(MESSAGE)
    assert microsoft.violations() == []


@pytest.mark.parametrize(
    "title",
    ["x\r\nBcc: evil@example.com", "x\nTo: evil@example.com", "Grüße\u2028Bcc: e@x.example", "\x00\x1b x\ud800"],
)
async def test_a_title_can_not_add_headers(notifier: AzureNotifier, microsoft: Adapters, title: str) -> None:
    assert await notifier.mail(("a@contoso.com",), Notification(title))
    (mail,) = microsoft.world.mailbox.mails
    assert mail.recipients == ["a@contoso.com"]
    assert mail.subject == one_line(title)


async def test_a_long_title_in_any_script_stays_one_subject(notifier: AzureNotifier, microsoft: Adapters) -> None:
    title = "日本語 тест 🎉 " * 40
    assert await notifier.mail(("a@contoso.com",), Notification(title))
    (mail,) = microsoft.world.mailbox.mails
    assert mail.subject == subject(Notification(title))
    assert len(mail.subject) == 255


async def test_the_onboarding_team_finds_the_txt_record_in_its_mail(
    notifier: AzureNotifier, microsoft: Adapters
) -> None:
    domain = await microsoft.directory.add_domain("0123456789abcdef.commsgw.azure.com")
    assert domain is not None
    assert domain.txt_record is not None
    txt = domain.txt_record
    record, found = after("share-txt-record"), DomainFound(txt_record=txt)
    assert await notifier.mail(("team@example.com",), txt_record_words(record, found))
    (mail,) = microsoft.world.mailbox.mails
    for part in (mail.text, mail.html):
        assert not [v for v in (txt.name, "TXT", txt.value, f"{txt.ttl} seconds") if v not in part]
    assert [(plan.name, plan.value) for plan in microsoft.world.records.planned] == [(txt.name, txt.value)]
    assert microsoft.violations() == []


@pytest.mark.parametrize("variant", ["quoted", "double-quoted", "unnamed", "smtp-address"])
async def test_an_address_that_exchange_refuses_costs_only_itself_and_is_named_on_the_record(
    microsoft: Adapters, notifier: AzureNotifier, variant: str
) -> None:
    """The engine with the genuine Graph SDK; Exchange refuses one of the addresses that an escalation goes to."""
    microsoft.world.options.update({"unresolvedRecipients": ["bad@contoso.com"], "recipientRefusal": variant})
    outside = MemoryWorld()
    outside.notifier = notifier  # type: ignore[assignment]
    system = System(outside=outside)
    people = {"emails": ["a@contoso.com", "Bad@contoso.com"], "escalateTo": "head@contoso.com", "teams": False}
    request = requests.parsed(requests.operator_connect(alreadyOnboarded=True, notify=people))
    record = (await system.request(request)).record
    while not any(n.kind == "escalation" for n in (await system.record(record.id)).notices):
        await system.deliver()
        await system.tick(86_400)
    for _ in range(4):
        await system.deliver()
        await system.tick(7_200)
    mailed = [mail.recipients for mail in microsoft.world.mailbox.mails]
    told = [address for to in mailed for address in to]
    notices = [n for n in (await system.record(record.id)).notices if n.sent]
    assert notices
    assert told.count("head@contoso.com") == 1
    assert told.count("a@contoso.com") == len(notices)
    assert "Bad@contoso.com" not in told
    for notice in notices:
        assert notice.problem is not None
        assert (notice.problem.code, "Bad@contoso.com" in notice.problem.seen) == (ProblemCode.ADDRESS_REFUSED, True)
        assert "a@contoso.com," not in notice.problem.seen.partition(":")[0]
