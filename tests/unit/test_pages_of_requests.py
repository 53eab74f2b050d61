"""The pages on which onboardings are requested: who gets there, what they take, and that nothing typed is lost."""

from __future__ import annotations

import copy
import html
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from onboarding.core.events import CancelRequested
from onboarding.core.record import OnboardingState
from onboarding.core.request_csv import csv_of
from onboarding.core.request_fields import columns_explained
from onboarding.hourly import HourlyLimit
from onboarding.http.bodies import MAX_UPLOAD
from onboarding.kinds import KINDS
from onboarding.kinds.examples import OWN_SBC
from onboarding.memory import MemoryTable
from onboarding.pages.request_shown import asked_by
from onboarding.planning.store import KeptPlan, Plans
from onboarding.ports import BusUnavailableError
from tests.support import requests
from tests.support.http import Api, app_settings
from tests.unit.test_request_fields import typed_of

FORM = "application/x-www-form-urlencoded"
SBC = "session-border-controller"
EDGE = "a1b2c3"
WITH_FILE = f"multipart/form-data; boundary={EDGE}"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----"
BAD = "</textarea><script>alert(1)</script>"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch, settings=app_settings(sandbox_user="olga.operator", link_key="k" * 40))


class Answer:
    def __init__(self, answer: Any) -> None:
        self.status = answer.status_code
        self.raw = answer.get_body().decode()
        self.text = html.unescape(self.raw)
        self.location = answer.headers.get("location", "")

    def value(self, name: str) -> str:
        """What stands in a field."""
        found = re.search(rf'name="{re.escape(name)}"[^>]*value="([^"]*)"', self.raw)
        assert found, name
        return html.unescape(found[1])

    def beside(self, place: str) -> str:
        """What is wrong, beside a field or a part."""
        found = re.search(rf'id="{place}-wrong">([^<]*)<', self.raw)
        return html.unescape(found[1]) if found else ""


async def get(api: Api, path: str, user: str = "olga.operator") -> Answer:
    return Answer(await api.get(path, accept="text/html", cookie=f"sandbox-user={user}"))


async def token(api: Api) -> str:
    found = re.search(r'name="csrf" value="([^"]*)"', (await get(api, "request")).raw.partition('id="main"')[2])
    assert found
    return found[1]


async def send(api: Api, fields: Mapping[str, str], do: str = "plan", kind: str = SBC) -> Answer:
    sent = {"csrf": await token(api), "kind": kind, "do": do, **fields}
    return Answer(await api.post("request/form", urlencode(sent).encode(), content_type=FORM, accept="text/html"))


async def upload(api: Api, path: str, file: bytes = b"", **fields: str) -> Answer:
    """As a browser sends a form with a file."""
    sent = {"csrf": await token(api), **fields}
    parts = [f'Content-Disposition: form-data; name="{n}"\r\n\r\n{v}'.encode() for n, v in sent.items()]
    parts.append(b'Content-Disposition: form-data; name="file"; filename="it"\r\n\r\n' + file)
    body = b"".join(b"--" + EDGE.encode() + b"\r\n" + part + b"\r\n" for part in parts) + f"--{EDGE}--\r\n".encode()
    return Answer(await api.post(path, body, content_type=WITH_FILE, accept="text/html"))


async def planned(api: Api, answer: Answer) -> KeptPlan:
    """The plan that a form led to."""
    assert answer.status == 303, answer.text[:3000]
    plan = await api.system.engine.plans.load(answer.location.removeprefix("/api/planned/"))
    assert plan
    return plan


def sbc(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(OWN_SBC), **changes}


def another(n: int) -> dict[str, Any]:
    """A request for a domain, and with numbers, of its own."""
    text = json.dumps(OWN_SBC).replace("voice.contoso", f"voice{n}.contoso").replace("contoso-sbc", f"contoso-{n}")
    made: dict[str, Any] = json.loads(text.replace("+442079460", f"+44207946{n}"))
    return made


# -- who, and the form ------------------------------------------------------------------------------------------------

