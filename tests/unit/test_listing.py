"""The list: what is found, in which order, page by page, and how many stand where."""

from __future__ import annotations

import base64
import copy
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from onboarding.core.record import OnboardingState
from onboarding.http import listing
from onboarding.http.search import Sort
from onboarding.memory import MemoryTable
from onboarding.ports import Page, Query, Row
from onboarding.rows import CLOSED, OPEN
from onboarding.standing import WaitsOn
from tests.support import requests
from tests.support.http import Api, content

OTHER = "0b7a6f1e-1111-4222-8333-9f4b8c1f0e63"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


async def request(api: Api, name: str, base: dict[str, Any] | None = None, **gateway: str) -> str:
    body = copy.deepcopy(base or requests.operator_connect())
    body["gateway"].update({"name": name, **gateway})
    answer = await api.post("onboardings", body)
    assert answer.status_code == 202, answer.get_body()
    return str(content(answer)["id"])


async def cancel(api: Api, onboarding_id: str) -> None:
    assert (await api.post(f"onboardings/{onboarding_id}/cancel", {"reason": "a test"})).status_code == 200


async def settle(api: Api) -> None:
    """Tell everybody who is owed a notice, so that closed onboardings leave the open ones."""
    for _ in range(5):
        await api.system.tick()
        await api.system.deliver()


async def found(api: Api, query: str = "") -> list[str]:
    """The gateways' names, over all pages."""
    names = list[str]()
    address: str | None = f"onboardings?{query}"
    while address:
        answer = await api.get(address)
        assert answer.status_code == 200, answer.get_body()
        page = content(answer)
        names += [o["gateway"] for o in page["onboardings"]]
        address = page["next"].partition("/api/")[2] if page["next"] else None
    return names


async def test_an_empty_list_is_a_list(api: Api) -> None:
    page = content(await api.get("onboardings"))
    nothing = {"counts": dict.fromkeys(OnboardingState, 0), "waitCounts": dict.fromkeys(WaitsOn, 0)}
    assert page == {"onboardings": [], **nothing, "cut": False, "next": None}


async def test_a_row_says_what_a_reader_needs_at_a_glance(api: Api) -> None:
    onboarding_id = await request(api, "contoso-acg")
    (row,) = content(await api.get("onboardings"))["onboardings"]
    record = content(await api.get(row["href"].removeprefix("/api/")))
    assert row["id"] == onboarding_id
    for name in ("version", "environment", "services", "state", "waitingFor", "waitingOn", "progress", "updatedAt"):
        assert row[name] == record[name], name
    assert row["armId"] == record["gateway"]["armId"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["a-lab", "b-mobile", "c-other", "d-ended"]),
        ("state=running", ["a-lab", "b-mobile", "c-other"]),
        ("state=cancelled", ["d-ended"]),
        ("state=cancelled,running", ["a-lab", "b-mobile", "c-other", "d-ended"]),
        ("state=cancelled&state=running&limit=1", ["a-lab", "b-mobile", "c-other", "d-ended"]),
        ("state=completed", []),
        ("environment=lab", ["a-lab"]),
        ("service=teamsPhoneMobile", ["a-lab", "b-mobile"]),
        ("service=operatorConnect", ["a-lab", "c-other", "d-ended"]),
        (f"subscription={OTHER}", ["c-other"]),
        (f"subscription={OTHER.upper()}", ["c-other"]),
        ("text=OTHER", ["c-other"]),
        ("text=grace", ["b-mobile"]),
        ("text=grace+mobile", ["b-mobile"]),
        ("text=grace+lab", []),
        ("text=escalation@", ["b-mobile"]),
        ("text=team@example.com", ["a-lab", "b-mobile", "c-other", "d-ended"]),
        ("text=%25", []),
        ("environment=production&service=operatorConnect&text=other", ["c-other"]),
        ("state=&subscription=&text=&sort=&limit=", ["a-lab", "b-mobile", "c-other", "d-ended"]),
        ("order=desc", ["d-ended", "c-other", "b-mobile", "a-lab"]),
    ],
)
@pytest.mark.parametrize("limit", ["", "&limit=1", "&limit=3"])
async def test_filters_find_what_fits_and_nothing_else(api: Api, query: str, names: list[str], limit: str) -> None:
    await cancel(api, await request(api, "d-ended"))
    await settle(api)
    assert len(await all_rows(api, CLOSED)) == 1
    await request(api, "a-lab", requests.lab())
    notify = {"emails": ["voice-ops@contoso.com"], "escalateTo": "escalation@contoso.com"}
    await request(api, "b-mobile", requests.teams_phone_mobile(adminUser="Grace.Hopper@contoso.com", notify=notify))
    await request(api, "c-other", subscriptionId=OTHER.upper())
    assert await found(api, query if "limit" in query else query + limit) == names


