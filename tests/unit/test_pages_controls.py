"""The forms of an operator's controls: what is offered, what they change, and what is said when they are wrong."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from urllib.parse import urlencode

import azure.functions as func
import pytest

from onboarding.core.decide import decide
from onboarding.core.events import (
    CancelRequested,
    Confirmed,
    DeadLettered,
    NoticeFailed,
    NoticeStarted,
    PauseRequested,
    Postponed,
    SkipRequested,
    Started,
    Stopped,
)
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.core.record import OnboardingState, Problem, Record, StepState
from onboarding.memory import ManualClock
from tests.support import records
from tests.support.http import Api, app_settings, content
from tests.support.records import NOW
from tests.support.steps import BY_NAME
from tests.support.system import System

FORM = "application/x-www-form-urlencoded"
OLGA = "olga.operator@contoso.com"
EVIL = "<script>alert('x')</script>"
THROTTLED = Problem(code="throttled", seen="Microsoft Graph answered 429.")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    system = System(clock=ManualClock(NOW + timedelta(minutes=5)))
    chosen = app_settings(sandbox_user="olga.operator", link_key="k" * 40)
    return Api(monkeypatch, system=system, settings=chosen)


async def keep(api: Api, record: Record) -> str:
    """Path of the page of that record."""
    await api.system.records.create(record)
    return f"dashboard/{record.id}"


async def see(api: Api, path: str, user: str = "olga.operator") -> str:
    answer = await api.get(path, accept="text/html", cookie=f"sandbox-user={user}")
    assert answer.status_code == 200
    return answer.get_body().decode()


async def act(api: Api, path: str, *, page: str | None = None, **fields: str) -> func.HttpResponse:
    """Send a form of the page as it is now, or as it was read some time ago, as the browser does."""
    page = page or await see(api, path)
    sent = {name.replace("_", "-"): value for name, value in fields.items()}
    for name in ("csrf", *(["seen"] if fields["action"] == "change-contacts" else [])):
        found = re.search(rf'(?s)<main.*?name="{name}" value="([^"]*)"', page)
        assert found, f"there is no form with {name}"
        sent.setdefault(name, html.unescape(found[1]))
    return await api.post(f"{path}/actions", urlencode(sent).encode(), content_type=FORM)


async def stands(api: Api, path: str) -> Record:
    return await api.system.record(path.removeprefix("dashboard/"))


def text(answer: func.HttpResponse) -> str:
    return answer.get_body().decode()


def shown(page: str) -> str:
    """The words of a page, as a reader sees them."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def offered(page: str) -> list[str]:
    return re.findall(r'name="action" value="([^"]+)"', page)


def choices(page: str, name: str) -> dict[str, list[str]]:
    """Heading → the steps under it, of the form's choice of steps."""
    form = page.partition(f'id="do-{name}"')[2].partition("</details>")[0]
    groups = re.findall(r'(?s)<optgroup label="([^"]*)">(.*?)</optgroup>', form) or [("", form)]
    return {html.unescape(label): re.findall(r'<option value="([^"]+)"', inner) for label, inner in groups}


# -- skip and reopen ----------------------------------------------------------------------------------------------


async def test_one_form_offers_every_step_that_can_be_skipped_by_what_the_article_says(api: Api) -> None:
    page = await see(api, await keep(api, records.after("add-domain")))
    assert offered(page).count("skip") == 1
    groups = choices(page, "skip")
    open_steps = {s.name for s in records.after("add-domain").steps if not s.ended}
    assert {step for steps in groups.values() for step in steps} == open_steps
    for label, steps in groups.items():
        for step in steps:
            when = BY_NAME[step].may_be_skipped_when
            assert label == (f"When {when}" if when else "Only by insisting")
    assert list(groups)[-1] == "Only by insisting"


async def test_a_step_is_skipped_with_a_reason(api: Api) -> None:
    path = await keep(api, records.new().record)
    answer = await act(api, path, action="skip", step="enable-services", reason="Selected at deployment.")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/api/{path}?done=2")
    step = (await stands(api, path)).step("enable-services")
    assert (step.state, step.skipped_because, step.ended_by) == (StepState.SKIPPED, "Selected at deployment.", OLGA)


async def test_insisting_is_a_tick_and_without_it_people_are_told_to_tick(api: Api) -> None:
    path = await keep(api, records.after("find-application-id"))
    fields = {"action": "skip", "step": "find-application-id", "reason": "By hand."}
    refused = await act(api, path, **fields)
    assert refused.status_code == 400
    assert "tick “I insist”" in refused.get_body().decode()
    assert (await stands(api, path)).step("find-application-id").state is StepState.DUE
    assert (await act(api, path, **fields, insist="on")).status_code == 303
    assert (await stands(api, path)).step("find-application-id").state is StepState.SKIPPED