PATHS = ("request", f"request/form?kind={SBC}", "request/table", "request/template")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("user", "may"),
    [("olga.operator", True), ("sam.submitter", True), ("adam.approver", False), ("rita.reader", False)],
)
async def test_only_whoever_may_request_gets_there_and_is_led_there(api: Api, path: str, user: str, may: bool) -> None:
    assert (await get(api, path, user)).status == (200 if may else 403)
    assert ('href="/api/request"' in (await get(api, "dashboard", user)).raw) is may


@pytest.mark.parametrize("path", ["request", "request/form", "request/table"])
async def test_a_form_of_elsewhere_is_refused(api: Api, path: str) -> None:
    kind = FORM if path == "request/form" else WITH_FILE
    body = b"csrf=x&kind=x" if kind == FORM else f"--{EDGE}--\r\n".encode()
    answer = await api.post(path, body, content_type=kind, accept="text/html")
    assert answer.status_code == 403
    elsewhere = await api.post(path, body, content_type=kind, sec_fetch_site="cross-site", origin="https://evil.example")
    assert elsewhere.status_code == 403


async def test_a_form_that_is_filled_in_becomes_a_plan(api: Api) -> None:
    answer = await send(api, typed_of(asked_by(SBC), sbc()))
    plan = await planned(api, answer)
    assert plan.request == requests.parsed(sbc())
    assert (plan.asked_by, plan.start) == ("olga.operator@contoso.com", None)
    assert await api.system.engine.records.load(plan.request.gateway.onboarding_id) is None


@pytest.mark.parametrize("kind", ["communications-gateway", SBC])
async def test_an_empty_form_shows_every_mistake_beside_its_field(api: Api, kind: str) -> None:
    answer = await send(api, {}, kind=kind)
    assert answer.status == 400
    assert "Nothing was planned yet." in answer.text
    assert answer.beside("f-gateway-name") == "Name is needed: 3 to 24 letters (A to Z), digits or hyphens."
    assert "operatorConnect" in answer.beside("f-services")
    assert '<a href="#f-gateway-name">Gateway, Name</a>' in answer.raw
    assert re.search(r'id="f-gateway-name"[^>]*aria-invalid="true" aria-describedby="f-gateway-name-wrong ', answer.raw)


async def test_nothing_that_was_typed_is_lost_and_none_of_it_is_markup(api: Api) -> None:
    typed = typed_of(asked_by(SBC), sbc())
    typed |= {"gateway.name": BAD, "gateway.trunks[1].port": "50 61", "adminUser": '"><b>', "certificate": BAD}
    typed |= {"environment": BAD, "application.roles#Nothing": "on"}
    answer = await send(api, typed)
    assert answer.status == 400
    assert "<script>alert" not in answer.raw
    assert answer.value("gateway.name") == BAD
    assert answer.value("gateway.trunks[1].port") == "50 61"
    assert answer.value("adminUser") == '"><b>'
    assert "whole number" in answer.beside("f-gateway-trunks-1-port")
    assert 'name="application.roles#Nothing" value="on" checked' in answer.raw
    assert answer.value("services.operatorConnect.testLines[5].phoneNumber") == "+442079460706"


async def test_a_private_key_is_not_shown_again(api: Api) -> None:
    answer = await send(api, {**typed_of(asked_by(SBC), sbc()), "certificate": KEY})
    assert "MIIEvQ" not in answer.raw
    assert answer.beside("f-certificate").startswith("Certificate holds a private key")
    for path, fields in (("request", {}), ("request/table", {"kind": SBC})):
        answer = await upload(api, path, text=json.dumps({"certificate": KEY}), **fields)
        assert answer.status == 400
        assert "MIIEvQ" not in answer.raw


async def test_a_row_is_added_and_removed_without_script_and_the_reader_goes_on_there(api: Api) -> None:
    typed = typed_of(asked_by(SBC), sbc())
    more = await send(api, {**typed, "gateway.name": "half-"}, "add gateway.trunks")
    assert more.status == 200
    assert more.value("gateway.name") == "half-"
    assert more.value("gateway.trunks[2].fqdn") == ""
    assert re.search(r'name="gateway.trunks\[2\].fqdn"[^>]* autofocus', more.raw)
    assert more.raw.count("autofocus") == 1
    less = await send(api, typed, "remove gateway.trunks[0]")
    assert less.value("gateway.trunks[0].fqdn") == "sbc2.voice.contoso.example"
    assert "gateway.trunks[1].fqdn" not in less.raw
    line = await send(api, {}, "add services.teamsPhoneMobile.testLines")
    assert re.search(r'name="services.teamsPhoneMobile.testLines\[0\].name"[^>]* autofocus', line.raw)
    # Else nobody would see it.
    assert 'id="f-services-teamsPhoneMobile" open' in line.raw
    assert 'id="f-services-operatorConnect" open' not in line.raw