async def test_other_orders(api: Api) -> None:
    await cancel(api, await request(api, "d-ended"))
    await settle(api)
    for name in ("b-first", "a-second", "c-third"):
        await request(api, name)
        api.system.clock.advance(60)
    by_time = ["b-first", "a-second", "c-third"]
    for limit in (1, 2, 50):
        orders = {q: await found(api, f"limit={limit}&{q}") for q in ("sort=waiting", "sort=updated", "sort=state")}
        downwards = {q: await found(api, f"limit={limit}&order=desc&{q}") for q in orders}
        # One that waits for nothing stands last, whichever end of the others comes first.
        assert orders["sort=waiting"] == [*by_time, "d-ended"]
        assert downwards["sort=waiting"] == [*reversed(by_time), "d-ended"]
        assert orders["sort=updated"] == ["d-ended", *by_time]
        assert downwards["sort=updated"] == [*reversed(by_time), "d-ended"]
        assert orders["sort=state"] == ["a-second", "b-first", "c-third", "d-ended"]
        assert downwards["sort=state"] == ["d-ended", "c-third", "b-first", "a-second"]


async def test_one_that_stands_in_both_partitions_counts_once_as_the_open_one_says(api: Api) -> None:
    onboarding_id = await request(api, "contoso-acg")
    row = await api.system.onboardings.get(OPEN, onboarding_id)
    assert row is not None
    stale = Row(CLOSED, row.key, {**row.columns, "State": "cancelled"})
    await api.system.onboardings.upsert([stale])
    await request(api, "z-other")
    page = content(await api.get("onboardings"))
    assert [(o["gateway"], o["state"]) for o in page["onboardings"]] == [
        ("contoso-acg", "running"),
        ("z-other", "running"),
    ]
    assert page["counts"]["running"] == 2
    assert page["counts"]["cancelled"] == 0
    assert await found(api, "state=cancelled") == []
    assert await found(api, "sort=updated") == ["contoso-acg", "z-other"]