async def test_a_step_that_stopped_can_be_skipped_where_it_is_told_of(api: Api) -> None:
    record = records.after("add-domain")
    record = decide(record, Started("add-domain", record.step("add-domain").ticket), NOW).record
    record = decide(record, Stopped("add-domain", record.step("add-domain").ticket, THROTTLED), NOW).record
    path = await keep(api, record)
    stopped = (await see(api, path)).partition('id="stopped"')[2].partition('id="steps-title"')[0]
    assert offered(stopped) == ["retry", "skip"]
    assert re.search(r'name="insist" value="on"[^>]* required', stopped)
    assert (await act(api, path, action="skip", step="add-domain", reason="There.", insist="on")).status_code == 303
    assert (await stands(api, path)).step("add-domain").state is StepState.SKIPPED


async def test_what_a_person_confirmed_and_what_was_skipped_can_be_reopened(api: Api) -> None:
    record = records.finish(records.after("operator-information"), "assign-admin-user")
    assert "reopen" not in offered(await see(api, await keep(api, record)))
    for happening in (Confirmed("operator-information", "ada"), SkipRequested("add-domain", "ada", "x", insist=True)):
        await api.system.engine.happen(record.id, happening)
    path = f"dashboard/{record.id}"
    assert choices(await see(api, path), "reopen") == {"": ["operator-information", "add-domain"]}
    answer = await act(api, path, action="reopen", step="add-domain", reason="It was not there.")
    assert answer.status_code == 303
    assert (await stands(api, path)).step("add-domain").state is StepState.DUE


@pytest.mark.parametrize("action", ["skip", "reopen", "pause", "cancel"])
async def test_each_asks_for_a_reason(api: Api, action: str) -> None:
    record = decide(records.new().record, SkipRequested("enable-services", "ada", "x"), NOW).record
    path = await keep(api, record)
    step = {"skip": "add-test-lines", "reopen": "enable-services"}.get(action, "")
    answer = await act(api, path, action=action, step=step, reason=" ")
    assert answer.status_code == 400
    page = answer.get_body().decode()
    assert "Say why" in page
    assert re.search(r'aria-invalid="true" autofocus aria-describedby="reason-[a-z-]+-wrong', page)
    assert (await stands(api, path)).version == record.version


# -- pause, resume, cancel ------------------------------------------------------------------------------------------


async def test_a_pause_is_told_of_until_it_is_resumed(api: Api) -> None:
    path = await keep(api, records.after("provisioning-complete"))
    assert (await act(api, path, action="pause", step="", reason=f"A freeze. {EVIL}")).status_code == 303
    page = await see(api, path)
    banner = shown(page.partition('id="standing"')[2].partition('id="stopped"')[0])
    assert "Paused for" in banner
    assert OLGA in banner
    assert f"A freeze. {EVIL}" in banner
    assert "reminded of it in 7 days" in banner
    assert EVIL not in page
    assert "Next reminder in 7 days" in shown(page)
    table = page.partition('id="step-provisioning-complete"')[2].partition("</tr>")[0]
    assert "Paused" in table, "a wait that nobody looks at is not waiting"
    assert not {"pause", "check", "retry", "replay"} & set(offered(page))
    assert "Paused" in shown(await see(api, "dashboard")).partition("Last error")[2]
    assert "Somebody to resume it on your team (role Operate)" in shown(await see(api, "dashboard"))
    assert (await act(api, path, action="resume", step="")).status_code == 303
    assert (await stands(api, path)).pause is None
    assert "Paused for" not in await see(api, path)


async def test_where_the_time_went_tells_a_pause_from_the_time_of_steps(api: Api) -> None:
    record = records.after("provisioning-complete")
    record = decide(record, PauseRequested(OLGA, "holidays"), NOW + timedelta(hours=1)).record
    path = await keep(api, record)
    api.system.clock.advance(4 * 3600)
    times = (await see(api, path)).partition('id="times"')[2].partition("</section>")[0]
    assert "Longest: Wait until the gateway is provisioned , 1 hour" in shown(times)
    assert "Paused besides for 3 hours" in shown(times)
    assert '<rect class="tone-paused"' in times
    assert "so far, which is no step's time" in shown(times)