async def test_a_check_tells_that_it_would_be_taken_and_what_is_worth_a_look(api: Api) -> None:
    await api.system.request(requests.parsed(another(1)))
    same = json.loads(json.dumps(another(2)).replace("+442079462", "+442079461"))
    same["gateway"]["trunks"].pop()
    answer = await send(api, typed_of(asked_by(SBC), same), "check")
    assert answer.status == 200
    assert "It would be taken as it is." in answer.text
    assert "names one trunk" in answer.text
    assert "stand in the onboarding" in answer.text
    wrong = await send(api, {}, "check")
    assert (wrong.status, "Nothing was planned yet." in wrong.text) == (200, True)


async def test_what_is_too_large_is_refused(api: Api) -> None:
    typed = {**typed_of(asked_by(SBC), sbc()), "notify.emails": "x" * 70_000}
    assert "bytes as JSON; at most" in (await send(api, typed)).text
    assert (await send(api, {"adminUser": "x" * MAX_UPLOAD})).status == 413
    assert (await upload(api, "request", b" " * MAX_UPLOAD)).status == 413
    assert (await send(api, {}, kind="no-such-kind")).status == 400


# -- copied -----------------------------------------------------------------------------------------------------------


async def test_the_page_of_an_onboarding_leads_to_a_form_filled_with_its_request(api: Api) -> None:
    record = (await api.system.request(requests.parsed(sbc()))).record
    path = f"request/form?from={record.id}"
    assert f'href="/api/{path}">Copy and edit</a>' in (await get(api, f"dashboard/{record.id}", "sam.submitter")).raw
    assert "Copy and edit" not in (await get(api, f"dashboard/{record.id}", "rita.reader")).raw
    answer = await get(api, path)
    assert answer.value("gateway.trunks[1].fqdn") == "sbc2.voice.contoso.example"
    assert answer.value("services.operatorConnect.testLines[5].phoneNumber") == "+442079460706"
    assert (await get(api, "request/form?from=nobody")).status == 404
    assert (await get(api, "request/form?from=nobody-0123456789")).status == 404
    assert (await get(api, "request/form?kind=%3Cb%3E")).status == 400


async def test_a_gateway_that_has_an_open_onboarding_is_not_planned_again(api: Api) -> None:
    record = (await api.system.request(requests.parsed(sbc()))).record
    answer = await send(api, typed_of(asked_by(SBC), sbc(byHand=True)))
    assert answer.status == 409
    assert f'href="/api/dashboard/{record.id}"' in answer.raw
    assert "has an onboarding already" in answer.text


async def test_a_closed_one_is_started_anew_with_changes(api: Api) -> None:
    record = (await api.system.request(requests.parsed(sbc()))).record
    await api.system.engine.happen(record.id, CancelRequested("ada", "Another admin."))
    while await api.system.deliver():
        pass
    page = await get(api, f"dashboard/{record.id}")
    assert f'href="/api/request/form?from={record.id}">Start anew with changes</a>' in page.raw
    typed = typed_of(asked_by(SBC), sbc(byHand=True))
    assert "would be its next run" in (await send(api, typed, "check")).text
    assert (await planned(api, await send(api, typed))).request.by_hand


# -- JSON -------------------------------------------------------------------------------------------------------------


async def test_json_opens_the_form_filled_in_or_is_planned_at_once(api: Api) -> None:
    text = json.dumps(sbc())
    file = b"\xef\xbb\xbf" + text.encode()
    for answer in (await upload(api, "request", text=text), await upload(api, "request", file)):
        assert answer.status == 200
        assert "It would be taken as it is." in answer.text
        assert answer.value("gateway.trunks[1].fqdn") == "sbc2.voice.contoso.example"
    assert (await planned(api, await upload(api, "request", text=text, do="plan"))).request == requests.parsed(sbc())


