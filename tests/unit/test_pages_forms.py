"""The pages' forms: who may send them, what they change, and that GET changes nothing."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from urllib.parse import urlencode

import azure.functions as func
import pytest
from pydantic import SecretStr

from onboarding.core.events import Confirmed
from onboarding.core.links import Link, sign
from onboarding.core.record import OnboardingState, Record, StepState
from onboarding.http.access import SANDBOX_USERS
from onboarding.http.call import Route
from onboarding.http.routes import ROUTES
from onboarding.planning.planner import ask_for_plan
from onboarding.telemetry import metrics
from onboarding.telemetry.names import LINKS_REFUSED
from tests.support import requests
from tests.support.http import Api, app_settings
from tests.support.system import System

KEY, OLD_KEY = "a key of the tests, long enough to sign with", "the key before it, as long as the one of today"
FORM = "application/x-www-form-urlencoded"
HERE = "https://onboarding.example.com"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    chosen = app_settings(sandbox_user="olga.operator", link_key=KEY, link_key_previous=OLD_KEY)
    return Api(monkeypatch, settings=chosen)


async def waiting_for_people(system: System) -> Record:
    """An onboarding that waits for the onboarding team."""
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    accepted = await system.request(request)
    for _ in range(3):
        while await system.deliver():
            pass
        system.outside.settle()
        await system.tick(7200)
    while await system.deliver():
        pass
    record = await system.record(accepted.record.id)
    assert record.step("operator-information").state is StepState.WAITING
    return record


def text(answer: func.HttpResponse) -> str:
    return answer.get_body().decode()


def field(page: str, name: str, part: str = "main") -> str:
    """A field's value; every page has a form at its head too."""
    found = re.search(rf'(?s)<{part}.*?name="{name}" value="([^"]*)".*</{part}>', page)
    assert found, f"the page has no field {name}"
    return html.unescape(found[1])


async def send(api: Api, path: str, *, by: str = "olga.operator", **fields: str) -> func.HttpResponse:
    headers = {"content_type": FORM, "cookie": f"sandbox-user={by}"}
    return await api.post(path, urlencode(fields).encode(), **headers)


async def see(api: Api, path: str, user: str = "olga.operator") -> str:
    return text(await api.get(path, cookie=f"sandbox-user={user}", accept="text/html"))


def checkpoint(record: Record, step: str = "operator-information") -> str:
    return f"onboardings/{record.id}/checkpoints/{step}"


def link(record: Record, *, key: str = KEY, days: float = 30, **other: object) -> str:
    step = record.step("operator-information")
    made = {"onboarding_id": record.id, "step": step.name, "opening": step.ticket, **other}
    return sign(Link(**made, expires_at=record.updated_at + timedelta(days=days)), key)  # type: ignore[arg-type]


async def open_link(api: Api, given: str) -> func.HttpResponse:
    """What the page does to which a link leads, and whoever pastes one there."""
    return await send(api, "outside", csrf=field(await see(api, "links"), "csrf"), link=given)


async def answer_link(api: Api, page: str, **fields: str) -> func.HttpResponse:
    """One of the forms of the page that a link opened."""
    return await send(api, "outside/answer", csrf=field(page, "csrf"), link=field(page, "link"), **fields)


# -- a checkpoint ---------------------------------------------------------------------------------------------


async def test_reading_a_checkpoint_changes_nothing(api: Api) -> None:
    record = await waiting_for_people(api.system)
    await see(api, checkpoint(record))
    await open_link(api, link(record))
    assert (await api.system.record(record.id)).version == record.version


async def test_confirming_records_who_and_the_note_and_leads_back_to_the_page(api: Api) -> None:
    record = await waiting_for_people(api.system)
    page = await see(api, checkpoint(record), "adam.approver")
    answer = await send(
        api, checkpoint(record), by="adam.approver", csrf=field(page, "csrf"), outcome="confirm", note="Form sent."
    )
    version = (await api.system.record(record.id)).version
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/api/{checkpoint(record)}?done={version}")
    step = (await api.system.record(record.id)).step("operator-information")
    assert (step.state, step.ended_by, step.note) == (StepState.DONE, "adam.approver@contoso.com", "Form sent.")
    after = await see(api, checkpoint(record))
    assert "adam.approver@contoso.com" in after
    assert "Form sent." in after
    assert 'name="outcome"' not in after


