"""The words of notices: each says all that its reader needs, and people outside read nothing internal."""

from __future__ import annotations

import json
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from onboarding.azure.mail_page import mail_html, mail_text, subject
from onboarding.azure.plain import one_line
from onboarding.azure.teams_card import CARD_BYTES, teams_body
from onboarding.core.decide import decide
from onboarding.core.events import Abandoned, CancelRequested, PauseRequested, ProblemReported, ResumeRequested, Started
from onboarding.core.notices import FOR_PROGRAMS, NoticeKind
from onboarding.core.plan import Party, StepKind
from onboarding.core.record import Notice, Pause, Problem, Record, StepState
from onboarding.kinds.communications_gateway import WORDS
from onboarding.notices.deliveries import Delivery
from onboarding.notices.notification import NOBODY_ELSE, notification
from onboarding.notices.occasions import how_long
from onboarding.notices.outside import outside_instructions
from onboarding.notices.what_stays import what_stays
from onboarding.ports import Notification, Sender, TxtRecord
from onboarding.standing import waiting_for
from onboarding.steps import LIBRARY, definition_of
from onboarding.steps.add_domain import DomainFound, domain_findings
from onboarding.steps.assign_admin_user import AdminUserFound
from onboarding.steps.definition import Definition
from onboarding.steps.find_application_id import ApplicationFound
from onboarding.steps.operator_connect import AZURE_COMMUNICATIONS_GATEWAY_APP_ID, PORTAL
from onboarding.steps.share_txt_record import message as txt_record_words
from onboarding.whom import OUTSIDE as PARTIES_OUTSIDE
from tests.support.records import NOW, after, finding, finish, finish_all, new
from tests.support.steps import BY_NAME, CHECKPOINTS, STEPS

LINK = "https://onboarding.contoso.com/api/links/abc"
TXT = TxtRecord(name="abc123.commsgw.azure.com", value="MS=ms12345678", ttl=3600)
APPLICATION_ID = "6b7d9a3e-0f5c-4f4e-8a61-5d6d7b1c2e3f"
OTHERS = (Delivery("teams"), Delivery("email", ("voice-ops@contoso.com", "lead@contoso.com")))
INSIDE = Delivery("email", ("voice-ops@contoso.com",))
OUTSIDE = Delivery("email", ("team@example.com",), outside=True, waited_on=Party.ONBOARDING_TEAM)
ADMIN = Delivery("email", ("voice.admin@contoso.com",), waited_on=Party.ADMIN_USER)
CONTOSO = Sender("Contoso Telecom", "voice@contoso.com")
OF_STEPS = [k for k in NoticeKind if k not in (NoticeKind.COMPLETED, NoticeKind.CANCELLED, *FOR_PROGRAMS)]
CARELESS = MarkdownIt("commonmark").enable(["strikethrough", "table"])

EVERY_CHECKPOINT = pytest.mark.parametrize("step", [s.name for s in CHECKPOINTS])
EVERY_KIND_OF_STEPS = pytest.mark.parametrize("kind", OF_STEPS)


def at(step: str, **changes: Any) -> Record:
    """An onboarding that has come to that step, with everything found."""
    record = finding(after(step), "find-application-id", ApplicationFound(application_id=APPLICATION_ID))
    record = finding(record, "add-domain", DomainFound(domain=TXT.name, txt_record=TXT))
    steps = tuple(s.model_copy(update=changes) if s.name == step else s for s in record.steps)
    return record.model_copy(update={"steps": steps})


def notice(kind: NoticeKind, step: str | None = None, age: timedelta = timedelta(days=3)) -> Notice:
    return Notice(id="n1", kind=kind, step=step, owed_since=NOW + age, next_attempt_at=None, ticket=1)


def said(kind: NoticeKind, record: Record, step: str | None = None, **how: Any) -> Notification:
    more: dict[str, Any] = {"told": OTHERS, "link": LINK, **how}
    return notification(notice(kind, step), record, more.pop("way", INSIDE), **more)


def everything(message: Notification) -> str:
    return json.dumps([getattr(message, name) for name in Notification.__slots__], ensure_ascii=False)