async def test_json_that_is_wrong_opens_the_form_with_what_is_wrong_beside_its_field(api: Api) -> None:
    answer = await upload(api, "request", text=json.dumps(sbc(adminUser="nobody")))
    assert answer.beside("f-adminUser").startswith("Admin user must be a user principal name")
    assert answer.value("adminUser") == "nobody"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "The body is not JSON"),
        ("[]", "must be an object"),
        ("", "A JSON object was expected"),
        (json.dumps({"gateway": {"kind": BAD}}), "gateway.kind: must be one of"),
        (json.dumps(sbc(adminUsers=BAD)), "did you mean 'adminUser'?"),
    ],
)
async def test_json_that_fits_no_form_stays_where_it_was_pasted(api: Api, text: str, why: str) -> None:
    answer = await upload(api, "request", text=text)
    assert answer.status == 400
    assert why in answer.text
    assert "<script>alert" not in answer.raw
    if text:
        assert html.unescape(answer.raw.partition('name="text"')[2].partition("</textarea>")[0]).endswith(text)


# -- a table ----------------------------------------------------------------------------------------------------------


def table(*bodies: dict[str, Any], separator: str = ";") -> bytes:
    return csv_of(asked_by(SBC), bodies, separator)


async def test_a_template_is_a_table_that_would_be_taken(api: Api) -> None:
    for kind in (SBC, "communications-gateway"):
        answer = await api.get(f"request/template?kind={kind}&separator=semicolon")
        assert answer.mimetype == "text/csv"
        assert answer.get_body().startswith(b"\xef\xbb\xbfgateway.kind;gateway.name;")
        report = await upload(api, "request/table", answer.get_body(), kind=kind)
        assert "All are right." in report.text
    assert (await get(api, "request/template?separator=x")).status == 400
    assert (await get(api, "request/template?kind=x")).status == 400


async def test_a_table_is_reported_line_by_line_and_nothing_is_started(api: Api) -> None:
    wrong = another(2)
    wrong["services"]["operatorConnect"]["testLines"][2]["phoneNumber"] = "442079462703"
    there = (await api.system.request(requests.parsed(another(3)))).record
    shared = json.loads(json.dumps(another(4)).replace("+442079464", "+442079461"))
    again = another(1)
    again["byHand"] = True
    report = await upload(api, "request/table", table(another(1), wrong, another(3), shared, again), kind=SBC)
    assert report.status == 200
    assert "5 requests: 2 wrong" in report.text
    assert "Line 11, column services.operatorConnect.testLines.phoneNumber: must be in E.164 form" in report.text
    assert "Excel takes it away" in report.text
    assert f'<a href="/api/dashboard/{there.id}">contoso-3</a> is running' in report.raw
    assert "The request in line 2 of this table has +442079461701" in report.text
    assert "is the gateway of line 2 too, with something else" in report.text
    assert re.findall(r'name="line (\d+)" value="on"( checked)?', report.raw) == [("2", ""), ("23", "")]
    assert "All that are right (2)" in report.text
    assert await api.system.engine.records.load(requests.parsed(another(1)).gateway.onboarding_id) is None


async def test_when_all_are_right_all_are_chosen_and_started(api: Api) -> None:
    file = table(another(1), another(2))
    report = await upload(api, "request/table", file, kind=SBC)
    chosen = dict.fromkeys(re.findall(r'name="(line \d+)" value="on" checked', report.raw), "on")
    assert list(chosen) == ["line 2", "line 9"]
    text = html.unescape(re.search(r"<textarea name=\"text\" hidden>\n(.*?)</textarea>", report.raw, re.DOTALL)[1])  # type: ignore[index]
    done = await upload(api, "request/table", kind=SBC, text=text, do="start", **chosen)
    assert "2 requests: 2 taken" in done.text
    for n in (1, 2):
        loaded = await api.system.engine.records.load(requests.parsed(another(n)).gateway.onboarding_id)
        assert loaded
        assert loaded.record.request == requests.parsed(another(n))
        assert f'<a href="/api/dashboard/{loaded.record.id}">Open it' in done.raw
    # Sent twice, they are found.
    again = await upload(api, "request/table", kind=SBC, text=text, do="start", **chosen)
    assert (again.status, "None was chosen" in again.text) == (400, True)


