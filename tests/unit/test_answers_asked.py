"""Fields that a checkpoint asks for stand once, with its step: page, signed link, API, notices and trail have them."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from onboarding.core.answers import AnswerKind, Field
from onboarding.core.events import Confirmed
from onboarding.core.record import Record, StepState
from onboarding.http.openapi import description
from onboarding.http.routes import routes
from onboarding.pages.answered import shown_of
from onboarding.steps import LIBRARY
from tests.support.http import Api, app_settings, content
from tests.support.system import System
from tests.unit.test_pages_forms import (
    KEY,
    answer_link,
    checkpoint,
    field,
    link,
    open_link,
    see,
    send,
    text,
    waiting_for_people,
)

STEP = "operator-information"
PROFILE, OTHER = "1f0e9d8c-7b6a-4958-8473-62514f3e2d1c", "2f0e9d8c-7b6a-4958-8473-62514f3e2d1c"
ASKS = (
    Field("formNumber", "Number of the form", pattern="^F[0-9]{1,5}$", expected="F and digits, such as F12",
          required=True, hint="On its first page."),
    Field("profileIds", "Profile ids", AnswerKind.GUID, many=True, hint="All of them."),
    Field("returnedOn", "Returned on", AnswerKind.DATE, ahead=0, hint="By mail."),
    Field("evidence", "Link to evidence", AnswerKind.LINK, hint="Where it is."),
    Field("offer", "Offer", AnswerKind.CHOICE, choices=("consented", "consentless"), hint="Which one."),
)  # fmt: skip
RIGHT: dict[str, Any] = {
    "formNumber": "F12",
    "profileIds": [PROFILE, OTHER],
    "returnedOn": "2020-03-01",
    "evidence": "https://contoso.com/form?a=1&b=2",
    "offer": "consented",
}
TYPED = {f"answers.{name}": "\r\n".join(v) if isinstance(v, list) else v for name, v in RIGHT.items()}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """With a checkpoint that asks for one of each kind."""
    monkeypatch.setitem(LIBRARY, STEP, replace(LIBRARY[STEP], asks=ASKS, turns=()))
    return Api(monkeypatch, settings=app_settings(sandbox_user="olga.operator", link_key=KEY))


async def kept(api: Api, record: Record) -> dict[str, Any]:
    step = (await api.system.record(record.id)).step(STEP)
    return {name: list(v) if isinstance(v, tuple) else v for name, v in step.answers.items()}


async def still_open(api: Api, record: Record) -> bool:
    now = await api.system.record(record.id)
    return now.version == record.version and now.step(STEP).state is StepState.WAITING


def element(page: str, name: str) -> str:
    """The input of that name, with what stands in it."""
    found = re.search(rf'<(input|textarea|select)[^>]* name="{re.escape(name)}"[^>]*>([^<]*)', page)
    assert found, f"the page has no field {name}"
    return found[0]


def beside(page: str, name: str) -> str:
    """What is said to be wrong with it, found as somebody who listens finds it."""
    described = re.search(r'aria-describedby="([^"]*)"', element(page, name))
    assert described
    [wrong] = [each for each in described[1].split() if each.endswith("-wrong")]
    found = re.search(rf'<p class="error breaks" id="{re.escape(wrong)}">([^<]*)</p>', page)
    assert found
    return html.unescape(found[1])


# -- the API -----------------------------------------------------------------------------------------------------------


async def test_the_api_says_what_is_asked_and_takes_the_answers(api: Api) -> None:
    record = await waiting_for_people(api.system)
    shown = content(await api.get(f"onboardings/{record.id}"))
    [step] = [s for s in shown["steps"] if s["name"] == STEP]
    assert [a["name"] for a in step["asks"]] == list(RIGHT)
    assert step["asks"][0] == {
        "name": "formNumber",
        "label": "Number of the form",
        "kind": "text",
        "required": True,
        "many": False,
        "hint": "On its first page.",
        "pattern": "^F[0-9]{1,5}$",
        "choices": [],
        "ahead": None,
        "correctable": True,
    }
    assert step["answers"] == {}
    answer = await api.post(checkpoint(record), {"answers": RIGHT, "note": "All is well."})
    assert answer.status_code == 200
    [step] = [s for s in content(answer)["steps"] if s["name"] == STEP]
    assert (step["answers"], step["note"]) == (RIGHT, "All is well.")
    event = content(await api.get(f"onboardings/{record.id}/events"))["events"][-1]
    assert event["what"] == "confirmed"
    assert "Number of the form: F12\nProfile ids: 1f0e" in event["detail"]
    assert event["changes"][f"steps.{STEP}.answers"][1] == RIGHT


@pytest.mark.parametrize("body", [None, {}, {"note": "x"}, {"answers": {}}, {"answers": {"formNumber": " "}}])
async def test_a_required_answer_that_is_missing_is_refused_with_nothing_written(api: Api, body: Any) -> None:
    record = await waiting_for_people(api.system)
    answer = await api.post(checkpoint(record), body)
    assert answer.status_code == 400
    assert content(answer)["errors"] == [
        {
            "field": "answers.formNumber",
            "rule": "missing",
            "value": None,
            "message": "is required, and must be F and digits, such as F12",
        }
    ]
    assert await still_open(api, record)


async def test_every_answer_that_is_wrong_is_told_at_once(api: Api) -> None:
    record = await waiting_for_people(api.system)
    wrong = {"formnumber": "F1", "profileIds": PROFILE, "returnedOn": "2099-01-01", "evidence": "x", "offer": "no"}
    answer = await api.post(checkpoint(record), {"answers": wrong})
    assert [e["field"] for e in content(answer)["errors"]] == [
        "answers.formnumber",
        "answers.profileIds",
        "answers.returnedOn",
        "answers.evidence",
        "answers.offer",
        "answers.formNumber",
    ]
    assert "did you mean 'formNumber'?" in content(answer)["detail"]
    assert await still_open(api, record)


@pytest.mark.parametrize("answers", ["F12", ["F12"], 12, None])
async def test_answers_are_an_object(api: Api, answers: Any) -> None:
    record = await waiting_for_people(api.system)
    answer = await api.post(checkpoint(record), {"answers": answers})
    assert (answer.status_code, "answers: must be an object in braces" in content(answer)["detail"]) == (400, True)


async def test_a_problem_needs_no_answer(api: Api) -> None:
    record = await waiting_for_people(api.system)
    assert (await api.post(checkpoint(record), {"problem": "They lost the form."})).status_code == 200


async def test_what_a_checkpoint_asks_for_is_described(api: Api) -> None:
    document = description(routes())
    [path] = [p for p in document["paths"] if p.endswith("/checkpoints/{step}") and "post" in document["paths"][p]]
    posted = document["paths"][path]["post"]["requestBody"]["content"]
    [confirm] = [s for s in posted["application/json"]["schema"]["oneOf"] if "answers" in s["properties"]]
    described = confirm["properties"]["answers"]["properties"]
    assert set(RIGHT) <= set(described)
    assert described["formNumber"]["description"] == (
        "Of `operator-information`, required: Number of the form, F and digits, such as F12."
    )
    check = jsonschema.Draft202012Validator(confirm)
    check.validate({"answers": RIGHT})
    assert not check.is_valid({"answers": {"offer": "no"}})
    assert not check.is_valid({"answers": {"profileIds": PROFILE}})
    form = posted["application/x-www-form-urlencoded"]["schema"]
    assert set(TYPED) <= set(form["properties"])


async def test_two_steps_may_ask_for_the_same_in_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    both = (Field("formNumber", "Form"), Field("formNumber", "Forms", many=True))
    for step, asked in zip((STEP, "portal-access"), both, strict=True):
        monkeypatch.setitem(LIBRARY, step, replace(LIBRARY[step], asks=(asked,)))
    document = description(routes())
    found = str(document["paths"]["/onboardings/{id}/checkpoints/{step}"]["post"])
    assert "Of `operator-information`: Form, one line" in found
    assert "Of `portal-access`: Forms, one line" in found


# -- the page ----------------------------------------------------------------------------------------------------------


async def test_the_page_asks_for_each_with_its_label_and_hint(api: Api) -> None:
    record = await waiting_for_people(api.system)
    page = await see(api, checkpoint(record))
    for asked in ASKS:
        shown = element(page, f"answers.{asked.name}")
        id_ = re.search(r' id="([^"]+)"', shown)
        assert id_
        assert re.search(rf'<label for="{re.escape(id_[1])}">{asked.label}', page)
        assert f'aria-describedby="{id_[1]}-hint"' in shown
        assert (" required" in shown) is asked.required
        assert "aria-invalid" not in shown
    assert 'type="date"' in element(page, "answers.returnedOn")
    assert 'type="url"' in element(page, "answers.evidence")
    assert element(page, "answers.profileIds").startswith("<textarea")
    assert "<option>consentless</option>" in page


async def test_what_was_answered_on_the_page_is_kept_and_shown(api: Api) -> None:
    record = await waiting_for_people(api.system)
    csrf = field(await see(api, checkpoint(record)), "csrf")
    answer = await send(api, checkpoint(record), csrf=csrf, outcome="confirm", note="Fine.", **TYPED)
    assert answer.status_code == 303
    assert await kept(api, record) == RIGHT
    page = await see(api, checkpoint(record))
    safe = 'href="https://contoso.com/form?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow"'
    assert safe in page
    assert "Number of the form: <strong>F12</strong>" in page
    whole = await see(api, f"dashboard/{record.id}")
    values = whole.partition('id="values-title"')[2].partition("</section>")[0]
    assert "<dt>Number of the form</dt>" in values
    assert "F12" in values
    assert f"Profile ids: {PROFILE}, {OTHER}" in whole


async def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(api: Api) -> None:
    record = await waiting_for_people(api.system)
    csrf = field(await see(api, checkpoint(record)), "csrf")
    typed = {
        **TYPED,
        "answers.formNumber": '"><b>12',
        "answers.profileIds": f"{PROFILE}\r\n\r\nnone",
        "answers.returnedOn": "2099-01-01",
    }
    answer = await send(api, checkpoint(record), csrf=csrf, outcome="confirm", note="Nearly.", **typed)
    page = text(answer)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert await still_open(api, record)
    assert beside(page, "answers.formNumber") == "Number of the form must be F and digits, such as F12."
    assert beside(page, "answers.profileIds") == (
        "Profile ids: “none” must be a GUID, such as 1f0e9d8c-7b6a-4958-8473-62514f3e2d1c."
    )
    assert beside(page, "answers.returnedOn") == "Returned on must not be in the future."
    for name in ("answers.formNumber", "answers.profileIds", "answers.returnedOn"):
        assert 'aria-invalid="true"' in element(page, name)
    assert "aria-invalid" not in element(page, "answers.evidence")
    assert 'value="&#34;&gt;&lt;b&gt;12"' in element(page, "answers.formNumber")
    assert f"{PROFILE}\r\n\r\nnone" in element(page, "answers.profileIds")
    assert "https://contoso.com/form?a=1&amp;b=2" in element(page, "answers.evidence")
    assert "<option selected>consented</option>" in page
    assert "Nearly." in page
    assert 'role="alert"' in page
    assert "<title>Not recorded: " in page
    again = await send(api, checkpoint(record), csrf=field(page, "csrf"), outcome="confirm", **TYPED)
    assert again.status_code == 303


async def test_a_note_that_is_too_long_does_not_lose_the_answers(api: Api) -> None:
    record = await waiting_for_people(api.system)
    csrf = field(await see(api, checkpoint(record)), "csrf")
    answer = await send(api, checkpoint(record), csrf=csrf, outcome="confirm", note="x" * 1001, **TYPED)
    page = text(answer)
    assert answer.status_code == 400
    assert "at most 1000 are kept" in beside(page, "note")
    assert 'value="F12"' in element(page, "answers.formNumber")


async def test_a_problem_without_words_is_said_beside_its_field(api: Api) -> None:
    record = await waiting_for_people(api.system)
    csrf = field(await see(api, checkpoint(record)), "csrf")
    page = text(await send(api, checkpoint(record), csrf=csrf, outcome="report-problem", note=" "))
    problem = page.partition('id="do-report-problem')[2]
    assert problem.partition(">")[0].endswith(" open")
    assert beside(problem, "note").startswith("Say what the problem is")


async def test_all_that_a_step_may_be_answered_fits_into_a_form(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = (Field("names", "Names", many=True), Field("places", "Places", many=True))
    monkeypatch.setitem(LIBRARY, STEP, replace(LIBRARY[STEP], asks=asks, turns=()))
    record = await waiting_for_people(api.system)
    csrf = field(await see(api, checkpoint(record)), "csrf")
    typed = {f"answers.{a.name}": "\r\n".join("電" * 7 + str(n) for n in range(19)) for a in asks}
    too_much = {**typed, "answers.places": "\r\n".join("電" * 30 + str(n) for n in range(20))}
    refused = text(await send(api, checkpoint(record), csrf=csrf, outcome="confirm", note="😀" * 1000, **too_much))
    assert "at most 2000 are taken." in refused.partition('role="alert"')[2]
    assert "電" * 30 in element(refused, "answers.places"), "nothing typed is lost"
    taken = await send(api, checkpoint(record), csrf=csrf, outcome="confirm", note="😀" * 1000, **typed)
    assert taken.status_code == 303


async def test_what_somebody_wrote_into_the_table_is_no_link(api: Api) -> None:
    record = await confirmed(api)
    step = record.step(STEP)
    for evidence in ("javascript:alert(1)", "https://ada:pa55@contoso.com", "http://contoso.com"):
        [shown] = shown_of(step.model_copy(update={"answers": {"evidence": evidence}}))
        assert (shown.values, shown.is_link) == ((evidence,), False)


# -- people outside ----------------------------------------------------------------------------------------------------


async def test_the_holder_of_a_link_is_asked_for_the_same_by_the_same_rules(api: Api) -> None:
    record = await waiting_for_people(api.system)
    page = text(await open_link(api, link(record)))
    assert set(re.findall(r'name="(answers\.[^"]+)"', page)) == set(TYPED)
    refused = await answer_link(api, page, outcome="confirm", **{**TYPED, "answers.formNumber": ""})
    page = text(refused)
    assert refused.status_code == 400
    assert beside(page, "answers.formNumber").startswith("Number of the form is required, and must be F and digits")
    assert await still_open(api, record)
    thanks = await answer_link(api, page, outcome="confirm", **TYPED)
    assert (thanks.status_code, "Your confirmation has been recorded." in text(thanks)) == (200, True)
    assert await kept(api, record) == RIGHT


# -- afterwards --------------------------------------------------------------------------------------------------------


async def confirmed(api: Api) -> Record:
    record = await waiting_for_people(api.system)
    assert (await api.post(checkpoint(record), {"answers": RIGHT})).status_code == 200
    return await api.system.record(record.id)


async def test_an_answer_is_corrected_by_the_api(api: Api) -> None:
    record = await confirmed(api)
    shown = content(await api.get(f"onboardings/{record.id}"))
    [offer] = [a for a in shown["allowedActions"] if a["name"] == "correct-answers"]
    assert offer["step"] == STEP
    path = offer["href"].removeprefix("/api/")
    body = {"answers": {"formNumber": "F13", "offer": None}, "reason": "A slip."}
    assert (await api.post(path, body, cookie="sandbox-user=adam.approver")).status_code == 403
    assert (await api.post(path, {"answers": {"formNumber": "F13"}})).status_code == 400
    refused = await api.post(path, {"answers": {"formNumber": None}, "reason": "A slip."})
    assert "answers.formNumber: is required" in content(refused)["detail"]
    assert (await api.post(path, body)).status_code == 200
    assert await kept(api, record) == {name: v for name, v in {**RIGHT, "formNumber": "F13"}.items() if name != "offer"}
    event = content(await api.get(f"onboardings/{record.id}/events"))["events"][-1]
    assert (event["what"], event["actor"]) == ("answers-corrected", "olga.operator@contoso.com")
    assert event["detail"] == (
        "Number of the form: F13 (before: F12)\nOffer: nothing (before: consented)\nA slip."
    )
    assert (await api.post(path, body)).status_code == 409


async def test_an_answer_is_corrected_on_the_page(api: Api) -> None:
    record = await confirmed(api)
    path = f"dashboard/{record.id}"
    page = await see(api, path)
    form = page.partition(f'id="do-correct-answers-{STEP}"')[2].partition("</form>")[0]
    assert 'value="F12"' in element(form, "answers.formNumber")
    assert f"{PROFILE}\n{OTHER}" in element(form, "answers.profileIds")
    sent = {"csrf": field(page, "csrf"), "action": "correct-answers", "step": STEP, "reason": "A slip.", **TYPED}
    seen = re.search(r'name="seen" value="([^"]+)"', form)
    assert seen
    sent["seen"] = seen[1]
    wrong = await send(api, f"{path}/actions", **{**sent, "answers.formNumber": "12"})
    assert wrong.status_code == 400
    assert "Number of the form must be F and digits, such as F12." in text(wrong)
    assert (await send(api, f"{path}/actions", **{**sent, "answers.formNumber": "F13"})).status_code == 303
    assert (await kept(api, record))["formNumber"] == "F13"
    late = await send(api, f"{path}/actions", **{**sent, "answers.evidence": ""})
    assert late.status_code == 409
    assert "what was answered was changed by somebody else after you opened the page" in text(late)
    assert (await kept(api, record))["formNumber"] == "F13"


async def completed(api: Api) -> Record:
    record = await confirmed(api)
    await api.system.engine.happen(record.id, Confirmed("portal-access", "ada", "", {"operatorId": "contoso-1"}))
    record = await api.system.run(record.id)
    assert record.closed
    return record


async def test_an_answer_of_a_completed_onboarding_is_corrected_by_the_api_and_on_the_page(api: Api) -> None:
    """An Operator ID, or a link to evidence, that turns out to be wrong afterwards."""
    before = await completed(api)
    told = len(api.system.outside.notifier.mails)
    path = f"onboardings/{before.id}/steps/portal-access/correct-answers"
    offered = content(await api.get(f"onboardings/{before.id}"))["allowedActions"]
    assert f"/api/{path}" in [a["href"] for a in offered]
    assert (await api.post(path, {"answers": {"operatorId": "contoso-2"}, "reason": "A slip."})).status_code == 200
    page = await see(api, f"dashboard/{before.id}")
    form = page.partition(f'id="do-correct-answers-{STEP}"')[2].partition("</form>")[0]
    seen = re.search(r'name="seen" value="([^"]+)"', form)
    assert seen
    sent = {"csrf": field(page, "csrf"), "action": "correct-answers", "step": STEP, "reason": "A slip.", **TYPED}
    sent |= {"seen": seen[1], "answers.formNumber": "F13"}
    assert (await send(api, f"dashboard/{before.id}/actions", **sent)).status_code == 303
    record = await api.system.run(before.id)
    assert (record.answer("operatorId"), record.answer("formNumber")) == ("contoso-2", "F13")
    assert (record.state, record.closed_at, record.version) == (before.state, before.closed_at, before.version + 2)
    assert [s.state for s in record.steps] == [s.state for s in before.steps]
    assert len(api.system.outside.notifier.mails) == told
    events = content(await api.get(f"onboardings/{record.id}/events"))["events"]
    assert [e["version"] for e in events] == list(range(1, record.version + 1))
    assert events[-2]["detail"] == "Operator ID: contoso-2 (before: contoso-1)\nA slip."
    stands = [await api.system.onboardings.get(partition, record.id) is not None for partition in ("open", "closed")]
    assert stands == [False, True]


async def test_the_answers_of_a_cancelled_onboarding_stay(api: Api) -> None:
    record = await confirmed(api)
    assert (await api.post(f"onboardings/{record.id}/cancel", {"reason": "no"})).status_code == 200
    path = f"onboardings/{record.id}/steps/{STEP}/correct-answers"
    refused = await api.post(path, {"answers": {"formNumber": "F13"}, "reason": "A slip."})
    assert (refused.status_code, "can't be corrected any more" in content(refused)["detail"]) == (409, True)


async def test_a_step_that_asks_for_nothing_has_nothing_to_correct(api: Api) -> None:
    record = await confirmed(api)
    path = f"onboardings/{record.id}/steps/add-domain/correct-answers"
    refused = await api.post(path, {"answers": {"formNumber": "F1"}, "reason": "x"})
    assert (refused.status_code, "asks for something" in content(refused)["detail"]) == (409, True)
    assert (await api.post(path.replace("add-domain", "none"), {"reason": "x"})).status_code == 404


async def test_who_comes_next_is_told_what_was_answered() -> None:
    system = System()
    record = await waiting_for_people(system)
    for step, answers in ((STEP, {}), ("portal-access", {"operatorId": "contoso-1"})):
        await system.engine.happen(record.id, Confirmed(step, "ada", "", answers))
    assert (await system.run(record.id)).closed
    told = {m.title: ("Operator ID", "contoso-1") in m.values for _, m in system.outside.notifier.mails}
    assert [title for title, there in told.items() if there] == [
        "contoso-acg: voice.admin@contoso.com's turn — Enter the application ids in the Operator Connect portal",
        "contoso-acg: your turn — Enter the application ids in the Operator Connect portal",
        "contoso-acg is connected",
    ]
