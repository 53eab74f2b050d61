"""The dashboard with a crowd: found, filtered, sorted, paged, and refreshed under the reader's eyes."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from playwright.sync_api import Locator, Page, expect

from onboarding.core.decide import decide
from onboarding.core.events import CancelRequested
from onboarding.core.record import OnboardingState
from onboarding.core.request import Environment
from onboarding.standing import WaitsOn, open_waits
from tests.browser.conftest import CROWD, Still, Watch
from tests.support.crowd import SUBSCRIPTIONS

LABELS = {
    OnboardingState.RUNNING: "Running",
    OnboardingState.WAITING_FOR_PEOPLE: "Waiting for people",
    OnboardingState.WAITING_FOR_MICROSOFT: "Waiting for Microsoft",
    OnboardingState.NEEDS_ATTENTION: "Needs attention",
    OnboardingState.PAUSED: "Paused",
    OnboardingState.CANCELLING: "Being cancelled",
    OnboardingState.COMPLETED: "Completed",
    OnboardingState.DRIFTED: "Drifted",
    OnboardingState.CANCELLED: "Cancelled",
}
A_MINUTE = "01:00"
TEAM = {WaitsOn.ONBOARDING_TEAM}
PEOPLE = {OnboardingState.WAITING_FOR_PEOPLE}


def rows(page: Page) -> Locator:
    return page.locator("table.list tbody tr")


def cards(page: Page) -> dict[str, int]:
    """What the cards at the top say, by their names."""
    numbers, labels = (page.locator(f"#counts .{part}").all_inner_texts() for part in ("number", "name"))
    return {label.strip(): int(number) for number, label in zip(numbers, labels, strict=True)}


def names(page: Page) -> list[str]:
    return [name.strip() for name in rows(page).locator("th a").all_inner_texts()]


def every_page(page: Page) -> list[str]:
    """The names on this page and on all that follow."""
    found = names(page)
    while page.get_by_role("link", name="Next page").count():
        before = page.url
        page.get_by_role("link", name="Next page").click()
        expect(page).not_to_have_url(before)
        found += names(page)
    return found


def test_the_pages_hold_every_onboarding_once(still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/dashboard")
    found = every_page(page)
    assert Counter(found) == Counter(r.request.gateway.name for r in still.people)
    assert len(names(page)) < CROWD
    page.get_by_role("link", name="First page").click()
    expect(page.get_by_role("link", name="Next page")).to_be_visible()


def test_the_counts_at_the_top_are_those_of_all(still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/dashboard")
    counted = Counter(r.state for r in still.people)
    shown = cards(page)
    assert shown.pop("All") == sum(shown.values()) == len(still.people)
    assert shown == {LABELS[s]: counted[s] for s in OnboardingState}


def test_with_a_filter_the_cards_count_what_is_filtered(still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/dashboard")
    page.get_by_label("Environment").select_option(label="Lab")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("link", name="Clear")).to_be_visible()
    of_labs = Counter(r.state for r in still.people if r.request.environment is Environment.LAB)
    shown = cards(page)
    assert shown.pop("All") == sum(of_labs.values())
    assert shown == {LABELS[s]: of_labs[s] for s in OnboardingState}
    page.locator("#counts").get_by_role("link", name="Completed").click()
    expect(page.get_by_label("State")).to_have_value("completed")
    assert len(every_page(page)) == of_labs[OnboardingState.COMPLETED]


def test_whoever_waits_on_the_team_is_counted_and_found_though_a_branch_is_tried_again(
    still: Still, watch: Watch
) -> None:
    page = watch(still.base).open("/api/dashboard")
    wanted = {r.request.gateway.name for r in still.people if any(w.party in TEAM for w in open_waits(r))}
    assert any(r.state is OnboardingState.RUNNING for r in still.people if r.request.gateway.name in wanted)
    link = page.locator("#waits").get_by_role("link", name="The onboarding team")
    expect(link).to_contain_text(str(len(wanted)))
    link.click()
    expect(page.get_by_label("Waits on", exact=True)).to_have_value("onboarding-team")
    assert set(every_page(page)) == wanted


def test_a_row_shows_every_wait_with_the_error_beside_its_own_step(still: Still, watch: Watch) -> None:
    record = still.one(lambda r: len(open_waits(r)) > 1 and any(w.problem for w in open_waits(r)[1:]))
    first, *others = open_waits(record)
    page = watch(still.base).open(f"/api/dashboard?text={record.request.gateway.name}")
    row = rows(page).filter(has=page.get_by_role("link", name=record.request.gateway.name, exact=True))
    expect(row.locator(".wait")).to_contain_text(first.what)
    more = row.locator(".more-waits")
    expect(more).to_contain_text(f"+{len(others)} more: {others[0].what}")
    expect(more).to_contain_text(f", {others[0].name or others[0].on}, ")
    for wait in others:
        expect(more).to_contain_text(wait.what)
        if wait.problem:
            expect(more).to_contain_text(f"{wait.what} ({wait.problem.code})")
            expect(row.locator(".wait")).not_to_contain_text(wait.problem.code)


def test_overdue_and_escalated_are_marked_and_a_checkpoint_has_a_reminder(still: Still, watch: Watch) -> None:
    now = datetime.now(UTC)
    waits = {r.request.gateway.name: open_waits(r) for r in still.people if r.state in PEOPLE}
    escalated = next(name for name, found in waits.items() if found[0].escalated)
    page = watch(still.base).open(f"/api/dashboard?text={escalated}")
    row = rows(page).filter(has=page.get_by_role("link", name=escalated, exact=True))
    assert waits[escalated][0].is_overdue(now)
    expect(row).to_contain_text("Overdue")
    expect(row).to_contain_text("Escalated")
    expect(row.locator("td[data-label=Next]")).to_contain_text("reminder in")
    expect(page.get_by_text("Next check")).to_have_count(0)


def test_what_is_most_urgent_comes_first(still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/dashboard")
    expect(page.get_by_role("columnheader", name="State")).to_have_attribute("aria-sort", "ascending")
    states = rows(page).evaluate_all("(all) => all.map((row) => row.dataset.state)")
    place = [LABELS[s] for s in (OnboardingState.NEEDS_ATTENTION, OnboardingState.DRIFTED)]
    assert states[0] == place[0]
    ranks = [place.index(state) if state in place else len(place) for state in states]
    assert ranks == sorted(ranks)


def test_about_ten_rows_are_in_sight_on_a_laptop(still: Still, watch: Watch) -> None:
    window = watch(still.base, viewport={"width": 1280, "height": 800})
    page = window.open("/api/dashboard?waitsOn=admin-user")
    in_sight = "(all) => all.filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length"
    assert rows(page).evaluate_all(in_sight) >= 9
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_wrong_value_stays_in_its_field_with_an_error_beside_it(still: Still, watch: Watch, axe: str) -> None:
    page = watch(still.base, refusals=True).open("/api/dashboard?environment=test&state=running&sort=name")
    field = page.get_by_label("Environment")
    expect(field).to_have_value("test")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("production, lab"))
    expect(page.get_by_label("State")).to_have_value("running")
    expect(page.get_by_role("alert")).to_contain_text("?sort= is 'name'")
    expect(rows(page)).to_have_count(0)
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [v["id"] for v in found] == []
    field.select_option(label="Lab")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_label("Environment")).to_have_value("lab")
    expect(rows(page).first).to_be_visible()


def test_times_are_the_readers_own_and_utc_stays(still: Still, watch: Watch) -> None:
    page = watch(still.base, timezone_id="Asia/Tokyo").open("/api/dashboard")
    refreshed = page.locator("[data-refreshed] time")
    expect(refreshed).to_contain_text("GMT+9")
    utc = datetime.fromisoformat(str(refreshed.get_attribute("datetime")))
    assert str(refreshed.get_attribute("title")).endswith("UTC")
    local = utc.astimezone(timezone(timedelta(hours=9)))
    assert f"{local:%H:%M:%S}" in refreshed.inner_text()
    since = rows(page).locator("td[data-label=For] time").first
    expect(since).to_have_attribute("title", re.compile(r"GMT\+9 \(.* UTC\)"))
    expect(page.get_by_role("contentinfo")).to_contain_text("Asia/Tokyo")


def test_a_refresh_leaves_local_times_and_untouched_rows_as_they_are(still: Still, watch: Watch) -> None:
    window = watch(still.base, timezone_id="Asia/Tokyo")
    page = window.context.new_page()
    page.clock.install()
    window.go(page, "/api/dashboard?state=completed&sort=gateway")
    rows(page).first.evaluate("(row) => { row.marked = true }")
    before = page.locator("[data-refreshed]").inner_text()
    page.clock.fast_forward(A_MINUTE)
    expect(page.locator("[data-refreshed]")).not_to_have_text(before)
    expect(page.locator("[data-refreshed]")).to_contain_text("GMT+9")
    assert rows(page).first.evaluate("(row) => row.marked === true")


@pytest.mark.parametrize("state", list(OnboardingState))
def test_a_state_is_chosen(state: OnboardingState, still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/dashboard")
    page.get_by_label("State").select_option(label=LABELS[state])
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_label("State")).to_have_value(state.value)
    wanted = {r.request.gateway.name for r in still.people if r.state is state}
    assert set(every_page(page)) == wanted


def test_a_person_and_a_subscription_are_looked_for(still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/dashboard")
    page.get_by_role("searchbox").fill("voice-ops@fabrikam.example.com")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("link", name="Clear")).to_be_visible()
    of_fabrikam = [r for r in still.people if r.request.notify.emails == ("voice-ops@fabrikam.example.com",)]
    assert set(every_page(page)) == {r.request.gateway.name for r in of_fabrikam}

    page.get_by_label("Subscription").select_option(SUBSCRIPTIONS[1])
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_label("Subscription")).to_have_value(SUBSCRIPTIONS[1])
    both = {r.request.gateway.name for r in of_fabrikam if r.request.gateway.subscription == SUBSCRIPTIONS[1]}
    assert set(every_page(page)) == both

    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_role("searchbox")).to_have_value("")


def test_a_gateway_is_looked_for_by_a_part_of_its_name(still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/dashboard")
    page.get_by_role("searchbox").fill("LONDON")
    page.get_by_role("button", name="Filter").click()
    expect(rows(page).first).to_contain_text("london")
    wanted = {r.request.gateway.name for r in still.people if "london" in r.request.gateway.name}
    assert set(every_page(page)) == wanted


def test_nothing_found_says_so_and_leads_back(still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/dashboard?text=no+such+gateway")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    page.get_by_role("link", name="Show all of them").click()
    expect(rows(page).first).to_be_visible()


@pytest.mark.parametrize(("presses", "order"), [(0, "ascending"), (1, "descending"), (2, "ascending")])
def test_gateways_are_sorted_up_and_down_across_pages(presses: int, order: str, still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/dashboard?sort=gateway")
    heading = page.get_by_role("columnheader", name="Gateway")
    for press in range(presses):
        heading.get_by_role("link").click()
        expect(heading).to_have_attribute("aria-sort", ("descending", "ascending")[press % 2])
    expect(heading).to_have_attribute("aria-sort", order)
    found = every_page(page)
    # By their ids, which begin with a gateway's name, or a domain. Open onboardings may stand before closed ones.
    for closed in (False, True):
        ids = sorted((r.id for r in still.people if r.closed is closed), reverse=order == "descending")
        names_of = {r.id: r.request.gateway.name for r in still.people}
        expected = [names_of[id_] for id_ in ids]
        assert [n for n in found if n in expected] == expected


def test_the_longest_wait_is_shown_first(still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/dashboard")
    page.get_by_role("columnheader", name="For", exact=True).get_by_role("link").click()
    expect(page.get_by_role("columnheader", name="For", exact=True)).to_have_attribute("aria-sort", "ascending")
    since = rows(page).locator("td[data-label=For] time").evaluate_all("(all) => all.map((t) => t.dateTime)")
    assert since == sorted(since)
    assert since


def test_it_refreshes_itself_and_the_reader_keeps_their_place(still: Still, watch: Watch) -> None:
    window = watch(still.base)
    page = window.context.new_page()
    page.clock.install()
    window.go(page, "/api/dashboard?sort=gateway")
    shown = names(page)
    record = still.one(lambda r: r.active and r.request.gateway.name in shown[len(shown) // 2 : -1])
    row = rows(page).filter(has_text=record.request.gateway.name)
    link = rows(page).nth(shown.index(record.request.gateway.name) + 1).get_by_role("link").first
    link.focus()
    link.scroll_into_view_if_needed()
    page.get_by_role("searchbox").evaluate("(field) => { field.value = 'half a wo' }")
    before = page.evaluate("[scrollY, document.activeElement.href]")

    cancelled = decide(record, CancelRequested("olga", "the test"), datetime.now(UTC)).record
    still.people[still.people.index(record)] = cancelled
    url = f"{still.base}/api/onboardings/{record.id}/cancel"
    assert window.context.request.post(url, data={"reason": "the test"}).ok
    page.clock.fast_forward(A_MINUTE)
    expect(row).to_contain_text("Cancelled")
    assert page.evaluate("[scrollY, document.activeElement.href]") == before
    expect(page.get_by_role("searchbox")).to_have_value("half a wo")


def test_a_list_that_was_empty_fills_and_one_that_empties_says_so(still: Still, watch: Watch) -> None:
    record = still.one(lambda r: not r.closed and r.state is OnboardingState.WAITING_FOR_PEOPLE)
    name = record.request.gateway.name
    window = watch(still.base)
    emptied, filled = window.context.new_page(), window.context.new_page()
    for page, state in ((emptied, record.state), (filled, OnboardingState.CANCELLED)):
        page.clock.install()
        window.go(page, f"/api/dashboard?state={state}&text={name}")
    expect(rows(emptied)).to_have_count(1)
    expect(filled.get_by_role("heading", name="Nothing matches")).to_be_visible()

    cancelled = decide(record, CancelRequested("olga", "the test"), datetime.now(UTC)).record
    still.people[still.people.index(record)] = cancelled
    url = f"{still.base}/api/onboardings/{record.id}/cancel"
    assert window.context.request.post(url, data={"reason": "the test"}).ok
    for page in (emptied, filled):
        page.clock.fast_forward(A_MINUTE)
    expect(rows(filled)).to_contain_text([name])
    expect(emptied.get_by_role("heading", name="Nothing matches")).to_be_visible()