async def test_a_problem_needs_words_and_then_needs_attention(api: Api) -> None:
    record = await waiting_for_people(api.system)
    csrf = field(await see(api, checkpoint(record)), "csrf")
    refused = await send(api, checkpoint(record), csrf=csrf, outcome="report-problem", note="  ")
    assert refused.status_code == 400
    assert (await api.system.record(record.id)).version == record.version
    answer = await send(api, checkpoint(record), csrf=csrf, outcome="report-problem", note="They lost the form.")
    assert answer.status_code == 303
    assert (await api.system.record(record.id)).state is OnboardingState.NEEDS_ATTENTION
    assert "They lost the form." in await see(api, f"dashboard/{record.id}")


async def test_a_reader_sees_what_to_do_but_no_form(api: Api) -> None:
    record = await waiting_for_people(api.system)
    page = await see(api, checkpoint(record), "rita.reader")
    assert "Wait for Microsoft onboarding to send the form" in page
    assert 'name="outcome"' not in page
    assert "Onboarding.Approve" in page


async def test_a_checkpoint_that_is_not_open_says_what_comes_first(api: Api) -> None:
    record = await waiting_for_people(api.system)
    page = await see(api, checkpoint(record, "add-application-ids"))
    assert "not open yet" in page
    assert 'name="outcome"' not in page
    assert ".commsgw.azure.com" in page


@pytest.mark.parametrize("step", ["enable-services", "no-such-step"])
async def test_only_steps_that_people_confirm_have_a_page(api: Api, step: str) -> None:
    record = await waiting_for_people(api.system)
    answer = await api.get(checkpoint(record, step), accept="text/html")
    assert answer.status_code == 404


async def test_confirming_twice_is_refused_in_words(api: Api) -> None:
    record = await waiting_for_people(api.system)
    csrf = field(await see(api, checkpoint(record)), "csrf")
    await send(api, checkpoint(record), csrf=csrf, outcome="confirm", note="")
    again = await send(api, checkpoint(record), csrf=csrf, outcome="confirm", note="")
    assert again.status_code == 409
    assert "olga.operator@contoso.com" in text(again)


# -- forms that are not ours ------------------------------------------------------------------------------------


@pytest.mark.parametrize("csrf", ["", "0" * 64, "é"])
async def test_a_form_without_our_token_changes_nothing(api: Api, csrf: str) -> None:
    record = await waiting_for_people(api.system)
    answer = await send(api, checkpoint(record), csrf=csrf, outcome="confirm", note="")
    assert answer.status_code == 403
    assert (await api.system.record(record.id)).version == record.version


async def test_a_token_is_good_for_its_user_and_its_page_only(api: Api) -> None:
    record = await waiting_for_people(api.system)
    olgas = field(await see(api, checkpoint(record)), "csrf")
    assert (await send(api, checkpoint(record), by="adam.approver", csrf=olgas, outcome="confirm")).status_code == 403
    for_actions = field(await see(api, f"dashboard/{record.id}"), "csrf")
    assert (await send(api, checkpoint(record), csrf=for_actions, outcome="confirm")).status_code == 403
    assert (await api.system.record(record.id)).version == record.version


async def test_a_form_that_was_open_while_the_key_was_changed_is_taken_until_the_old_one_is_dropped(api: Api) -> None:
    old, new = SecretStr("o" * 32), SecretStr("n" * 32)
    record = await waiting_for_people(api.system)
    api.settings = api.settings.model_copy(update={"link_key": old})
    csrf = field(await see(api, checkpoint(record)), "csrf")
    for previous, status in ((None, 403), (old, 303)):
        api.settings = api.settings.model_copy(update={"link_key": new, "link_key_previous": previous})
        assert (await send(api, checkpoint(record), csrf=csrf, outcome="confirm", note="")).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": HERE}, 303),
        ({"origin": "null", "sec_fetch_site": "same-origin"}, 303),
        ({"origin": "https://evil.example"}, 403),
        ({"referer": "https://evil.example/page"}, 403),
        ({"origin": "null", "sec_fetch_site": "cross-site"}, 403),
    ],
)
async def test_a_form_from_another_site_is_refused_even_with_the_token(
    api: Api, headers: dict[str, str], status: int
) -> None:
    record = await waiting_for_people(api.system)
    csrf = field(await see(api, checkpoint(record)), "csrf")
    body = urlencode({"csrf": csrf, "outcome": "confirm"}).encode()
    answer = await api.post(checkpoint(record), body, content_type=FORM, **headers)
    assert answer.status_code == status
    changed = (await api.system.record(record.id)).version != record.version
    assert changed == (status == 303)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=1&" * 50, b"x" * 20_000])
