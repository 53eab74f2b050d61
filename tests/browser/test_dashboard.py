"""The dashboard with a crowd: found, filtered, sorted, paged, and refreshed under the reader's eyes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from onboarding.core.decide import decide
from onboarding.core.events import CancelRequested
from onboarding.core.record import OnboardingState
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


def rows(page: Page) -> Locator:
    return page.locator("table.list tbody tr")


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
    shown = {t.split("\n")[1].strip(): int(t.split("\n")[0]) for t in page.locator("#counts li").all_inner_texts()}
    assert shown == {LABELS[s]: counted[s] for s in OnboardingState if s is not OnboardingState.CANCELLED}


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

    page.get_by_label("Subscription").fill(SUBSCRIPTIONS[1])
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
    page = watch(still.base).open("/api/dashboard")
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
