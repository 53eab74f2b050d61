"""A control stands once, as a row: a made-up one works everywhere without a change, and the documents agree."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import jsonschema
import pytest

from onboarding.controls import CONTROLS, by_operation
from onboarding.core.control import Control, ControlField, Input
from onboarding.core.draft import Draft
from onboarding.core.events import AskedByPerson
from onboarding.core.record import Record
from onboarding.core.roles import Role
from onboarding.core.rules import RULES, RefusedError
from onboarding.core.rules.transition import Transition
from onboarding.http import routes as routes_module
from onboarding.http.openapi import description
from onboarding.http.routes import routes
from tests.support import requests
from tests.support.controls import api_row
from tests.support.http import Api, app_settings, content
from tests.support.steps import STEPS

DOCS = Path(__file__).parents[2] / "docs"
OPERATION = "/onboardings/{id}/steps/{step}/flag"


@dataclass(frozen=True, slots=True)
class FlagRequested(AskedByPerson):
    step: str
    actor: str
    words: str
    loud: bool


def flag_requested(h: FlagRequested, draft: Draft) -> Transition | None:
    if h.words == "never":
        raise RefusedError("Never is no reason.")
    draft.set_step(h.step, note=h.words)
    return Transition("flagged", h.step, f"{h.words}{'!' if h.loud else ''}", h.actor)


FLAG = Control(
    "flag",
    "Flag",
    "Flag a step",
    "Everybody sees it.",
    role=Role.OPERATE,
    of_step=lambda record, step: step.name == record.steps[0].name and not step.note,
    event=FlagRequested,
    fields=(
        ControlField(
            "words", "Words", at="why", meaning="What to look at.", missing="Say what to look at.", example="the domain"
        ),
        ControlField("loud", "Loudly", input=Input.TICK, meaning="With a mark."),
    ),
)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """With one more row, and its rule."""
    monkeypatch.setitem(CONTROLS, FLAG.name, FLAG)
    monkeypatch.setitem(RULES, FlagRequested, flag_requested)  # type: ignore[arg-type]
    monkeypatch.setattr(routes_module, "ROUTES", routes())
    return Api(monkeypatch, settings=app_settings(sandbox_user="olga.operator", link_key="k" * 40))


async def requested(api: Api) -> Record:
    answer = await api.post("onboardings", requests.operator_connect())
    return await api.system.record(content(answer)["id"])


async def test_one_more_row_is_offered_and_taken_by_the_api(api: Api) -> None:
    record = await requested(api)
    first = record.steps[0].name
    path = f"onboardings/{record.id}"
    [offer] = [a for a in content(await api.get(path))["allowedActions"] if a["name"] == "flag"]
    assert offer == {
        "name": "flag",
        "step": first,
        "label": f"Flag: {STEPS[0].title}",
        "method": "POST",
        "href": f"/api/{path}/steps/{first}/flag",
    }
    where = offer["href"].removeprefix("/api/")
    for body, says in (
        (None, "The why has 0 characters; 1 to 1000 were expected."),
        ({"why": "x" * 1001}, "The why has 1001 characters"),
        ({"why": "x", "loud": "yes"}, "loud: must be true or false, without quotes; it is a text (seen: yes)"),
        ({"words": "x"}, "words: is no field here; expected is 'why' or 'loud'"),
    ):
        refused = await api.post(where, body)
        assert (refused.status_code, says in content(refused)["detail"]) == (400, True)
    assert (await api.post(where, {"why": "never"})).status_code == 409
    assert (await api.post(where, {"why": "x"}, if_match='"1-99.0"')).status_code == 412
    assert (await api.post(where, {"why": "x"}, cookie="sandbox-user=adam.approver")).status_code == 403
    assert (await api.post(where.replace(record.id, "none-0000000000"), {"why": "x"})).status_code == 404
    answer = await api.post(where, {"why": " the domain ", "loud": True})
    assert answer.status_code == 200
    assert "flag" not in {a["name"] for a in content(answer)["allowedActions"]}
    event = content(await api.get(f"{path}/events"))["events"][-1]
    assert (event["what"], event["step"], event["detail"]) == ("flagged", first, "the domain!")
    assert event["actor"] == "olga.operator@contoso.com"


async def test_one_more_row_is_a_form_of_the_page(api: Api) -> None:
    record = await requested(api)
    first, path = record.steps[0].name, f"dashboard/{record.id}"
    page = (await api.get(path, accept="text/html")).get_body().decode()
    form = page.partition(f'id="do-flag-{first}"')[2].partition("</details>")[0]
    assert f"Flag: {STEPS[0].title}" in form
    assert "Everybody sees it." in form
    assert re.search(r'<textarea[^>]* name="words"[^>]* maxlength="1000" required>', form)
    found = re.search(r'name="csrf" value="([^"]+)"', form)
    assert found
    sent = {"csrf": html.unescape(found[1]), "action": "flag", "step": first}
    form_type = "application/x-www-form-urlencoded"
    for words, says in ((" ", "Say what to look at."), ("x" * 1001, "at most 1000 are kept"), ("never", "Never is no")):
        refused = await api.post(
            f"{path}/actions", urlencode({**sent, "words": words}).encode(), content_type=form_type
        )
        assert refused.status_code == (409 if words == "never" else 400)
        assert says in refused.get_body().decode()
    body = urlencode({**sent, "words": "the domain", "loud": "on"}).encode()
    assert (await api.post(f"{path}/actions", body, content_type=form_type)).status_code == 303
    flagged = await api.system.record(record.id)
    assert (flagged.steps[0].note, flagged.tail[-1].detail) == ("the domain", "the domain!")
    reader = await api.get(path, accept="text/html", cookie="sandbox-user=adam.approver")
    assert "do-flag" not in reader.get_body().decode()


async def test_one_more_row_is_described(api: Api) -> None:
    document = content(await api.get("openapi.json"))
    assert document == description(routes())
    operation = document["paths"][OPERATION]["post"]
    assert (operation["operationId"], operation["summary"]) == ("flag_step", "Flag a step")
    assert set(operation["responses"]) == {"200", "400", "401", "403", "404", "409", "412", "413", "415", "503"}
    media = operation["requestBody"]["content"]["application/json"]
    assert media["schema"]["required"] == ["why"]
    assert media["schema"]["properties"]["why"]["description"] == "What to look at."
    for example in media["examples"].values():
        jsonschema.Draft202012Validator(media["schema"]).validate(example["value"])
    buttons = document["paths"]["/dashboard/{id}/actions"]["post"]["requestBody"]["content"]
    [form] = buttons.values()
    assert {"words", "loud"} <= set(form["schema"]["properties"])
    page = (await api.get("docs")).get_body().decode()
    assert 'id="flag_step"' in page


def test_without_the_row_there_is_none_of_it() -> None:
    assert OPERATION not in description(routes())["paths"]


# -- the documents -----------------------------------------------------------------------------------------------------


def test_every_control_is_documented_as_it_is() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    missing = [row for row in map(api_row, by_operation().values()) if row not in text]
    assert missing == [], "docs/api.md lacks these rows"
    for role in (Role.APPROVE, Role.OPERATE):
        names = ", ".join(f"`{c.name}`" for c in CONTROLS.values() if c.role is role)
        assert f"| `{role}` | {names} |" in text


def test_what_each_control_does_is_told() -> None:
    table = (DOCS / "how-it-works.md").read_text(encoding="utf-8").partition("## Controls\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    assert sorted(name for cell in cells for name in re.findall(r"`([^`]+)`", cell)) == sorted(CONTROLS)


@pytest.mark.parametrize("control", [c for c in CONTROLS.values() if c.event], ids=lambda c: c.name)
def test_a_control_stands_in_its_row_its_event_and_its_rule(control: Control) -> None:
    event = getattr(control.event, "__name__", "")
    package = DOCS.parent / "onboarding"
    found = {p for p in package.rglob("*.py") if re.search(rf"\b{event}\b", p.read_text(encoding="utf-8"))}
    rules = {p for p in found if p.parent == package / "core" / "rules"}
    assert len(rules) == 1
    assert found - rules == {package / "controls.py", package / "core" / "events.py"}


@pytest.mark.parametrize("control", CONTROLS.values(), ids=lambda c: c.name)
def test_a_row_is_of_a_step_or_of_the_whole(control: Control) -> None:
    assert (control.of_step is None) != (control.of_whole is None)
    assert ("{step}" in control.route) == (control.of_step is not None)
    assert control.event is None or (control.operation and control.summary)
    assert control.model is not None or not any(f.input in (Input.EMAILS, Input.PEM) for f in control.fields)
    assert (control.today is None) == (not control.shows)
