"""What an onboarding's page tells: what was requested, what an action changed, why a step is tried again, what to do;
and a form that is refused says so where it stands."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from urllib.parse import urlencode

import azure.functions as func
import pytest

from onboarding.core.decide import decide
from onboarding.core.due import tried_until
from onboarding.core.events import (
    ContactsChanged,
    PauseRequested,
    Postponed,
    ProblemReported,
    Started,
    Stopped,
)
from onboarding.core.record import Problem, Record
from onboarding.core.request import Addressees, OnboardingTeam
from onboarding.pages.changed import changed, coming_back, next_one
from onboarding.pages.requested import requested
from tests.support.http import Api, app_settings
from tests.support.records import NOW, after, finish, new

FIRST, TEAM, PORTAL = "enable-services", "operator-information", "portal-access"
FORM = "application/x-www-form-urlencoded"
RUNBOOK = "https://wiki.contoso.com/runbook.md"
OUTAGE = Problem(code="outage", seen="Azure Resource Manager PATCH answered 503.", what_next="Nothing.")
GRANT = "az role assignment create --assignee 123"
MISSING = Problem(code="permission-missing", seen="403.", what_next=f"Give it the role: `{GRANT}`. Then `retry`.")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(
        monkeypatch, settings=app_settings(sandbox_user="olga.operator", link_key="k" * 40, runbook_url=RUNBOOK)
    )


def everything(_: object) -> bool:
    return True


def retrying() -> Record:
    record = decide(new().record, Started(FIRST, 1), NOW).record
    return decide(record, Postponed(FIRST, 1, OUTAGE, retry_after=600), NOW).record


def reported(step: str = TEAM) -> Record:
    return decide(after(step), ProblemReported(step, "adam", "They lost the form."), NOW).record


async def see(api: Api, path: str, user: str = "olga.operator") -> str:
    answer = await api.get(path, accept="text/html", cookie=f"sandbox-user={user}")
    assert answer.status_code == 200
    return answer.get_body().decode()


async def send(api: Api, page: str, path: str, form: str, **fields: str) -> func.HttpResponse:
    """One form of a page, with its hidden fields, as a browser sends it."""
    found = page.partition(f'id="{form}"')[2].partition("</form>")[0]
    hidden = {k: html.unescape(v) for k, v in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', found)}
    assert hidden, f"the page has no form {form}"
    return await api.post(path, urlencode({**hidden, **fields}).encode(), content_type=FORM)


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


# -- what was requested -----------------------------------------------------------------------------------------


async def test_a_page_says_what_was_requested_by_whom_and_who_is_told(api: Api) -> None:
    record = new().record
    await api.system.records.create(record)
    page = await see(api, f"dashboard/{record.id}")
    page = words(page.partition('id="requested"')[2].partition('class="columns"')[0])
    for said in ("By ada", "OC1 · +442079460101", "voice.admin@contoso.com", "voice-ops@contoso.com", "rg-voice"):
        assert said in page
    assert "Onboarding team Microsoft onboarding · team@example.com" in page


def test_contacts_that_were_changed_since_say_so() -> None:
    record = new().record
    assert not requested(record).told_changed
    team = OnboardingTeam(name="A partner", email="a@example.com")
    other = decide(record, ContactsChanged("ada", team, Addressees()), NOW).record
    found = requested(other)
    assert found.told_changed
    assert found.told[0].values == ("A partner · a@example.com",)


# -- what an action changed, and what is next -------------------------------------------------------------------


async def test_after_a_confirmation_the_page_says_what_changed_and_leads_to_the_next_one(api: Api) -> None:
    record = after(TEAM)
    await api.system.records.create(record)
    path = f"onboardings/{record.id}/checkpoints/{TEAM}"
    page = await see(api, path)
    csrf = re.search(r'(?s)<main.*?name="csrf" value="([^"]*)"', page)
    assert csrf
    body = urlencode({"csrf": csrf[1], "outcome": "confirm", "note": "Sent."}).encode()
    answer = await api.post(path, body, content_type=FORM)
    back = answer.headers["Location"].removeprefix("/api/")
    told = (await see(api, back)).partition('id="changed"')[2].partition("</section>")[0]
    assert "Done: confirmed" in words(told)
    assert "Sent." in told
    assert "Return the onboarding team's form, and have their confirmation : Waiting → Done" in words(told)
    assert f'href="/api/onboardings/{record.id}/checkpoints/{PORTAL}"' in told


async def test_what_somebody_else_did_and_what_is_no_version_are_not_told(api: Api) -> None:
    record = decide(after(TEAM), PauseRequested("somebody@contoso.com", "a freeze"), NOW).record
    await api.system.records.create(record)
    for given in (str(record.version), "9999", "x", "", "1"):
        assert 'id="changed"' not in await see(api, f"dashboard/{record.id}?done={given}")


def test_a_pause_new_contacts_and_a_cancel_are_told_in_words() -> None:
    record = decide(after(TEAM), PauseRequested("ada", "a freeze"), NOW).record
    found = changed(record, record.tail, str(record.version), everything, "ada")
    assert found
    assert [(it.what, it.before, it.after) for it in found.lines] == [("The onboarding", "Going on", "Paused")]
    team = OnboardingTeam(name="A partner", email="a@example.com")
    record = decide(record, ContactsChanged("ada", team, Addressees(emails=("b@example.com",))), NOW).record
    found = changed(record, record.tail, str(record.version), everything, "ada")
    assert found
    assert ("Who is told: By e-mail", "voice-ops@contoso.com", "b@example.com") in [
        (it.what, it.before, it.after) for it in found.lines
    ]


def test_what_waits_for_the_caller_by_name_comes_first() -> None:
    record = after("add-application-ids", after(TEAM))
    record = decide(finish(record, "share-txt-record"), Started(FIRST, 1), NOW).record
    mine = next_one(record, everything, record.request.admin_user.upper())
    assert mine
    assert mine.href.startswith(f"/api/onboardings/{record.id}/checkpoints/")
    assert next_one(record, lambda role: False, "ada") is None
    assert coming_back("/x", None, "ada") == "/x"
    assert coming_back("/x", record, "nobody") == "/x"


def test_a_step_that_stopped_leads_to_its_part_of_the_page() -> None:
    record = decide(new().record, Started(FIRST, 1), NOW).record
    record = decide(record, Stopped(FIRST, 1, MISSING), NOW).record
    found = next_one(record, everything, "ada")
    assert found
    assert found.href == f"/api/dashboard/{record.id}#stopped-{FIRST}"


# -- a form that is refused -------------------------------------------------------------------------------------


async def test_a_refused_form_stands_there_as_it_was_filled_in_with_what_is_wrong_at_its_field(api: Api) -> None:
    record = new().record
    await api.system.records.create(record)
    page = await see(api, f"dashboard/{record.id}")
    typed = {"team-name": "A partner", "team-email": "a@@example", "emails": "b@example.com\nnobody", "teams": "on"}
    answer = await send(api, page, f"dashboard/{record.id}/actions", "do-change-contacts", **typed)
    assert answer.status_code == 400
    shown = answer.get_body().decode()
    form = shown.partition('id="do-change-contacts"')[2].partition("</form>")[0]
    assert form.startswith(" open>")
    assert 'value="A partner"' in form
    assert "nobody</textarea>" in form
    for name in ("team-email", "emails"):
        assert f'id="{name}-change-contacts-wrong"' in form
        assert f'aria-describedby="{name}-change-contacts-wrong' in form
        assert f'href="#{name}-change-contacts"' in shown
    assert form.count(" autofocus") == 1
    assert "data-live-page" not in shown
    assert (await api.system.record(record.id)).version == record.version


async def test_a_refused_form_goes_on_expecting_what_its_reader_saw(api: Api) -> None:
    """Else what somebody else changed meanwhile would be undone by the second sending."""
    record = new().record
    await api.system.records.create(record)
    path = f"dashboard/{record.id}/actions"
    page = await see(api, f"dashboard/{record.id}")
    typed = {"team-name": "A partner", "team-email": "wrong", "teams": "on"}
    await api.system.engine.happen(
        record.id, ContactsChanged("ada", OnboardingTeam(name="B", email="b@example.com"), Addressees())
    )
    refused = (await send(api, page, path, "do-change-contacts", **typed)).get_body().decode()
    right = {**typed, "team-email": "a@example.com"}
    assert (await send(api, refused, path, "do-change-contacts", **right)).status_code == 409


async def test_insisting_is_asked_for_at_its_box_and_the_step_stays_chosen(api: Api) -> None:
    record = new().record
    await api.system.records.create(record)
    page = await see(api, f"dashboard/{record.id}")
    answer = await send(
        api, page, f"dashboard/{record.id}/actions", "do-skip", step="verify-domain", reason="Done by hand."
    )
    shown = answer.get_body().decode()
    form = shown.partition('id="do-skip"')[2].partition("</form>")[0]
    assert '<option value="verify-domain" selected>' in form
    assert "Done by hand.</textarea>" in form
    assert 'id="insist-skip-wrong"' in form
    assert "tick “I insist”" in html.unescape(form)


# -- what goes wrong --------------------------------------------------------------------------------------------


def test_a_task_is_tried_until_its_budget_of_time_ends() -> None:
    record = retrying()
    step = record.step(FIRST)
    assert tried_until(step) == NOW + timedelta(seconds=step.plan.budget.seconds)
    assert tried_until(new().record.step(FIRST)) is None
    assert tried_until(reported().step(TEAM)) is None


async def test_a_step_that_is_tried_again_says_why_and_until_when(api: Api) -> None:
    record = retrying()
    await api.system.records.create(record)
    page = await see(api, f"dashboard/{record.id}")
    card = words(page.partition(f'aria-labelledby="retrying-{FIRST}"')[2].partition("</section>")[0])
    assert OUTAGE.seen in card
    assert "1 of at most 30 attempts made. Tried again" in card
    assert "and on until 3 Mar 2026, 09:00 UTC at the latest." in card


async def test_a_reported_problem_is_retried_on_the_page_of_its_checkpoint(api: Api) -> None:
    record = reported()
    await api.system.records.create(record)
    path = f"onboardings/{record.id}/checkpoints/{TEAM}"
    page = await see(api, path)
    assert "They lost the form." in page
    assert "when it is put right, retry the step" in page
    answer = await send(api, page, f"dashboard/{record.id}/actions", f"do-retry-{TEAM}")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"/api/{path}?done=")
    again = await see(api, answer.headers["Location"].removeprefix("/api/"))
    assert ": Needs attention → Waiting" in words(again)
    assert 'name="outcome"' in again
    as_reader = await see(api, path.replace("?", ""), "adam.approver")
    assert "do-retry" not in as_reader


async def test_who_may_not_retry_is_told_which_role_it_takes(api: Api) -> None:
    record = reported()
    await api.system.records.create(record)
    page = await see(api, f"onboardings/{record.id}/checkpoints/{TEAM}", "adam.approver")
    assert "do-retry" not in page
    assert "the role Onboarding.Operate is needed" in page


async def test_a_form_of_a_stopped_step_that_is_refused_stays_on_its_checkpoint(api: Api) -> None:
    record = reported()
    await api.system.records.create(record)
    page = await see(api, f"onboardings/{record.id}/checkpoints/{TEAM}")
    answer = await send(api, page, f"dashboard/{record.id}/actions", f"do-skip-{TEAM}", reason=" ")
    shown = answer.get_body().decode()
    assert answer.status_code == 400
    assert f'id="reason-skip-{TEAM}-wrong"' in shown
    assert "Nothing was changed." in shown
    assert "Your answer" in shown


async def test_a_command_can_be_copied_and_the_code_leads_to_the_runbook(api: Api) -> None:
    record = decide(new().record, Started(FIRST, 1), NOW).record
    record = decide(record, Stopped(FIRST, 1, MISSING), NOW).record
    await api.system.records.create(record)
    page = await see(api, f"dashboard/{record.id}")
    assert f'<code id="advice-{FIRST}-2">{GRANT}</code>' in page
    assert f'data-copy="advice-{FIRST}-2"' in page
    assert "<code>retry</code>" in page
    assert f'href="{RUNBOOK}#permission-missing"' in page
    api.settings = app_settings(sandbox_user="olga.operator", link_key="k" * 40)
    assert "runbook" not in await see(api, f"dashboard/{record.id}")


async def test_a_page_names_its_address_for_paper_and_that_of_a_link_does_not(api: Api) -> None:
    record = new().record
    await api.system.records.create(record)
    assert f"This page: {api.system.engine.public_url}/api/dashboard/{record.id}" in await see(
        api, f"dashboard/{record.id}"
    )
    assert "This page:" not in await see(api, "links")