async def test_a_form_that_cannot_be_read_is_refused(api: Api, body: bytes) -> None:
    record = await waiting_for_people(api.system)
    answer = await api.post(f"dashboard/{record.id}/actions", b"csrf=" + body, content_type=FORM)
    assert answer.status_code in (400, 403, 413)
    assert (await api.system.record(record.id)).version == record.version


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x0b", "\x1b", "\x7f", "\x85"])
async def test_a_form_takes_no_text_that_json_may_not_hold(api: Api, character: str) -> None:
    record = await waiting_for_people(api.system)
    path, csrf = f"dashboard/{record.id}/actions", field(await see(api, f"dashboard/{record.id}"), "csrf")
    asked = {"reason": f"a{character}b"}
    for answer in (
        await send(api, path, csrf=csrf, action="cancel", step="", **asked),
        await api.post(f"onboardings/{record.id}/cancel", asked),
    ):
        assert answer.status_code == 400
        assert f"U+{ord(character):04X}" in text(answer)
    assert (await api.system.record(record.id)).version == record.version


async def test_as_many_and_as_long_texts_as_people_may_send_fit_the_row(api: Api) -> None:
    """Every step skipped and reopened with the longest reasons, of what takes most room: none ends as a defect."""
    record = await waiting_for_people(api.system)
    for character in ('"', "\n", "\U0001f600"):
        for step in record.steps:
            for action in ("skip", "reopen"):
                csrf = field(await see(api, f"dashboard/{record.id}"), "csrf")
                sent = {"action": action, "step": step.name, "reason": "x" + character * 998 + "x", "insist": "on"}
                answer = await send(api, f"dashboard/{record.id}/actions", csrf=csrf, **sent)
                assert answer.status_code in (303, 409, 400), (answer.status_code, text(answer)[:200])
    assert (await api.system.record(record.id)).version > record.version + 10


# -- the dashboard's buttons --------------------------------------------------------------------------------------


async def test_cancelling_asks_for_a_reason_and_keeps_it(api: Api) -> None:
    record = await waiting_for_people(api.system)
    path = f"dashboard/{record.id}/actions"
    csrf = field(await see(api, f"dashboard/{record.id}"), "csrf")
    assert (await send(api, path, csrf=csrf, action="cancel", step="", reason="")).status_code == 400
    answer = await send(api, path, csrf=csrf, action="cancel", step="", reason="Wrong gateway.")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"/api/dashboard/{record.id}?done=")
    assert (await api.system.record(record.id)).cancelled_because == "Wrong gateway."
    assert (await send(api, path, csrf=csrf, action="start-again", step="")).status_code == 303
    assert (await api.system.record(record.id)).run == 2


async def test_a_button_needs_the_role_of_its_action(api: Api) -> None:
    record = await waiting_for_people(api.system)
    page = await see(api, f"dashboard/{record.id}", "adam.approver")
    assert "Cancel the onboarding" not in page
    csrf = field(page, "csrf", "header")
    for token in (csrf, ""):
        answer = await send(
            api, f"dashboard/{record.id}/actions", by="adam.approver", csrf=token, action="cancel", reason="x"
        )
        assert answer.status_code == 403
    assert not (await api.system.record(record.id)).closed


async def test_what_the_state_does_not_allow_is_refused(api: Api) -> None:
    record = await waiting_for_people(api.system)
    csrf = field(await see(api, f"dashboard/{record.id}"), "csrf")
    answer = await send(api, f"dashboard/{record.id}/actions", csrf=csrf, action="retry", step="enable-services")
    assert answer.status_code == 409
    assert (await api.system.record(record.id)).version == record.version


# -- signed links ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, OLD_KEY])
async def test_the_holder_of_a_link_can_answer_once(api: Api, key: str) -> None:
    record = await waiting_for_people(api.system)
    page = text(await open_link(api, link(record, key=key)))
    assert "/api/dashboard" not in page
    assert record.request.gateway.subscription_id not in page
    answer = await answer_link(api, page, outcome="confirm", note="We have sent it.")
    assert (answer.status_code, "Thank you" in text(answer)) == (200, True)
    step = (await api.system.record(record.id)).step("operator-information")
    assert [(word.turn, word.who) for word in step.words] == [
        ("form-sent", "the holder of a link sent to Microsoft onboarding (the onboarding team)")
    ]
    for used in (await open_link(api, link(record, key=key)), await answer_link(api, page, outcome="confirm")):
        assert (used.status_code, "This link is used up" in text(used)) == (410, True)
        assert "by somebody who gave no name. When it is your turn again, you are sent another link." in text(used)