async def test_only_who_may_resume_sees_the_button(api: Api) -> None:
    path = await keep(api, decide(records.new().record, PauseRequested("ada", "why"), NOW).record)
    for user, buttons in (("olga.operator", 1), ("adam.approver", 0), ("rita.reader", 0)):
        page = await see(api, path, user)
        assert "Paused for" in page
        assert offered(page).count("resume") == buttons


async def test_an_open_checkpoint_of_a_paused_one_says_what_becomes_of_an_answer(api: Api) -> None:
    record = records.finish(records.after("operator-information"), "assign-admin-user")
    paused = decide(record, PauseRequested("ada", "a secret of ours"), NOW).record
    await api.system.records.create(paused)
    page = await see(api, f"onboardings/{record.id}/checkpoints/operator-information")
    assert "Your answer is kept" in page
    assert 'name="outcome"' in page
    task = shown(await see(api, f"onboardings/{record.id}/checkpoints/share-txt-record"))
    assert "First:" in task


async def test_a_cancel_that_waits_says_for_what(api: Api) -> None:
    record = records.after("add-domain")
    for step in ("add-domain", "find-application-id"):
        record = decide(record, Started(step, record.step(step).ticket), NOW).record
    record = decide(record, CancelRequested("ada", "Enough."), NOW).record
    assert record.state is OnboardingState.CANCELLING
    path = await keep(api, record)
    page = await see(api, path)
    banner = shown(page.partition('id="standing"')[2].partition('id="stopped"')[0])
    assert "“Enough.”" in banner
    assert "2 steps that are running to come back" in banner
    assert BY_NAME["add-domain"].title in banner
    assert "What you can do" not in page
    assert "Not done" in page
    dashboard = await see(api, "dashboard")
    assert re.search(r'state=cancelling"[^>]*>\s*<span class="number">1<', dashboard)
    checkpoint = await see(api, f"onboardings/{record.id}/checkpoints/operator-information")
    assert "being cancelled; there is nothing to do here" in checkpoint


async def test_a_cancelled_one_lists_what_was_done_at_microsoft_and_what_may_be_there_in_part(api: Api) -> None:
    record = records.after("add-domain")
    record = decide(record, Started("add-domain", record.step("add-domain").ticket), NOW).record
    ticket = record.step("add-domain").ticket
    record = decide(record, Postponed("add-domain", ticket, THROTTLED), NOW).record
    record = decide(record, CancelRequested("ada", "Enough."), NOW).record
    path = await keep(api, record)
    page = await see(api, path)
    stays = shown(page.partition('id="stays-title"')[2].partition("</section>")[0])
    assert f"{BY_NAME['enable-services'].title} done" in stays
    part = "Not finished, after 1 attempt: a part of it may be in place. Last seen: Microsoft Graph answered 429."
    assert f"{BY_NAME['add-domain'].title} {part}" in stays
    # What was never begun, or only reads, left nothing.
    assert BY_NAME["add-project-synergy"].title not in stays
    shown_by_api = content(await api.get(path.replace("dashboard", "onboardings")))["staysAtMicrosoft"]
    assert [s["step"] for s in shown_by_api] == ["enable-services", "add-test-lines", "add-domain"]
    assert shown_by_api[-1]["told"] == part


async def test_one_that_was_cancelled_at_once_left_nothing_and_one_that_goes_on_lists_nothing(api: Api) -> None:
    record = records.new().record
    going_on = await see(api, await keep(api, record))
    assert "stays-title" not in going_on
    await api.system.engine.happen(record.id, CancelRequested("ada", "Enough."))
    page = await see(api, f"dashboard/{record.id}")
    assert "stays Nothing." in shown(page.partition('id="stays-title"')[2].partition("</section>")[0])


async def test_a_state_that_lasts_for_seconds_is_counted_only_when_there_is_one(api: Api) -> None:
    dashboard = await see(api, "dashboard")
    counted = re.findall(r'href="/api/dashboard\?state=([a-z-]+)"', dashboard)
    assert "paused" in counted
    assert "cancelling" not in counted


# -- messages that were given up, attempts that failed ----------------------------------------------------------------


async def test_what_was_given_up_is_sent_again_by_a_button(api: Api) -> None:
    record = records.new().record
    assert "replay" not in offered(await see(api, await keep(api, record)))
    ticket = record.step("enable-services").ticket
    await api.system.engine.happen(record.id, DeadLettered("enable-services", None, ticket, "too many deliveries"))
    path = f"dashboard/{record.id}"
    assert "too many deliveries" in await see(api, path)
    assert (await act(api, path, action="replay", step="")).status_code == 303
    assert (await stands(api, path)).step("enable-services").next_attempt_at == api.system.clock.now()