@EVERY_CHECKPOINT
@EVERY_KIND_OF_STEPS
def test_every_notice_of_every_checkpoint_says_everything(kind: NoticeKind, step: str) -> None:
    problem = Problem(code="reported", seen="ada reports: no invitation", what_next="Talk to them.")
    record = at(step, problem=problem)
    message = said(kind, record, step)
    facts = dict(message.facts)
    assert facts["Gateway"] == "contoso-acg"
    assert facts["Environment"] == "production"
    assert facts["Services"] == "Operator Connect"
    assert facts["Step"] == BY_NAME[step].title
    assert facts["Section of Microsoft's article"] == BY_NAME[step].section
    assert "contoso-acg" in message.title
    assert definition_of(record.step(step)).doing(record.step(step)) in message.title
    assert all(message.why)
    assert message.actions
    assert message.link == LINK
    assert message.told == ("your Teams channel", "voice-ops@contoso.com, lead@contoso.com (e-mail)")


@EVERY_CHECKPOINT
@pytest.mark.parametrize("kind", [NoticeKind.CHECKPOINT_OPENED, NoticeKind.REMINDER, NoticeKind.ESCALATION])
def test_what_to_do_is_the_articles_with_exact_values_and_its_warning(kind: NoticeKind, step: str) -> None:
    record = at(step)
    expected = definition_of(record.step(step)).instructions_at(record, record.step(step))
    message = said(kind, record, step)
    assert message.actions[-len(expected.actions) :] == expected.actions
    assert message.values == tuple((v.label, v.text) for v in (*expected.values, *expected.pages))
    assert message.warning == expected.warning
    assert message.link_label == "Confirm or report a problem"


def test_both_application_ids_stand_in_the_notice_to_be_copied() -> None:
    message = said(NoticeKind.CHECKPOINT_OPENED, at("add-application-ids"), "add-application-ids")
    assert [text for _, text in message.values][:2] == [APPLICATION_ID, AZURE_COMMUNICATIONS_GATEWAY_APP_ID]
    assert message.warning == WORDS.warning


def test_who_is_waited_for_stands_by_name() -> None:
    opened = said(NoticeKind.CHECKPOINT_OPENED, at("portal-access"), "portal-access")
    assert "voice.admin@contoso.com (the admin user)" in opened.why[0]
    assert ("Operator Connect portal", PORTAL) in opened.values
    team = said(NoticeKind.REMINDER, at("operator-information"), "operator-information")
    assert "Microsoft onboarding (the onboarding team)" in team.why[0]


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(days=3), "open for 3 days"),
        (timedelta(days=1, hours=5), "open for 1 day."),
        (timedelta(days=14), "open for 14 days"),
        (timedelta(seconds=7300), "open for 2 hours"),
        (timedelta(seconds=60), "open for 1 minute."),
        (timedelta(seconds=2), "open for less than a minute"),
    ],
)
def test_a_reminder_says_how_long_the_checkpoint_has_been_open(age: timedelta, text: str) -> None:
    told = notification(
        notice(NoticeKind.REMINDER, "portal-access", age), at("portal-access"), INSIDE, told=(), link=""
    )
    assert text in told.why[0]


def test_a_clock_that_went_back_is_no_negative_time() -> None:
    assert how_long(timedelta(seconds=-5)) == "less than a minute"


def test_an_escalation_says_why_it_came_to_somebody_else() -> None:
    message = said(NoticeKind.ESCALATION, at("portal-access"), "portal-access")
    assert "past its deadline" in message.why[0]
    assert message.actions[0].startswith("Ask voice.admin@contoso.com (the admin user)")


@pytest.mark.parametrize("step", [s.name for s in STEPS if s.kind is not StepKind.CHECKPOINT])
def test_a_step_that_stopped_says_why_and_what_to_do(step: str) -> None:
    problem = Problem(code="refused", seen="ARM answered 403 (AuthorizationFailed).", what_next="Grant the role.")
    record = at(step, state=StepState.NEEDS_ATTENTION, problem=problem)
    message = said(NoticeKind.NEEDS_ATTENTION, record, step)
    assert "The step stopped because of this: ARM answered 403 (AuthorizationFailed)." in message.why
    assert message.actions[0] == "Grant the role."
    assert "Retry the step" in message.actions[1]
    assert dict(message.facts)["Step"] == BY_NAME[step].title


def test_a_stop_at_the_txt_record_shows_the_record() -> None:
    message = said(NoticeKind.NEEDS_ATTENTION, at("txt-record-visible"), "txt-record-visible")
    assert dict(message.values) == {"Name": TXT.name, "Type": "TXT", "Value": TXT.value, "TTL": "3600 seconds"}