async def test_whoever_answers_by_a_link_may_give_a_name_and_a_used_link_says_so_only_if_it_is_true(api: Api) -> None:
    record = await waiting_for_people(api.system)
    page = text(await open_link(api, link(record)))
    assert 'name="name"' in page
    await answer_link(api, page, outcome="confirm", turn="form-sent", name=" Nora\r\nNorth ")
    step = (await api.system.record(record.id)).step("operator-information")
    assert step.words[0].name == "Nora North"
    assert "by somebody who gave the name Nora North." in text(await open_link(api, link(record)))
    actors = [event.actor for event in await api.system.events(record.id)]
    holder = "the holder of a link sent to Microsoft onboarding (the onboarding team)"
    assert f"{holder}, who gave the name Nora North" in actors


async def test_a_link_for_what_the_operator_settled_names_none_of_its_people(api: Api) -> None:
    record = await waiting_for_people(api.system)
    await api.system.engine.happen(record.id, Confirmed("operator-information", "olga", turn="form-sent"))
    told = text(await open_link(api, link(record)))
    assert "The operator settled on " in told
    assert "olga" not in told


async def test_who_is_signed_in_is_asked_for_no_name(api: Api) -> None:
    record = await waiting_for_people(api.system)
    page = await see(api, checkpoint(record))
    assert "Your name" not in page
    csrf = field(page, "csrf")
    await send(api, checkpoint(record), csrf=csrf, outcome="confirm", turn="form-sent", name="Nora North")
    step = (await api.system.record(record.id)).step("operator-information")
    assert (step.words[0].name, step.words[0].outside) == (None, False)


async def test_the_page_of_a_link_says_in_whose_name_for_whom_and_until_when(api: Api) -> None:
    record = await waiting_for_people(api.system)
    api.settings = app_settings(link_key=KEY, operator_name="Contoso Telecom", operator_contact="voice@contoso.com")
    page = text(await open_link(api, link(record)))
    assert "Contoso Telecom is connecting its Azure Communications Gateway contoso-acg to Operator Connect." in page
    assert "This page is for Microsoft onboarding." in page
    assert "and one answer, until <time" in page
    assert "Questions go to Contoso Telecom (voice@contoso.com)." in page
    assert "We fill the form in and return it to you." in page
    refused = text(await open_link(api, link(record, days=-1)))
    assert "Ask Contoso Telecom (voice@contoso.com), if you need another one." in refused
    assert "in the message" not in refused


async def test_nobody_need_sign_in_for_a_link(api: Api) -> None:
    record = await waiting_for_people(api.system)
    api.settings = app_settings(link_key=KEY)
    assert (await open_link(api, link(record))).status_code == 200


@pytest.mark.parametrize(
    ("broken", "status", "says", "noted"),
    [
        ({"key": "not a key of this application, though long"}, 403, "not valid", None),
        ({"days": -1}, 410, "expired", "expired"),
        ({"opening": 1}, 410, "is used up", "used"),
        ({"onboarding_id": "another-0123456789"}, 404, "leads nowhere", None),
        ({"step": "no-such-step"}, 404, "leads nowhere", None),
        ({"step": "portal-access"}, 410, "is used up", "used"),
    ],
)
async def test_a_link_that_is_no_good_says_so_and_is_noted(
    api: Api, broken: dict[str, object], status: int, says: str, noted: str | None
) -> None:
    record = await waiting_for_people(api.system)
    answer = await open_link(api, link(record, **broken))  # type: ignore[arg-type]
    page = text(answer)
    assert answer.status_code == status
    assert says in page
    assert "Ask whoever sent you the link" in page
    assert record.request.gateway.name not in page
    refusals = [e for e in await api.system.events(record.id) if e.what == "link-refused"]
    assert [e.detail.partition(":")[0] for e in refusals] == ([noted] if noted else [])


def done(system: System) -> list[tuple[object, ...]]:
    """All that was ever written, sent, or done at Microsoft."""
    people = system.outside.notifier
    written = (system.onboardings.writes, system.trail.writes, system.outside.writes)
    return [tuple(each) for each in (*written, system.bus.published, people.mails, people.posts)]


FORGED = {"key": "not a key of this application, though long"}


async def test_whoever_can_sign_nothing_writes_to_no_record(api: Api) -> None:
    """Neither by a link that names a step of it, nor by any other text; whatever time passes between."""
    record = await waiting_for_people(api.system)
    before = await api.system.record(record.id), await api.system.events(record.id)
    for step in record.steps:
        token = link(record, step=step.name, opening=step.ticket, **FORGED)
        for given in (token, token[:-4], f"{HERE}/api/links#{token}", token.partition(".")[0]):
            assert (await open_link(api, given)).status_code == 403
            csrf = field(await see(api, "links"), "csrf")
            assert (await send(api, "outside/answer", csrf=csrf, link=given)).status_code == 403
        api.system.clock.advance(7200)
    assert (await api.system.record(record.id), await api.system.events(record.id)) == before


