"""What pages show: everything escaped, the right headers, and words for every state."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import quote

import azure.functions as func
import pytest

from onboarding.core.decide import decide
from onboarding.core.events import CancelRequested, ProblemReported
from onboarding.core.plan import StepKind
from onboarding.core.record import Problem, Record, StepState
from onboarding.http.openapi import description
from onboarding.http.routes import ROUTES
from onboarding.pages import assets
from onboarding.pages.responses import problem_page
from onboarding.pages.words import ago, brief_span, duration
from onboarding.ports import TxtRecord
from onboarding.records import Loaded
from onboarding.rows import OPEN
from onboarding.steps.add_domain import DomainFound
from onboarding.steps.assign_application_roles import RolesFound
from onboarding.steps.find_application_id import ApplicationFound
from tests.support import records, requests
from tests.support.http import Api, app_settings
from tests.support.records import NOW
from tests.support.system import finished

EVIL = """<script>alert('x')</script><img src=x onerror="y">{{ 7*7 }}&amp;"'</text></svg>"""
VOID = {"meta", "link", "input", "path", "circle", "rect", "line", "use", "br", "img"}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch, settings=app_settings(sandbox_user="olga.operator", link_key="k" * 40))


class Markup(HTMLParser):
    """What a browser would make elements and attributes of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.ids: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> ends nothing"
        assert self.open.pop() == tag, f"</{tag}> ends another element"

    def handle_data(self, data: str) -> None:
        self.text += data


async def page(api: Api, path: str, user: str = "olga.operator") -> func.HttpResponse:
    return await api.get(path, accept="text/html", cookie=f"sandbox-user={user}")


def text(answer: func.HttpResponse) -> str:
    return answer.get_body().decode()


async def keep(api: Api, record: Record) -> Record:
    await api.system.records.create(record)
    return record


def people_only() -> Record:
    """A record in which nothing goes on but a checkpoint."""
    record = records.new().record
    for _ in range(20):
        for step in record.steps:
            if step.state in (StepState.DUE, StepState.WAITING) and step.plan.kind is not StepKind.CHECKPOINT:
                record = records.finish(record, step.name)
    return record


def poisoned() -> Record:
    """A record with markup in every text that comes from a person or from Microsoft."""
    team = {"name": EVIL[:200], "email": "team@example.com"}
    record = records.after("add-application-ids", records.new(onboardingTeam=team).record)
    record = decide(record, ProblemReported("add-application-ids", EVIL, EVIL), NOW).record
    problem = Problem(code=EVIL, seen=EVIL, what_next=EVIL)
    txt = TxtRecord(name=EVIL, value=EVIL, ttl=3600)
    record = records.finding(record, "add-domain", DomainFound(domain=EVIL, txt_record=txt))
    record = records.finding(record, "find-application-id", ApplicationFound(application_id=EVIL))
    record = records.finding(record, "assign-application-roles", RolesFound(role_differences=(EVIL,)))
    steps = tuple(
        s.model_copy(update={"detail": EVIL, "problem": problem, "skipped_because": EVIL}) for s in record.steps
    )
    notices = tuple(n.model_copy(update={"problem": problem, "next_attempt_at": NOW}) for n in record.notices)
    gateway = record.request.gateway.model_copy(update={"name": EVIL, "resource_group": EVIL})
    request = record.request.model_copy(update={"gateway": gateway, "admin_user": EVIL})
    return record.model_copy(update={"steps": steps, "notices": notices, "request": request, "id": "evil-0123456789"})


async def evil_pages(api: Api) -> dict[str, str]:
    record = await keep(api, poisoned())

    async def load(_: str) -> Loaded:
        return Loaded(record, OPEN, "")

    # What the request's own rules refuse can't be read from the table; the pages don't rely on those rules.
    api.monkeypatch.setattr(api.system.records, "load", load)
    paths = [
        "dashboard",
        f"dashboard/{record.id}",
        f"onboardings/{record.id}/checkpoints/portal-access",
        f"onboardings/{record.id}/checkpoints/add-application-ids",
        f"onboardings/{record.id}/checkpoints/txt-record-visible",
        "dashboard?text=%3Cscript%3Ealert(1)%3C/script%3E%22%27",
        "dashboard?state=%3Cscript%3Ealert(1)%3C/script%3E",
        f"dashboard/{record.id}?x=%22%3E%3Cscript%3E",
        "onboardings/evil-0123456789/checkpoints/%3Cscript%3E",
    ]
    return {path: text(await page(api, path)) for path in paths}


async def test_a_users_text_never_becomes_markup(api: Api) -> None:
    for path, html in (await evil_pages(api)).items():
        seen = Markup(html)
        assert not seen.open, f"{path}: {seen.open} are not closed"
        assert seen.tags.count("script") == 1, path
        assert "img" not in seen.tags, path
        assert not [name for name, _ in seen.attributes if name.startswith("on") or name == "style"], path
        assert "onerror=&#34;y&#34;&gt;49" not in html, path


async def test_a_users_text_is_shown_as_it_was_written(api: Api) -> None:
    pages = await evil_pages(api)
    assert EVIL in Markup(pages["dashboard/evil-0123456789"]).text
    assert EVIL in Markup(pages["onboardings/evil-0123456789/checkpoints/add-application-ids"]).text


async def test_pages_are_well_formed_and_their_ids_unique(api: Api) -> None:
    system, record = await finished(requests.parsed(requests.operator_connect()), api.system)
    assert system is api.system
    paths = ["dashboard", f"dashboard/{record.id}", "docs", f"onboardings/{record.id}/checkpoints/portal-access"]
    for path in paths:
        seen = Markup(text(await page(api, path)))
        assert not seen.open, path
        assert len(seen.ids) == len(set(seen.ids)), path
        named = {value for name, value in seen.attributes if name in ("for", "aria-labelledby", "aria-describedby")}
        assert {one for value in named for one in value.split()} <= set(seen.ids), path
        assert seen.tags.count("h1") == 1, path
        assert seen.tags.count("main") == 1, path


UNSEEN = "\u202e\u2066\u200b\u200d\ufeff\u00ad\u061c\u2069\U000e0041"
"""Marks of direction, zero widths, tags: of Unicode's category Cf."""