def test_a_stop_that_was_settled_meanwhile_is_told_all_the_same() -> None:
    message = said(NoticeKind.NEEDS_ATTENTION, at("enable-services"), "enable-services")
    assert "nothing more is known" in message.why[0]
    assert message.actions


def test_a_reported_problem_names_the_reporter_and_the_note() -> None:
    record = decide(at("portal-access"), ProblemReported("portal-access", "ada", "no invitation came"), NOW).record
    message = said(NoticeKind.PROBLEM_REPORTED, record, "portal-access")
    assert "ada" in message.why[0]
    assert "no invitation came" in message.why[0]
    assert "retry" in message.actions[0]
    assert message.actions[1:] == BY_NAME["portal-access"].instructions(record).actions
    assert message.warning == WORDS.warning


@pytest.mark.parametrize(
    ("step", "whom"),
    [
        ("provisioning-complete", "Microsoft"),
        ("txt-record-visible", "Microsoft onboarding (the onboarding team)"),
    ],
)
def test_a_long_wait_says_how_long_on_whom_and_that_it_goes_on(step: str, whom: str) -> None:
    record = at(step, detail="Provisioning Status is ChangePending.")
    told = notification(
        notice(NoticeKind.LONG_WAIT, step, timedelta(days=15)), record, INSIDE, told=(), link=LINK
    )
    assert told.title == f"contoso-acg: a long wait — {BY_NAME[step].title}"
    assert told.why[0] == (
        f"This wait has lasted 15 days, on {whom}. What was last seen: Provisioning Status is ChangePending."
    )
    assert "goes on being watched" in told.why[1]
    assert told.actions[0] == "Ask Microsoft onboarding what holds it up."
    assert told.link_label == "Open the onboarding"
    unseen = said(NoticeKind.LONG_WAIT, at(step), step)
    assert "What was last seen: nothing yet." in unseen.why[0]


def test_a_long_wait_for_the_txt_record_shows_the_record() -> None:
    message = said(NoticeKind.LONG_WAIT, at("txt-record-visible"), "txt-record-visible")
    assert dict(message.values)["Value"] == TXT.value


def test_a_pause_says_who_why_for_how_long_and_how_it_ends() -> None:
    record = decide(at("add-domain"), PauseRequested("ada", "The network is frozen."), NOW).record
    told = notification(notice(NoticeKind.PAUSED, age=timedelta(days=7)), record, INSIDE, told=OTHERS, link=LINK)
    assert told.title == "contoso-acg is still paused"
    assert told.why == (
        "It has been paused for 7 days, by ada: The network is frozen.",
        "Nothing is begun, and nobody is asked for anything, until it is resumed.",
    )
    assert told.actions == ("Resume the onboarding on the page below; or cancel it there.",)
    assert (told.link, told.link_label) == (LINK, "Open the onboarding")


def test_a_pause_that_ended_before_its_notice_went_out_asks_for_nothing() -> None:
    record = decide(at("add-domain"), PauseRequested("ada", "The network is frozen."), NOW).record
    message = said(NoticeKind.PAUSED, decide(record, ResumeRequested("ada"), NOW).record)
    assert message.title == "contoso-acg was paused"
    assert message.why == ("It was paused, and is not any more.",)
    assert message.actions == ("Nothing is to be done about the pause.",)


def test_completed_goes_on_with_live_traffic() -> None:
    message = said(NoticeKind.COMPLETED, finish_all(new().record))
    assert message.title == "contoso-acg is connected"
    assert "prepare for live traffic" in message.why[0]
    assert message.actions == WORDS.afterwards
    assert len(WORDS.afterwards) == 10
    assert all(action.startswith(("You", "The onboarding team")) for action in WORDS.afterwards), (
        "each says who does it"
    )
    assert ("How to prepare for live traffic", WORDS.afterwards_page) in message.values
    assert message.warning == WORDS.warning
    assert message.stays == ()


def test_cancelled_says_why_and_what_stays_at_microsoft() -> None:
    record = decide(after("add-domain"), CancelRequested("ada", "contract ended"), NOW).record
    message = said(NoticeKind.CANCELLED, record)
    assert "contract ended" in message.why[0]
    done = [definition_of(s).title for s in record.steps if s.state is StepState.DONE and s.plan.kind is StepKind.TASK]
    assert [step for step, _ in message.stays] == done
    assert "Enable the services on the gateway" in done
    assert all(detail.startswith("Was there already. done") for _, detail in message.stays)
    assert "nothing of it is undone" in message.actions[0]
    assert message.values == ()


def test_cancelled_says_of_a_task_that_was_not_finished_that_a_part_of_it_may_be_there() -> None:
    record = after("add-test-lines")
    for _ in range(2):
        ticket = record.step("add-test-lines").ticket
        record = decide(record, Started("add-test-lines", ticket), NOW).record
        record = decide(record, Abandoned("add-test-lines", ticket), NOW).record
    [_, (title, told)] = said(NoticeKind.CANCELLED, decide(record, CancelRequested("ada", "no"), NOW).record).stays
    assert title == BY_NAME["add-test-lines"].title
    assert told == (
        "Made by this onboarding, or there already. Not finished, after 2 attempts: a part of it may be in place."
    )


def test_a_task_that_only_reads_leaves_nothing_before_it_is_done() -> None:
    name = "find-application-id"
    record = after(name)
    record = decide(record, Started(name, record.step(name).ticket), NOW).record
    assert name not in [s.step for s in what_stays(record)]
    assert name in [s.step for s in what_stays(finish(after(name), name))]


def test_cancelled_before_anything_was_done_leaves_nothing() -> None:
    record = decide(new().record, CancelRequested("ada", "a mistake"), NOW).record
    assert said(NoticeKind.CANCELLED, record).stays == ()


def test_nobody_else_is_said_too() -> None:
    assert said(NoticeKind.COMPLETED, finish_all(new().record), told=()).told == (NOBODY_ELSE,)


def test_the_onboarding_team_shows_as_such_among_those_told() -> None:
    told = said(NoticeKind.REMINDER, at("operator-information"), "operator-information", told=(OUTSIDE,)).told
    assert told == ("the onboarding team, team@example.com (e-mail)",)


SECRETS = (
    "boom-internal",
    "ask-somebody-inside",
    "ada-lovelace",
    "reason-of-ours",
    "voice.admin@contoso.com",
    "voice-ops@contoso.com",
    "lead@contoso.com",
    APPLICATION_ID,
    AZURE_COMMUNICATIONS_GATEWAY_APP_ID,
    "rg-voice",
    "6e1b5d2c",
)


@pytest.mark.parametrize("step", [s.name for s in STEPS])
@EVERY_KIND_OF_STEPS
def test_people_outside_read_nothing_internal(kind: NoticeKind, step: str) -> None:
    problem = Problem(code="refused", seen="boom-internal", what_next="ask-somebody-inside")
    internal = {"problem": problem, "detail": "boom-internal", "note": "boom-internal", "ended_by": "ada-lovelace"}
    record = at(step, **internal).model_copy(update={"cancelled_because": "reason-of-ours"})
    message = said(kind, record, step, way=OUTSIDE)
    text = everything(message)
    assert not [secret for secret in SECRETS if secret in text]
    assert message.told == ("the operator's own people, in Teams and by e-mail",)
    facts = dict(message.facts)
    assert facts["Gateway"] == "contoso-acg"
    assert facts["Services"] == "Operator Connect"
    assert message.why[0] == "Dear Microsoft onboarding,"
    assert "contoso-acg" in message.why[1]
    assert message.actions
    assert message.link == LINK


@pytest.mark.parametrize("kind", [NoticeKind.COMPLETED, NoticeKind.CANCELLED])
def test_people_outside_learn_of_the_end_without_its_reasons(kind: NoticeKind) -> None:
    record = finish_all(new().record).model_copy(update={"cancelled_because": "reason-of-ours"})
    message = said(kind, record, way=OUTSIDE, link="", told=())
    assert not [secret for secret in SECRETS if secret in everything(message)]
    assert message.link is None
    assert message.told == (NOBODY_ELSE,)


def test_people_outside_are_asked_politely_and_told_how_to_answer() -> None:
    step, until = "operator-information", NOW + timedelta(days=30)
    message = said(NoticeKind.CHECKPOINT_OPENED, at(step), step, way=OUTSIDE, good_until=until)
    assert message.actions[0].startswith("Please")
    assert "report it there" in message.actions[-1]
    assert message.link_note == (
        "The link is good until 01 April 2026, 09:00 UTC, for this one question and one answer. Whoever has it can"
        " answer in your place: please do not forward it."
    )