async def test_the_table_says_how_often_it_was_tried_when_it_is_again_and_who_asked_for_the_pause(api: Api) -> None:
    record = records.after("add-domain")
    record = decide(record, Started("add-domain", record.step("add-domain").ticket), NOW).record
    ticket = record.step("add-domain").ticket
    record = decide(record, Postponed("add-domain", ticket, THROTTLED, 600.0), NOW).record
    path = await keep(api, record)
    row = shown((await see(api, path)).partition('id="step-add-domain"')[2].partition("</tr>")[0])
    assert "Retrying" in row
    assert "Microsoft Graph answered 429." in row
    assert "1 of at most 30 attempts made. Tried again in 5 minutes" in row
    assert "Microsoft asked to wait until 2 Mar 2026, 09:10:0" in row
    api.system.clock.advance_to(NOW + timedelta(hours=1))
    later = shown((await see(api, path)).partition('id="step-add-domain"')[2].partition("</tr>")[0])
    assert "Microsoft asked" not in later


async def test_a_step_that_waits_for_its_next_attempt_can_be_tried_at_once(api: Api) -> None:
    record = records.new().record
    assert "retry" not in offered(await see(api, await keep(api, record)))
    await api.system.engine.happen(record.id, Started("enable-services", 1))
    await api.system.engine.happen(record.id, Postponed("enable-services", 1, THROTTLED))
    path = f"dashboard/{record.id}"
    page = await see(api, path)
    assert f"Retry: {BY_NAME['enable-services'].title}" in shown(page)
    assert (await act(api, path, action="retry", step="enable-services")).status_code == 303
    step = (await stands(api, path)).step("enable-services")
    assert (step.state, step.next_attempt_at) == (StepState.DUE, api.system.clock.now())


@pytest.mark.parametrize(
    ("what_next", "told"),
    [("Allow it: `grant-mail.ps1 -Mailbox x`", True), (TryLaterError(ProblemCode.OUTAGE, "").what_next, False)],
)
async def test_a_notice_that_cannot_go_says_what_to_do_about_it_unless_nobody_need(
    api: Api, what_next: str, told: bool
) -> None:
    record = decide(records.new().record, CancelRequested("ada", "Enough."), NOW).record
    [notice] = record.notices
    record = decide(record, NoticeStarted(notice.id, notice.ticket), NOW).record
    refused = Problem(code="permission-missing", seen="POST sendMail answered 403.", what_next=what_next)
    record = decide(record, NoticeFailed(notice.id, notice.ticket, refused), NOW).record
    part = shown((await see(api, await keep(api, record))).partition('id="notices"')[2].partition("</section>")[0])
    assert "POST sendMail answered 403." in part
    assert (f"What to do: {what_next.replace('`', '')}" in part) is told


# -- whom to tell ------------------------------------------------------------------------------------------------------

CONTACTS = {"team_name": "A partner", "team_email": "partner@example.com", "escalate_to": ""}


async def test_whom_to_tell_stands_in_the_form_as_it_is_today(api: Api) -> None:
    notify = {
        "emails": ["a@contoso.com", "b@contoso.com"],
        "teams": False,
        "tellAdminUser": False,
        "escalateTo": "head@contoso.com",
    }
    page = await see(api, await keep(api, records.new(notify=notify).record))
    form = page.partition('id="do-change-contacts"')[2].partition("</details>")[0]
    assert 'value="Microsoft onboarding"' in form
    assert 'value="team@example.com"' in form
    assert re.search(r"<textarea[^>]*>\s*a@contoso.com\nb@contoso.com</textarea>", form)
    assert 'value="head@contoso.com"' in form
    assert "checked" not in form


async def test_other_people_are_told_from_then_on(api: Api) -> None:
    path = await keep(api, records.new().record)
    lines = " night@contoso.com\r\n\r\nday@contoso.com;\r\n"
    answer = await act(api, path, action="change-contacts", step="", emails=lines, teams="on", **CONTACTS)
    assert answer.status_code == 303
    request = (await stands(api, path)).request
    assert (request.onboarding_team.name, request.onboarding_team.email) == ("A partner", "partner@example.com")
    assert request.notify.emails == ("night@contoso.com", "day@contoso.com")
    assert request.notify.teams
    assert request.notify.escalate_to is None
    quiet = await act(api, path, action="change-contacts", step="", emails="", **CONTACTS)
    assert quiet.status_code == 303
    assert not (await stands(api, path)).request.notify.teams