async def test_no_page_shows_what_nobody_sees(api: Api) -> None:
    """People's texts, in the record and in an address; what they can be read as stays, in whatever script."""
    body = requests.operator_connect(
        onboardingTeam={"name": f"Te{UNSEEN}am 電 \U0001f600 سلام", "email": "t@example.com"}
    )
    accepted = await api.system.request(requests.parsed(body))
    reason = f"be{UNSEEN}cause"
    assert (await api.post(f"onboardings/{accepted.record.id}/pause", {"reason": reason})).status_code == 200
    assert (await api.system.record(accepted.record.id)).pause is not None
    shown = ""
    for path in (
        f"dashboard/{accepted.record.id}",
        f"onboardings/{accepted.record.id}/checkpoints/operator-information",
        f"dashboard?text={quote(reason)}",
        f"dashboard?state={quote(reason)}",
        f"dashboard/{quote(reason)}",
    ):
        seen = text(await page(api, path))
        assert not set(UNSEEN) & set(seen), path
        shown += seen
    assert "because" in shown
    assert "Team 電 \U0001f600 سلام" in shown


@pytest.mark.parametrize("path", ["dashboard", "docs", "dashboard/nothing-0123456789", "links", "links/forged"])
async def test_every_page_has_the_headers_that_bind_a_browser(api: Api, path: str) -> None:
    answer = await page(api, path)
    headers = answer.headers
    assert answer.mimetype == "text/html"
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


async def test_pages_load_nothing_from_elsewhere(api: Api) -> None:
    for path in ("dashboard", "docs"):
        seen = Markup(text(await page(api, path)))
        loaded = {value for name, value in seen.attributes if name in ("src", "action")}
        assert all(value.startswith("/api/") for value in loaded), path


async def test_files_of_the_pages_are_kept_for_good_under_a_name_of_their_content(api: Api) -> None:
    for name in ("pages.css", "pages.js", "icon.svg"):
        path = assets.url(name)
        answer = await api.get(path.removeprefix("/api/"))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert re.fullmatch(r"/api/assets/\w+\.[0-9a-f]{16}\.\w+", path)
    for unknown in ("pages.css", "nothing.js", "..%2fresponses.py"):
        assert (await api.get(f"assets/{unknown}")).status_code == 404


def test_the_functions_start_without_the_templates() -> None:
    code = "import function_app, sys; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False, timeout=60).returncode == 0


async def test_the_dashboard_says_who_is_waited_for_and_counts(api: Api) -> None:
    await keep(api, people_only())
    html = text(await page(api, "dashboard"))
    row = html.partition("<tbody")[2]
    assert "contoso-acg" in row
    assert "Waiting for people" in row
    assert "on Microsoft onboarding" in row
    assert re.search(r'href="/api/dashboard\?state=waiting-for-people"[^>]*>\s*<span class="number">1<', html)