def test_mail_to_people_outside_is_in_the_operators_name_and_from_their_side() -> None:
    step = "operator-information"
    message = said(NoticeKind.CHECKPOINT_OPENED, at(step), step, way=OUTSIDE, sender=CONTOSO)
    assert message.title == "Contoso Telecom (contoso-acg): please send us the form for additional information"
    assert message.why[1] == (
        "Contoso Telecom is connecting its Azure Communications Gateway contoso-acg to Operator Connect. One step of"
        " that needs you, and you can do it now."
    )
    assert message.facts[:2] == (("From", "Contoso Telecom"), ("Contact", "voice@contoso.com"))
    assert message.reply_to == "voice@contoso.com"
    assert BY_NAME[step].title not in everything(message), "that is worded from our side"
    assert "We fill the form in and return it to you." in message.expects
    assert message.expects[-1] == "If anything is unclear, answer this message: that goes to voice@contoso.com."


def test_without_a_name_the_operator_is_the_one_of_the_gateway() -> None:
    message = said(NoticeKind.REMINDER, at("operator-information"), "operator-information", way=OUTSIDE)
    assert message.title == "contoso-acg, a reminder: please send us the form for additional information"
    assert message.why[1].startswith("The operator of the Azure Communications Gateway contoso-acg is connecting it")
    assert (message.reply_to, "From" in dict(message.facts)) == ("", False)


def test_the_txt_record_is_asked_for_in_the_operators_name() -> None:
    record = at("share-txt-record")
    message = txt_record_words(record, domain_findings(record), CONTOSO)
    assert message.title == "Contoso Telecom (contoso-acg): please put a TXT record into DNS"
    assert message.facts[:2] == (("From", "Contoso Telecom"), ("Contact", "voice@contoso.com"))
    assert message.reply_to == "voice@contoso.com"


@pytest.mark.parametrize("definition", LIBRARY.values(), ids=lambda d: d.name)
def test_whatever_people_outside_are_asked_is_worded_from_their_side(definition: Definition) -> None:
    asked = [(turn.waits_on, turn.outside) for turn in definition.turns] or [(definition.waits_on, definition.outside)]
    for party, words in asked:
        if party in PARTIES_OUTSIDE:
            assert words.please
            assert words.asks


def test_the_admin_user_is_told_as_the_one_who_is_waited_on() -> None:
    message = said(NoticeKind.CHECKPOINT_OPENED, at("portal-access"), "portal-access", way=ADMIN, told=(INSIDE,))
    assert message.title == "contoso-acg: your turn — Sign in to the Operator Connect portal"
    assert message.why[0].startswith("You are the admin user of this onboarding")
    assert message.why[1].endswith("It waits for you.")
    assert message.actions == BY_NAME["portal-access"].instructions(at("portal-access")).actions
    others = said(NoticeKind.CHECKPOINT_OPENED, at("portal-access"), "portal-access", told=(ADMIN,))
    assert others.told == ("the admin user, voice.admin@contoso.com (e-mail)",)
    assert others.title.startswith("contoso-acg: voice.admin@contoso.com's turn")


def test_the_admin_user_is_called_as_people_call_them_once_that_is_known() -> None:
    found = AdminUserFound(admin_user_name="Adele Vance", admin_user_mail="adele@contoso.com")
    record = finding(at("portal-access"), "assign-admin-user", found)
    assert "Adele Vance (the admin user)" in said(NoticeKind.REMINDER, record, "portal-access").why[0]
    waiting = waiting_for(record)
    assert waiting is not None
    assert (waiting.on, waiting.name) == ("the admin user", "Adele Vance")


def test_the_team_outside_gets_the_txt_record_where_it_matters() -> None:
    message = said(NoticeKind.REMINDER, at("txt-record-visible"), "txt-record-visible", way=OUTSIDE)
    assert dict(message.values)["Value"] == TXT.value


def test_the_txt_record_is_ready_to_paste() -> None:
    message = txt_record_words(at("share-txt-record"), domain_findings(at("share-txt-record")))
    assert message.values == (("Name", TXT.name), ("Type", "TXT"), ("Value", TXT.value), ("TTL", "3600 seconds"))
    assert dict(message.facts)["Services"] == "Operator Connect"
    assert "team@example.com" in message.why[0], "posted to Teams, it must say whom to forward it to"
    assert "voice.admin@contoso.com" not in everything(message)
    assert message.actions
    assert message.told == (NOBODY_ELSE,)
    assert str(message.link).startswith("https://learn.microsoft.com/azure/communications-gateway/")