async def test_only_what_is_right_and_chosen_is_planned_or_started(api: Api) -> None:
    wrong = {**another(2), "adminUser": "nobody"}
    text = table(another(1), wrong, another(3)).decode("utf-8-sig")
    none = await upload(api, "request/table", kind=SBC, text=text, do="start")
    assert (none.status, "None was chosen" in none.text) == (400, True)
    plans = await upload(api, "request/table", kind=SBC, text=text, do="plan", **{"line 16": "on", "line 9": "on"})
    (path,) = re.findall(r'Planned <a href="/api/planned/([^"]*)"', plans.raw)
    plan = await api.system.engine.plans.load(path)
    assert plan
    assert plan.request == requests.parsed(another(3))
    started = await upload(api, "request/table", kind=SBC, text=text, do="start", all="on")
    assert "2 taken" in started.text
    ids = [requests.parsed(another(n)).gateway.onboarding_id for n in (1, 2, 3)]
    states = [await api.system.engine.records.load(onboarding_id) for onboarding_id in ids]
    assert [found.record.state if found else None for found in states] == [
        OnboardingState.RUNNING,
        None,
        OnboardingState.RUNNING,
    ]


async def test_what_may_not_be_started_this_hour_says_so_and_the_others_go_on(api: Api) -> None:
    setting = "ONBOARDING_REQUESTS_PER_HOUR"
    limit = HourlyLimit(MemoryTable(), api.system.clock, 2, "Onboardings begun", setting)
    api.system.engine = replace(api.system.engine, requests=limit, plans=Plans(api.system.plans, limit))
    text = table(another(1), another(2), another(3)).decode("utf-8-sig")
    done = await upload(api, "request/table", kind=SBC, text=text, do="start", all="on")
    assert "2 taken" in done.text
    assert "Not started: " in done.text
    assert setting in done.text
    plans = await upload(api, "request/table", kind=SBC, text=text, do="plan", all="on")
    assert "Not planned: " in plans.text
    # A form stays as it was filled in.
    form = await send(api, typed_of(asked_by(SBC), another(3)))
    assert (form.status, form.value("gateway.name")) == (429, "contoso-3")
    assert "Nothing was planned." in form.text
    assert setting in form.text


async def test_what_a_silent_bus_does_not_take_is_told_and_nothing_is_lost(api: Api) -> None:
    text = table(another(1)).decode("utf-8-sig")
    silent = BusUnavailableError("no answer")
    api.system.bus.faults.add("publish", silent, silent)
    form = await send(api, typed_of(asked_by(SBC), another(1)))
    assert (form.status, "did not answer" in form.text) == (503, True)
    plans = await upload(api, "request/table", kind=SBC, text=text, do="plan", all="on")
    assert "Not planned: Table Storage or Service Bus did not answer." in plans.text


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "The file is empty."),
        (b"nothing\n1\n", "“nothing” is no column here"),
        ("gateway.name\nBüro\n".encode("cp1252"), "not in UTF-8"),
        (b"gateway.name\n\x00\n", "U+0000"),
        (BAD.encode(), "<script>"),
    ],
)
async def test_a_table_that_can_not_be_read_is_refused_and_stays(api: Api, file: bytes, why: str) -> None:
    answer = await upload(api, "request/table", file, kind=SBC)
    assert answer.status == 400
    assert why in answer.text
    assert "<script>alert" not in answer.raw
    assert "Nothing was started." in answer.text
    assert (await upload(api, "request/table", file, kind="no-such")).status == 400


def test_every_column_of_a_table_is_named_in_the_document() -> None:
    text = (Path(__file__).parents[2] / "docs" / "request.md").read_text(encoding="utf-8")
    rows = {row[0]: row[1:] for row in re.findall(r"^\| `([^`]+)` \| (both|`[^`]+`) \| (.*?) ?\|$", text, re.MULTILINE)}
    expected: dict[str, tuple[list[str], bool]] = {}
    for kind in KINDS:
        for name, _, several in columns_explained(asked_by(kind)):
            expected.setdefault(name, ([], several))[0].append(kind)
    assert rows == {
        name: ("both" if len(kinds) > 1 else f"`{kinds[0]}`", "below one another" if several else "")
        for name, (kinds, several) in expected.items()
    }