async def test_what_is_pasted_into_the_dashboards_filter_may_have_blanks_around_it(api: Api) -> None:
    await api.post("onboardings", requests.lab())
    subscription = requests.lab()["gateway"]["subscriptionId"]
    assert (await api.get(f"onboardings?subscription=%20{subscription}")).status_code == 400
    answer = await api.get(f"dashboard?subscription=%20{subscription}%0A&text=%20acg%20")
    assert answer.status_code == 200
    assert requests.lab()["gateway"]["name"] in answer.get_body().decode()


async def test_the_dashboard_filters_sorts_and_pages_by_links(api: Api) -> None:
    for i in range(3):
        gateway = {"subscriptionId": requests.SUBSCRIPTION, "resourceGroup": "rg", "name": f"gw-{i}"}
        await keep(api, records.new(gateway=gateway).record)
    html = text(await page(api, "dashboard?limit=2"))
    assert [f">gw-{i}<" in html for i in range(3)] == [True, True, False]
    following = re.search(r'rel="next" href="/api/([^"]+)"', html)
    assert following
    assert ">gw-2<" in text(await page(api, following[1].replace("&amp;", "&")))
    assert ">gw-1<" in text(await page(api, "dashboard?text=gw-1"))
    assert "Nothing matches" in text(await page(api, "dashboard?state=completed"))
    assert 'aria-sort="descending"' in text(await page(api, "dashboard?sort=state&order=desc"))
    assert (await page(api, "dashboard?state=flying")).status_code == 400


async def test_the_page_of_an_onboarding_shows_what_stopped_it_and_what_to_do(api: Api) -> None:
    accepted = await api.system.request(requests.parsed(requests.operator_connect()))
    record = await api.system.run(accepted.record.id)
    assert record.step("enable-services").state is StepState.NEEDS_ATTENTION
    html = text(await page(api, f"dashboard/{record.id}"))
    assert "What was seen" in html
    assert "What to do" in html
    assert 'name="action" value="retry"' in html
    assert 'name="action" value="retry"' not in text(await page(api, f"dashboard/{record.id}", "rita.reader"))


async def test_a_skipped_step_says_why_and_a_cancelled_onboarding_too(api: Api) -> None:
    record = await keep(api, records.new(alreadyOnboarded=True).record)
    assert "onboarded already" in text(await page(api, f"dashboard/{record.id}"))
    await api.system.engine.happen(record.id, CancelRequested("ada", "The gateway is gone."))
    html = text(await page(api, f"dashboard/{record.id}"))
    assert "The gateway is gone." in html
    assert "Start again" in html


async def test_times_are_for_programs_and_for_people(api: Api) -> None:
    record = await keep(api, records.after("operator-information"))
    html = text(await page(api, f"dashboard/{record.id}"))
    assert re.search(r'<time datetime="2026-03-02T09:00:00Z" title="[^"]*2 Mar 2026, 09:00:00 UTC">', html)


async def test_the_apis_page_names_every_operation_and_shows_examples(api: Api) -> None:
    html = text(await page(api, "docs"))
    for path, methods in description(ROUTES)["paths"].items():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in html, path
    assert "onboardingTeam" in html


async def test_one_without_a_role_can_still_switch_the_sandboxs_user(api: Api) -> None:
    answer = await page(api, "dashboard", "nick.nobody")
    assert answer.status_code == 403
    assert "/api/docs" in text(answer)
    assert 'action="/api/sandbox/user"' in text(await page(api, "docs", "nick.nobody"))


async def test_outside_the_sandbox_there_is_no_switch(api: Api) -> None:
    api.settings = app_settings()
    assert 'action="/api/sandbox/user"' not in text(await page(api, "docs"))


def test_a_problem_page_escapes_what_it_tells() -> None:
    html = text(problem_page(400, EVIL, EVIL))
    assert Markup(html).tags.count("script") == 1
    assert EVIL in Markup(html).text


def test_spans_are_said_as_people_do() -> None:
    said = {
        timedelta(seconds=1): "1 second",
        timedelta(seconds=59): "59 seconds",
        timedelta(minutes=61): "1 hour 1 minute",
        timedelta(days=1): "1 day",
        timedelta(days=9, hours=4, minutes=3): "9 days 4 hours",
        timedelta(days=20, hours=4): "20 days",
        timedelta(seconds=-5): "0 seconds",
    }
    assert {length: duration(length) for length in said} == said
    assert [brief_span(timedelta(seconds=s)) for s in (5, 120, 7200, 999999)] == ["5 s", "2 min", "2 h", "11 d"]
    assert ago(NOW, NOW) == "now"
    assert ago(NOW, NOW + timedelta(minutes=5)) == "5 minutes ago"
    assert ago(NOW, NOW - timedelta(minutes=5)) == "in 5 minutes"