async def test_whoever_saves_a_form_that_somebody_else_overtook_is_told_and_overwrites_nothing(api: Api) -> None:
    path = await keep(api, records.new().record)
    read_by_both = await see(api, path)
    first = await act(api, path, page=read_by_both, action="change-contacts", emails="first@contoso.com", **CONTACTS)
    assert first.status_code == 303
    second = await act(api, path, page=read_by_both, action="change-contacts", emails="second@contoso.com", **CONTACTS)
    assert second.status_code == 409
    told = shown(second.get_body().decode())
    assert "Nothing was changed: whom to tell was changed by somebody else after you opened the page" in told
    assert "open the page again" in told
    assert (await stands(api, path)).request.notify.emails == ("first@contoso.com",)
    # A page that was read before this application knew of such forms says as little of what was seen.
    assert (await act(api, path, action="change-contacts", emails="", seen="", **CONTACTS)).status_code == 409
    again = await act(api, path, action="change-contacts", emails="second@contoso.com", **CONTACTS)
    assert again.status_code == 303


async def test_what_changed_besides_whom_to_tell_does_not_keep_anybody_from_saving(api: Api) -> None:
    path = await keep(api, records.new().record)
    page = await see(api, path)
    record = await stands(api, path)
    await api.system.engine.happen(record.id, Started("enable-services", record.step("enable-services").ticket))
    answer = await act(api, path, page=page, action="change-contacts", emails="", **CONTACTS)
    assert answer.status_code == 303


async def test_everything_that_is_wrong_with_them_is_said_at_once_in_the_forms_words(api: Api) -> None:
    path = await keep(api, records.new().record)
    lines = f"a@b.example\n{EVIL}\na?b@c.example"
    wrong = {"team_name": "", "team_email": "nobody", "escalate_to": "x", "emails": lines}
    answer = await act(api, path, action="change-contacts", step="", **wrong)
    assert answer.status_code == 400
    told = shown(answer.get_body().decode())
    assert "The onboarding team's name is missing." in told
    assert "The onboarding team's e-mail address is “nobody”, which is no e-mail address, such as " in told
    assert f"Addressee 2 is “{EVIL}”, which is no e-mail address, such as " in told
    assert "Addressee 3, “a?b@c.example”, must not hold a question mark; expected is an e-mail" in told
    assert "The address that is told when a checkpoint stays open is “x”" in told
    assert EVIL not in answer.get_body().decode()
    many = "\n".join(f"a{n}@contoso.com" for n in range(21))
    crowd = await act(api, path, action="change-contacts", step="", emails=many, **CONTACTS)
    assert "The list of addressees has too many lines; 20 fit." in shown(crowd.get_body().decode())
    long = await act(api, path, action="change-contacts", step="", **{**CONTACTS, "team_name": "x" * 201})
    assert "name is too long" in shown(long.get_body().decode())
    assert (await stands(api, path)).version == 1


async def test_whoever_comes_second_reads_what_the_first_one_did(api: Api) -> None:
    path = await keep(api, records.new().record)
    page = await see(api, path)
    skip = {"action": "skip", "step": "enable-services", "reason": "done by hand"}
    assert (await act(api, path, page=page, **skip)).status_code == 303
    skipped = await act(api, path, page=page, **skip)
    assert skipped.status_code == 409
    assert f"'enable-services' cannot be skipped: it is skipped already, by {OLGA}." in shown(text(skipped))
    assert (await act(api, path, page=page, action="pause", reason="a change freeze")).status_code == 303
    paused = await act(api, path, page=page, action="pause", reason="holidays")
    assert f"paused already, by {OLGA} (a change freeze)" in shown(text(paused))
    assert (await act(api, path, page=page, action="cancel", reason="another gateway")).status_code == 303
    over = await act(api, path, page=page, action="resume")
    assert over.status_code == 409
    assert "The onboarding is cancelled; it cannot be resumed. It can be started again." in shown(text(over))


async def test_what_nobody_may_ask_for_is_no_action(api: Api) -> None:
    path = await keep(api, records.new().record)
    answer = await act(api, path, action="explode")
    assert answer.status_code == 400
    assert "'explode' is no action of this page" in shown(text(answer))


async def test_the_controls_need_their_role(api: Api) -> None:
    page = await see(api, await keep(api, records.new().record), "adam.approver")
    assert offered(page) == []
