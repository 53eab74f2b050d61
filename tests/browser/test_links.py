"""Signed links: the onboarding team answers without signing in, once; with a link that is no good, one is told why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from onboarding.core.links import Link, sign
from sandbox.cloud import Cloud
from tests.browser.conftest import Watch, base_of, stands
from tests.browser.inbox import awaited, mailed_link
from tests.support.people import Operator, Simulator

Json = dict[str, Any]
TEAM = "team@example.com"


def step(record: Json, name: str) -> Json:
    return next(s for s in record["steps"] if s["name"] == name)


def test_the_onboarding_team_confirms_by_its_link_and_only_once(
    living: Cloud, microsoft: Simulator, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    link = mailed_link(microsoft, TEAM, "/api/links#")
    # Nobody is signed in: not even one of the sandbox's users has a role here.
    window = watch(base_of(living), user="nick.nobody", refusals=True)
    page = window.open(link)
    expect(page.get_by_role("main")).to_contain_text(record["gateway"]["name"])
    assert step(operator.get(record["id"]), "operator-information")["state"] == "waiting", "looking changed something"

    expect(page.get_by_role("heading", level=1)).to_have_text("Please send us the form for additional information")
    expect(page.get_by_role("main")).to_contain_text("Contoso is connecting its Azure Communications Gateway")
    expect(page.get_by_role("main")).to_contain_text("one answer, until ")
    page.get_by_role("textbox", name="Note").fill("All is in place with us.")
    page.get_by_role("textbox", name="Your name").fill("Nora North")
    page.get_by_role("button", name="The form was sent").click()
    expect(page.get_by_role("button", name="The form was sent")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    ended = step(operator.get(record["id"]), "operator-information")["turns"][0]
    assert (ended["state"], ended["note"]) == ("done", "All is in place with us.")
    assert ended["by"].endswith("(the onboarding team), who gave the name Nora North")

    assert window.go(page, link) >= 400
    expect(page.get_by_role("main")).to_contain_text("This link is used up")
    expect(page.get_by_role("main")).to_contain_text("by somebody who gave the name Nora North")
    expect(page.get_by_role("button", name="The form was sent")).to_have_count(0)
    assert "link-refused" in [e["what"] for e in operator.events(record["id"])]


def test_each_turn_of_theirs_has_a_link_of_its_own(
    living: Cloud, microsoft: Simulator, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    window = watch(base_of(living), user="nick.nobody")
    first = mailed_link(microsoft, TEAM, "/api/links#")
    page = window.open(first)
    page.get_by_role("button", name="The form was sent").click()
    expect(page.get_by_role("main")).to_contain_text("We fill the form in and return it to you.")
    operator.end_turn(record["id"], "operator-information", "form-returned")
    second = awaited(lambda: other_than(first, mailed_link(microsoft, TEAM, "/api/links#")), "the next link")
    window.go(page, second)
    expect(page.get_by_role("heading", level=1)).to_have_text("Please confirm that we are onboarded")
    page.get_by_label("Date of the confirmation").fill("2026-03-01")
    page.get_by_role("button", name="The onboarding is confirmed").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    ended = step(operator.get(record["id"]), "operator-information")
    assert (ended["state"], ended["answers"]) == ("done", {"confirmedOn": "2026-03-01"})


def test_the_admin_user_answers_by_the_link_that_they_are_sent(
    living: Cloud, microsoft: Simulator, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    operator.confirm(record["id"], "operator-information")
    operator.until(record["id"], stands("portal-access", "waiting"), confirm=False)
    page = watch(base_of(living), user="nick.nobody").open(
        mailed_link(microsoft, "voice.admin@contoso.com", "/api/links#")
    )
    expect(page.get_by_role("main")).to_contain_text("Check that you can sign in.")
    page.get_by_role("button", name="Confirm that it is done").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert "the admin user" in step(operator.get(record["id"]), "portal-access")["endedBy"]


def other_than(first: str, found: str) -> str | None:
    return found if found != first else None


def test_the_holder_of_a_link_reports_a_problem(
    living: Cloud, microsoft: Simulator, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    window = watch(base_of(living), user="nick.nobody", refusals=True)
    page = window.open(mailed_link(microsoft, TEAM, "/api/links#"))
    page.get_by_text("Report a problem").click()
    page.get_by_role("textbox", name="What is the problem?").fill("The form came back empty.")
    page.get_by_role("button", name="Report the problem").click()
    expect(page.get_by_role("button", name="Report the problem")).to_have_count(0)
    told = step(operator.get(record["id"]), "operator-information")
    assert told["state"] == "needs-attention"
    assert "The form came back empty." in told["problem"]["seen"]


def test_a_link_dies_with_its_checkpoint(
    living: Cloud, microsoft: Simulator, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    window = watch(base_of(living), user="nick.nobody", refusals=True)
    page = window.open(mailed_link(microsoft, TEAM, "/api/links#"))
    operator.confirm(record["id"], "operator-information", "by somebody of ours")
    page.get_by_role("textbox", name="Note").fill("Too late.")
    page.get_by_role("button", name="The form was sent").click()
    expect(page.get_by_role("main")).to_contain_text("The operator settled on")
    assert step(operator.get(record["id"]), "operator-information")["note"] == "by somebody of ours"


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("forged", "This link was not made by this application"),
        ("cut off", "This link was not made by this application"),
        ("expired", "This link was good until"),
        ("foreign", "This link belongs to no onboarding"),
    ],
)
def test_a_link_that_is_no_good_says_what_happened_and_whom_to_ask(
    kind: str, sentence: str, living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    now = datetime.now(UTC)
    good = Link(record["id"], "operator-information", 1, now + timedelta(days=1))
    key = living.settings["ONBOARDING_LINK_KEY"]
    token = {
        "forged": lambda: sign(good, "a key of somebody else's, as long as ours is"),
        "cut off": lambda: sign(good, key)[:-4],
        "expired": lambda: sign(Link(good.onboarding_id, good.step, 1, now - timedelta(seconds=1)), key),
        "foreign": lambda: sign(Link("0" * len(record["id"]), good.step, 1, good.expires_at), key),
    }[kind]()
    window = watch(base_of(living), user="nick.nobody", refusals=True)
    page = window.open(f"/api/links#{token}")
    main = page.get_by_role("main")
    expect(main).to_contain_text(sentence)
    expect(main).to_contain_text("Ask")
    assert_no_way_in(page)
    assert step(operator.get(record["id"]), "operator-information")["state"] == "waiting"
    refused = [e for e in operator.events(record["id"]) if e["what"] == "link-refused"]
    # What others signed may name any onboarding: nobody writes to a record by it.
    assert len(refused) == (1 if kind == "expired" else 0)


def test_no_server_is_sent_the_token_in_an_address(
    living: Cloud, microsoft: Simulator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    link = mailed_link(microsoft, TEAM, "/api/links#")
    token = link.partition("#")[2]
    window = watch(base_of(living), user="nick.nobody")
    addresses: list[str] = []
    # The browser tells a tool where its page is, fragment and all; what it sends has none.
    window.context.on("request", lambda sent: addresses.extend([sent.url.partition("#")[0], *sent.headers.values()]))
    page = window.open(link)
    expect(page.get_by_role("main")).to_contain_text(record["gateway"]["name"])
    page.get_by_role("button", name="The form was sent").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert len(addresses) > 3
    assert [address for address in addresses if token in address] == []


def test_without_script_the_link_is_pasted(
    living: Cloud, microsoft: Simulator, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    link = mailed_link(microsoft, TEAM, "/api/links#")
    page = watch(base_of(living), user="nick.nobody", java_script_enabled=False).open(link)
    page.get_by_role("textbox", name="The link").fill(link)
    page.get_by_role("button", name="Open").click()
    page.get_by_role("button", name="The form was sent").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert step(operator.get(record["id"]), "operator-information")["turns"][0]["state"] == "done"


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no script"])
def test_a_link_in_peoples_mail_that_has_its_token_in_the_path_still_works(
    scripted: bool,
    living: Cloud,
    microsoft: Simulator,
    operator: Operator,
    requested: Callable[..., Json],
    watch: Watch,
) -> None:
    record = requested(stands("operator-information", "waiting"))
    link = mailed_link(microsoft, TEAM, "/api/links#").replace("#", "/")
    page = watch(base_of(living), user="nick.nobody", java_script_enabled=scripted).open(link)
    if not scripted:
        page.get_by_role("button", name="Open").click()
    page.get_by_role("button", name="The form was sent").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert step(operator.get(record["id"]), "operator-information")["turns"][0]["state"] == "done"


def test_one_link_after_the_other_in_one_tab(
    living: Cloud, microsoft: Simulator, requested: Callable[..., Json], watch: Watch
) -> None:
    requested(stands("operator-information", "waiting"))
    link = mailed_link(microsoft, TEAM, "/api/links#")
    window = watch(base_of(living), user="nick.nobody", refusals=True)
    page = window.open("/api/links#forged")
    expect(page.get_by_role("main")).to_contain_text("This link was not made by this application")
    assert window.go(page, link) == 200
    expect(page.get_by_role("button", name="The form was sent")).to_be_visible()


def assert_no_way_in(page: Page) -> None:
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("textbox")).to_have_count(0)
    expect(page.get_by_role("link", name="Dashboard")).to_have_count(0)