async def test_links_that_are_no_good_are_counted_by_what_they_are(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(metrics, "_puts", {LINKS_REFUSED.name: lambda _, given: told.append(str(given["kind"]))})
    record = await waiting_for_people(api.system)
    await open_link(api, link(record))
    for broken in (FORGED, {"days": -1}, {"onboarding_id": "another-0123456789"}, {"opening": 1}):
        await open_link(api, link(record, **broken))  # type: ignore[arg-type]
    assert told == ["forged", "expired", "foreign", "used"]


@pytest.mark.parametrize("before", ["", f"{HERE}/api/links#", f"{HERE}/api/links/", "  #"])
async def test_a_link_is_taken_as_people_paste_it(api: Api, before: str) -> None:
    record = await waiting_for_people(api.system)
    assert (await open_link(api, f"{before}{link(record)} ")).status_code == 200


async def test_a_link_that_was_sent_with_its_token_in_the_path_is_opened_by_the_same_form(api: Api) -> None:
    record = await waiting_for_people(api.system)
    page = await see(api, f"links/{link(record)}")
    assert record.request.gateway.name not in page
    opened = await send(api, "outside", csrf=field(page, "csrf"), link=field(page.replace(' type="text"', ""), "link"))
    assert (opened.status_code, record.request.gateway.name in text(opened)) == (200, True)


@pytest.mark.parametrize("route", [r for r in ROUTES if not r.changes], ids=lambda r: r.name)
async def test_no_get_changes_anything(api: Api, route: Route) -> None:
    """Whoever asks, with whatever link: not a row of any table, not a message, not a mail."""
    record = await waiting_for_people(api.system)
    tokens = [link(record), link(record, days=-1), link(record, opening=1), "x"]
    tokens.append(link(record, **FORGED))  # type: ignore[arg-type]
    plan = (await ask_for_plan(api.system.engine, record.request, "ada")).id
    before = done(api.system)
    for user in SANDBOX_USERS:
        for token in tokens if "{token}" in route.path else ("",):
            ids = {"id": record.id, "step": "operator-information", "plan": plan, "form": "markdown"}
            path = route.path.format(**ids, token=token, name="pages.css")
            await api.get(path, cookie=f"sandbox-user={user}", accept="text/html")
    assert done(api.system) == before


@pytest.mark.parametrize("token", ["x", "%00", "a.b", "W10.x", "A" * 3000, "WyJhIiwxXQ.x", "é.é"])
async def test_rubbish_is_no_link(api: Api, token: str) -> None:
    assert (await open_link(api, token)).status_code == 403


async def test_without_a_key_no_link_is_good(api: Api) -> None:
    record = await waiting_for_people(api.system)
    api.settings = app_settings(sandbox_user="olga.operator")
    assert (await open_link(api, link(record))).status_code == 403


async def test_a_link_shows_one_checkpoint_of_one_onboarding(api: Api) -> None:
    record = await waiting_for_people(api.system)
    page = text(await open_link(api, link(record)))
    assert "Please send us the form" in page
    assert "voice.admin@contoso.com" not in page
    assert "Audit trail" not in page
    csrf = field(page, "csrf")
    assert (await send(api, checkpoint(record), csrf=csrf, outcome="confirm")).status_code == 403


# -- the sandbox's users ----------------------------------------------------------------------------------------------


async def test_switching_the_user_sets_a_cookie_that_scripts_cannot_read(api: Api) -> None:
    page = await see(api, "dashboard")
    answer = await send(
        api, "sandbox/user", csrf=field(page, "csrf", "header"), user="rita.reader", back="/api/dashboard?state="
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/api/dashboard?state=")
    assert answer.headers["Set-Cookie"] == "sandbox-user=rita.reader; Path=/; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "/api/x\r\nSet-Cookie: a=b"]
)
async def test_switching_never_leads_elsewhere(api: Api, back: str) -> None:
    page = await see(api, "dashboard")
    answer = await send(api, "sandbox/user", csrf=field(page, "csrf", "header"), user="rita.reader", back=back)
    assert answer.headers["Location"] == "/api/dashboard"


async def test_there_is_nobody_else_to_switch_to(api: Api) -> None:
    page = await see(api, "dashboard")
    answer = await send(api, "sandbox/user", csrf=field(page, "csrf", "header"), user="root")
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers
