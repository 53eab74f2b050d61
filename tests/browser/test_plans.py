"""Plans: what an onboarding would change, looked at and started from a page; with script, without, and by keyboard."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from onboarding.planning.store import PLANS_TABLE, KeptPlan, Plans
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID
from sandbox.cloud import Cloud
from tests.browser.conftest import Still, Watch, base_of, stands, tables
from tests.browser.inbox import awaited
from tests.browser.test_answers import barriers
from tests.browser.test_controls import unfold
from tests.browser.test_everybody import tab_to
from tests.journeys.test_sbc import below_contoso
from tests.support.people import Operator, Simulator

Json = dict[str, Any]
SYNERGY = "Add the Project Synergy application"
SMALL = {"viewport": {"width": 320, "height": 640}}
A_MINUTE = "01:00"
each_script = pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])


@pytest.fixture
def body(living: Cloud, microsoft: Simulator, operator: Operator, request: pytest.FixtureRequest) -> Iterator[Json]:
    with of_its_own(living, microsoft, operator, f"plan-{zlib.crc32(request.node.name.encode())}") as made:
        yield made


@contextmanager
def of_its_own(living: Cloud, microsoft: Simulator, operator: Operator, label: str) -> Iterator[Json]:
    """A request for a domain of its own; what came of it is cancelled in the end."""
    made = below_contoso(living.ports.trunks, label)
    made["gateway"]["name"] = label
    for trunk in made["gateway"]["trunks"]:
        microsoft.call("PUT", "/dns", {"name": trunk["fqdn"], "a": ["127.0.0.1"]})
    yield made
    operator.client.post(f"/onboardings/{id_of(operator, made)}/cancel", json={"reason": "the test is over"})


def id_of(operator: Operator, body: Json) -> str:
    return str(operator.client.post("/onboardings", json=body, params={"validateOnly": "true"}).json()["onboardingId"])


def planned(operator: Operator, body: Json) -> Json:
    """A plan that is made."""
    asked = operator.client.post("/plans", json=body)
    assert asked.status_code == 202, asked.text
    return awaited(lambda: ready(operator, asked.json()["id"]), "the plan")


def ready(operator: Operator, plan_id: str) -> Json | None:
    plan = operator.client.get(f"/plans/{plan_id}").json()
    return plan if plan["state"] == "ready" else None


def made_anew(operator: Operator, page: Page, script: bool) -> None:
    """The plan whose page this is has been made; without script, somebody presses Refresh."""
    awaited(lambda: ready(operator, page.url.rpartition("/")[2]), "the plan")
    if not script:
        page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Made")


def put(still: Still, plan: KeptPlan) -> None:
    async def write() -> None:
        async with tables(still.cloud, PLANS_TABLE) as (table,):
            await Plans(table).keep(plan)

    # Playwright keeps an event loop in this thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, write()).result()


def test_a_plan_that_is_coming_appears_by_itself(still: Still, watch: Watch) -> None:
    coming = still.plans["coming"].model_copy(update={"id": Plans.new_id(still.plans["coming"].asked_at)})
    put(still, coming)
    window = watch(still.base)
    page = window.context.new_page()
    page.clock.install()
    window.go(page, f"/api/planned/{coming.id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Being made")
    put(still, still.plans["ready"].model_copy(update={"id": coming.id}))
    page.clock.fast_forward("00:03")
    expect(page.get_by_role("heading", name="What would be changed")).to_be_visible()
    expect(page.get_by_role("heading", name="Microsoft is being looked at")).to_have_count(0)
    expect(page.get_by_role("status")).to_have_text("Plan: Made")
    page.get_by_text("Azure CLI", exact=True).last.click()
    page.clock.fast_forward(A_MINUTE)
    expect(page.locator("#made details[open]")).to_have_count(1)


@each_script
def test_an_onboarding_is_started_by_its_plan(
    living: Cloud, operator: Operator, watch: Watch, body: Json, script: bool
) -> None:
    plan = planned(operator, body)
    page = watch(base_of(living), java_script_enabled=script).open(f"/api/planned/{plan['id']}")
    changes = page.get_by_role("table", name="Every change, in the order of the steps")
    values = [value for step in plan["steps"] for change in step["changes"] for value in change["values"]]
    expect(changes.get_by_role("row")).to_have_count(1 + len(values))
    expect(changes).to_contain_text("POST /servicePrincipals")
    page.get_by_role("button", name="Start the onboarding").click()
    made_anew(operator, page, script)
    expect(page.get_by_role("heading", name="The onboarding has started")).to_be_visible()
    expect(page.get_by_role("button", name="Start the onboarding")).to_have_count(0)
    page.get_by_role("link", name="Open the onboarding").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(body["gateway"]["name"])
    assert operator.get(id_of(operator, body))["requestedBy"] == "olga.operator@contoso.com"


@each_script
def test_one_whose_world_has_changed_is_refused_with_the_differences(
    living: Cloud, microsoft: Simulator, operator: Operator, watch: Watch, axe: str, body: Json, script: bool
) -> None:
    plan = planned(operator, body)
    page = watch(base_of(living), java_script_enabled=script, **SMALL).open(f"/api/planned/{plan['id']}")
    microsoft.call("PUT", "/service-principals", {"appId": PROJECT_SYNERGY_APP_ID})
    page.get_by_role("button", name="Start the onboarding").click()
    made_anew(operator, page, script)
    refused = page.get_by_role("region", name="The onboarding has not started")
    expect(refused).to_contain_text("is not what was planned")
    gone = refused.get_by_role("row").filter(has_text="add-project-synergy")
    expect(gone).to_contain_text("planned, and not to be done now")
    assert operator.client.get(f"/onboardings/{id_of(operator, body)}").status_code == 404
    if script:
        assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["viewport"]["width"]
        assert barriers(page, axe) == []


def test_a_plan_is_read_and_started_by_keyboard_alone(
    living: Cloud, operator: Operator, watch: Watch, body: Json
) -> None:
    page = watch(base_of(living)).open(f"/api/planned/{planned(operator, body)['id']}")
    tab_to(page, "button", "Start the onboarding")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The onboarding has started")).to_be_visible()
    tab_to(page, "link", "Open the onboarding")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(body["gateway"]["name"])


def test_no_plan_and_no_step_by_hand_has_a_barrier(still: Still, watch: Watch, axe: str) -> None:
    window = watch(still.base)
    page = window.context.new_page()
    paths = [f"/api/planned/{plan.id}" for plan in still.plans.values()]
    for path in (*paths, f"/api/dashboard/{still.trunked['by hand'].id}"):
        window.go(page, path)
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
        assert barriers(page, axe) == [], path
        page.emulate_media(color_scheme="dark")
        assert barriers(page, axe) == [], f"{path} in the dark"
        page.emulate_media(color_scheme="light")


def test_whoever_reads_may_look_and_not_start(still: Still, watch: Watch) -> None:
    window = watch(still.base, user="rita.reader", refusals=True)
    page = window.open(f"/api/planned/{still.plans['ready'].id}")
    expect(page.get_by_role("heading", name="What would be changed")).to_be_visible()
    expect(page.get_by_role("button", name="Start the onboarding")).to_have_count(0)
    closed = still.trunked["given up"]
    window.go(page, f"/api/dashboard/{closed.id}")
    expect(page.get_by_role("link", name="Start anew with changes")).to_have_count(0)
    assert window.go(page, f"/api/request/form?from={closed.id}") == 403


@each_script
def test_a_step_is_done_by_hand_and_found_done(
    living: Cloud, microsoft: Simulator, operator: Operator, watch: Watch, body: Json, script: bool
) -> None:
    onboarding_id = operator.post({**body, "byHand": True}).json()["id"]
    operator.until(onboarding_id, stands("add-project-synergy", "waiting"), confirm=False)
    page = watch(base_of(living), java_script_enabled=script, **SMALL).open(f"/api/dashboard/{onboarding_id}")
    card = page.get_by_role("region", name=f"{SYNERGY}: by hand")
    expect(card).to_contain_text("Invoke-MgGraphRequest -Method POST")
    expect(card).to_contain_text(PROJECT_SYNERGY_APP_ID)

    def look(becomes: str) -> None:
        form = unfold(page, f"It is done: look: {SYNERGY}")
        with page.expect_navigation():
            form.get_by_role("button").click()
        operator.until(onboarding_id, stands("add-project-synergy", becomes), confirm=False)
        page.reload()

    look(becomes="waiting")
    expect(card).to_be_visible()
    microsoft.call("PUT", "/service-principals", {"appId": PROJECT_SYNERGY_APP_ID})
    look(becomes="done")
    expect(card).to_have_count(0)
    if script:
        assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["viewport"]["width"]

