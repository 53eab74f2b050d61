"""A mail on a telephone: as wide as the screen, whatever is in it (issue 17, 3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page

from onboarding.azure.mail_page import mail_html
from onboarding.core.notices import NoticeKind
from onboarding.core.plan import Party
from onboarding.core.record import Notice, Problem
from onboarding.notices.deliveries import Delivery
from onboarding.notices.notification import notification
from onboarding.ports import Notification, Sender
from tests.support.records import NOW, after

WIDTH = 320
LONG = "x" * 120
TEAM = Delivery("email", ("team@example.com",), outside=True, waited_on=Party.ONBOARDING_TEAM)
OWN = Delivery("email", (f"{'voice-operations-' * 4}@contoso.com",))
SENDER = Sender("Contoso Telecommunications International", f"{'voice.operations.' * 3}x@contoso.com")


def mail(step: str, way: Delivery, kind: NoticeKind = NoticeKind.CHECKPOINT_OPENED) -> Notification:
    record = after(step)
    problem = Problem(code="refused", seen=f"ARM answered 403 for /subscriptions/{LONG}/resourceGroups/{LONG}.")
    steps = tuple(s.model_copy(update={"problem": problem}) if s.name == step else s for s in record.steps)
    notice = Notice(id="n", kind=kind, step=step, owed_since=NOW, next_attempt_at=None, ticket=1)
    return notification(
        notice,
        record.model_copy(update={"steps": steps}),
        way,
        told=(OWN, TEAM),
        link=f"https://onboarding.contoso.com/api/links#{LONG}",
        good_until=NOW + timedelta(days=30),
        sender=SENDER,
    )


MAILS = {
    "outside": mail("operator-information", TEAM),
    "values": mail("portal-access", OWN),
    "problem": mail("enable-services", OWN, NoticeKind.NEEDS_ATTENTION),
    "one long word of each": Notification(
        LONG, (("Environment", LONG),), (LONG,), f"https://x.example/{LONG}", LONG, (LONG,), (("Value", LONG),), LONG,
        ((LONG, LONG),), (LONG,), (LONG,), LONG,
    ),
}  # fmt: skip


@pytest.fixture
def phone(browser: Browser) -> Page:
    return browser.new_context(viewport={"width": WIDTH, "height": 640}, is_mobile=True).new_page()


@pytest.mark.parametrize("what", MAILS)
def test_a_mail_at_320_px_does_not_scroll_sideways(what: str, phone: Page) -> None:
    phone.set_content(mail_html(MAILS[what]))
    assert phone.evaluate("document.documentElement.scrollWidth") <= WIDTH
    assert phone.evaluate("window.innerWidth") <= WIDTH, "the telephone would zoom out"
    phone.context.close()