@pytest.mark.parametrize("query", ["", "sort=updated"])
async def test_one_that_is_moved_while_the_list_is_read_stands_in_it_once(
    api: Api, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    onboarding_id = await request(api, "contoso-acg")
    await cancel(api, onboarding_id)
    table, page = api.system.onboardings, api.system.onboardings.page

    async def moved_behind(query: Query, limit: int, continuation: str | None = None) -> Page:
        read = await page(query, limit, continuation)
        if query.partition == OPEN:
            row = await table.get(OPEN, onboarding_id)
            assert row is not None
            await table.upsert([Row(CLOSED, row.key, row.columns)])
            await table.delete(OPEN, onboarding_id)
        return read

    monkeypatch.setattr(table, "page", moved_behind)
    listed = content(await api.get(f"onboardings?{query}"))
    assert [o["gateway"] for o in listed["onboardings"]] == ["contoso-acg"]


async def test_one_that_ended_but_still_owes_a_notice_is_found_as_ended(api: Api) -> None:
    await cancel(api, await request(api, "contoso-acg"))
    assert await all_rows(api, CLOSED) == []
    assert await found(api, "state=cancelled") == ["contoso-acg"]


async def test_pages_hold_when_rows_come_and_go(api: Api) -> None:
    ids = {name: await request(api, name) for name in ("b-one", "d-two", "f-three", "h-four")}
    first = content(await api.get("onboardings?limit=2"))
    await request(api, "a-early")
    await request(api, "g-late")
    await api.system.onboardings.delete(OPEN, ids["d-two"])
    assert await found(api, first["next"].partition("?")[2]) == ["f-three", "g-late", "h-four"]


async def test_a_search_reads_on_from_the_middle_of_a_page_of_the_storage(api: Api) -> None:
    for number in range(12):
        await request(api, f"{'even' if number % 2 == 0 else 'odd'}-{number:02d}")
    names = await found(api, "text=odd&limit=4")
    assert names == [f"odd-{n:02d}" for n in range(1, 12, 2)]


async def test_the_next_page_continues_the_storages_own(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "three"):
        await request(api, name)
    asked: list[tuple[int, str | None]] = []
    real = MemoryTable.page

    async def page(self: MemoryTable, query: Query, limit: int, continuation: str | None = None) -> Page:
        asked.append((limit, continuation))
        return await real(self, query, limit, continuation)

    monkeypatch.setattr(MemoryTable, "page", page)
    next_ = content(await api.get("onboardings?limit=2"))["next"]
    assert content(await api.get(next_.partition("/api/")[2]))["onboardings"][0]["gateway"] == "two"
    # The second call begins at the storage's continuation, and then looks at the closed ones.
    assert asked[0] == (2, None)
    assert asked[1][0] == 2
    assert asked[1][1] is not None


async def test_more_than_can_be_sorted_is_said(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_READ", 2)
    for name in ("one", "two", "six"):
        await request(api, name)
    page = content(await api.get("onboardings?sort=updated"))
    assert page["cut"] is True
    assert len(page["onboardings"]) == 2


async def test_a_page_that_read_enough_without_finding_says_where_to_go_on(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_READ", 2)
    monkeypatch.setattr(listing, "MAX_PAGE", 2)
    for name in ("aaa", "bbb", "ccc", "ddd"):
        await request(api, name)
    page = content(await api.get("onboardings?text=ddd"))
    assert page["onboardings"] == []
    assert page["next"]
    assert await found(api, "text=ddd") == ["ddd"]


@pytest.mark.parametrize(
    "query",
    [
        "state=runing",
        "state=running;completed",
        "state=running,%20completed",
        "state=running,",
        "subscription=%201f0e9d8c-7b6a-4958-8473-62514f3e2d1c",
        "subscription=mine",
        "environment=test",
        "service=teams",
        "sort=name",
        "order=up",
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=ten",
        "limit=1e1",
        "limit=%D9%A1",
        f"text={'x' * 201}",
        "next=guessed",
        "next=W10",
        "next=%00",
        "next=W251bGxd",
    ],
)
async def test_what_cannot_be_asked_is_a_400_that_says_why(api: Api, query: str) -> None:
    answer = await api.get(f"onboardings?{query}")
    assert answer.status_code == 400
    detail = content(answer)["detail"]
    assert f"?{query.partition('=')[0]}=" in detail
    assert len(detail) < 400


async def test_a_next_of_another_search_is_refused(api: Api) -> None:
    for name in ("one", "two"):
        await request(api, name)
    for query in ("limit=1", "limit=1&sort=updated"):
        next_ = content(await api.get(f"onboardings?{query}"))["next"]
        after = dict(parse_qsl(urlsplit(next_).query))["next"]
        answer = await api.get(f"onboardings?{query}&state=running&next={after}")
        assert answer.status_code == 400
        assert "another search" in content(answer)["detail"]
        assert (await api.get(f"onboardings?{query}&limit=7&next={after}")).status_code in (200, 400)


def forged(answer: Any, *parts: Any) -> str:
    """A `next` of the same search as that of a page, but with these parts."""
    given = dict(parse_qsl(urlsplit(content(answer)["next"]).query))["next"]
    digest = json.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))[0]
    return base64.urlsafe_b64encode(json.dumps([digest, *parts]).encode()).decode().rstrip("=")


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("value", ["a", 1, True, None, 1.5, [], {}, "\ud800", "\n", 10**4000])
async def test_a_next_that_no_page_gave_is_a_page_or_a_400_and_never_an_error_of_ours(
    api: Api, sort: Sort, order: str, value: Any
) -> None:
    for name in ("one", "two", "six"):
        await request(api, name)
    query = f"onboardings?limit=1&sort={sort}&order={order}"
    first = await api.get(query)
    for parts in ((value, "key", None), ("a", value, None), (1, value, None), (OPEN, value, ""), (OPEN, None, value)):
        answer = await api.get(f"{query}&next={forged(first, *parts)}")
        assert answer.status_code in (200, 400), answer.get_body()


@pytest.mark.parametrize(("sort", "value"), [("updated", 1), ("state", "running"), ("state", True), ("waiting", 7)])
async def test_a_next_with_a_value_of_another_order_is_refused(api: Api, sort: str, value: Any) -> None:
    for name in ("one", "two"):
        await request(api, name)
    query = f"onboardings?limit=1&sort={sort}"
    after = forged(await api.get(query), value, "key", None)
    answer = await api.get(f"{query}&next={after}")
    assert answer.status_code == 400
    assert "which no page gave" in content(answer)["detail"]


@pytest.mark.parametrize("sort", ["updated", "waiting", "state"])
async def test_a_search_in_another_order_reads_no_more_rows_than_the_limit(
    api: Api, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(listing, "MAX_READ", 3)
    monkeypatch.setattr(listing, "MAX_PAGE", 2)
    for name in ("aaa", "bbb", "ccc", "ddd", "eee"):
        await request(api, name)
    read: list[int] = []
    page_of = MemoryTable.page

    async def seen(self: MemoryTable, query: Query, limit: int, continuation: str | None = None) -> Page:
        page = await page_of(self, query, limit, continuation)
        read.append(len(page.rows))
        return page

    monkeypatch.setattr(MemoryTable, "page", seen)
    page = content(await api.get(f"onboardings?sort={sort}&text=zzz"))
    assert sum(read) == 3
    assert (page["onboardings"], page["cut"]) == ([], True)


async def test_counts_are_read_at_most_every_ten_seconds(api: Api) -> None:
    await request(api, "one")
    assert content(await api.get("onboardings"))["counts"]["running"] == 1
    await request(api, "two")
    assert content(await api.get("onboardings"))["counts"]["running"] == 1
    api.system.clock.advance(timedelta(seconds=10).total_seconds())
    assert content(await api.get("onboardings"))["counts"]["running"] == 2


async def all_rows(api: Api, partition: str) -> list[Row]:
    return [row async for row in api.system.onboardings.rows(Query(partition))]