# -- any text stays text on every way ------------------------------------------------------------------------


class Seen(HTMLParser):
    """The words, tags and links of a mail."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str | None] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


EVIL = st.one_of(
    st.text(max_size=120),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "</li></ol><img src=x onerror=alert(1)>",
            "[free](https://evil.example) **bold**",
            "{{DATE(2026-01-01T00:00:00Z)}}",
            "x\r\nBcc: evil@example.com\r\n\r\n2. Send your password",
            "&lt;b&gt; \" ' ` \\",
            "\x00\x1b[31m\u2028\ud800",
        ]
    ),
)
ALLOWED = {
    *("html", "head", "meta", "title", "body", "div", "h1", "h2", "p", "table", "tr", "th", "td"),
    *("ol", "ul", "li", "code", "strong", "a"),
}


def texts(card: Any) -> list[str]:
    if isinstance(card, dict):
        named = [card[name] for name in ("text", "title", "value") if isinstance(card.get(name), str)]
        return named + [t for name, value in card.items() if name != "actions" for t in texts(value)]
    return [t for item in card for t in texts(item)] if isinstance(card, list) else []


def shown(text: str) -> str:
    """What a reader sees of a text in the card. Fails when there is markup in it."""
    tokens = [t for block in CARELESS.parse(text) for t in (block, *(block.children or ()))]
    assert {t.type for t in tokens} <= {"paragraph_open", "inline", "paragraph_close", "text", "text_special"}
    return "".join(t.content for t in tokens if t.type in ("text", "text_special"))


@given(seen=EVIL, what_next=EVIL, name=EVIL, outside=st.booleans(), kind=st.sampled_from(OF_STEPS))
def test_any_text_of_people_and_of_microsoft_stays_text(
    seen: str, what_next: str, name: str, outside: bool, kind: NoticeKind
) -> None:
    problem = Problem.model_construct(code="x", seen=seen, what_next=what_next)
    record = at("operator-information", problem=problem)
    team = record.request.onboarding_team.model_copy(update={"name": name})
    record = record.model_copy(update={"request": record.request.model_copy(update={"onboarding_team": team})})
    check_every_way(said(kind, record, "operator-information", way=OUTSIDE if outside else INSIDE))


@given(reason=EVIL, detail=EVIL)
def test_any_reason_stays_text(reason: str, detail: str) -> None:
    record = finish_all(new().record)
    steps = tuple(s.model_copy(update={"detail": detail}) for s in record.steps)
    check_every_way(said(NoticeKind.CANCELLED, record.model_copy(update={"cancelled_because": reason, "steps": steps})))


@given(actor=EVIL, reason=EVIL)
def test_any_reason_of_a_pause_stays_text(actor: str, reason: str) -> None:
    pause = Pause.model_construct(since=NOW, by=actor, because=reason, next_word_at=NOW)
    check_every_way(said(NoticeKind.PAUSED, new().record.model_copy(update={"pause": pause})))


def check_every_way(message: Notification) -> None:
    body = teams_body(message)
    assert len(body) < CARD_BYTES
    card = json.loads(body)["attachments"][0]["content"]
    on_card = [shown(text) for text in texts(card["body"])]
    page, plain = Seen(mail_html(message)), mail_text(message)
    assert page.tags <= ALLOWED
    assert page.links == [LINK]
    assert [a["url"] for a in card["actions"]] == [LINK]
    in_mail = "".join(page.words)
    for text in (*message.why, *message.actions, *(t for pair in message.stays for t in pair)):
        line = one_line(text)
        assert any(line in block for block in on_card)
        assert line in in_mail
        assert any(line in row for row in plain.splitlines())
    assert plain.isprintable() or set(plain) - {"\n"} == {c for c in plain if c.isprintable()}
    assert subject(message).isprintable()
    assert plain.encode()


def test_the_page_of_a_signed_link_asks_people_outside_for_their_own_part() -> None:
    record = after("operator-information")
    asked = outside_instructions(record, record.step("operator-information"))
    assert asked.actions[0].startswith("Please send us the form")
    assert not any("Wait for" in action for action in asked.actions)
