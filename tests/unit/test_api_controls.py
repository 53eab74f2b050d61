"""An operator's controls over HTTP: what each takes, what it answers, and how it refuses."""

from __future__ import annotations

from typing import Any

import azure.functions as func
import pytest

from onboarding.core.events import DeadLettered
from tests.support import requests
from tests.support.http import Api, content
from tests.support.steps import BY_NAME

OLGA = "olga.operator@contoso.com"
TEAM = {"name": "A partner", "email": "partner@example.com"}
NOTIFY = {
    "emails": ["night@contoso.com"], "teams": False, "daily": False, "tellAdminUser": True,
    "escalateTo": "head@contoso.com",
}  # fmt: skip
CONTROLS: list[tuple[str, str, Any]] = [
    ("POST", "steps/enable-services/skip", {"reason": "done by hand"}),
    ("POST", "steps/portal-access/reopen", {"reason": "not after all"}),
    ("POST", "replay", None),
    ("POST", "pause", {"reason": "a freeze"}),
    ("POST", "resume", None),
    ("PUT", "contacts", {"onboardingTeam": TEAM, "notify": NOTIFY}),
]
IDS = [path.rpartition("/")[2] for _, path, _ in CONTROLS]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


async def requested(api: Api) -> str:
    """Path of an onboarding whose first step is due."""
    answer = await api.post("onboardings", requests.operator_connect())
    assert answer.status_code == 202
    return f"onboardings/{content(answer)['id']}"


async def closed(api: Api) -> str:
    path = await requested(api)
    assert content(await api.post(f"{path}/cancel", {"reason": "enough"}))["state"] == "cancelled"
    return path


def step(answer: func.HttpResponse, name: str) -> dict[str, Any]:
    return dict(next(s for s in content(answer)["steps"] if s["name"] == name))


async def last_event(api: Api, path: str) -> dict[str, Any]:
    return dict(content(await api.get(f"{path}/events"))["events"][-1])


async def test_a_step_is_skipped_with_a_reason_and_the_next_one_begins(api: Api) -> None:
    path = await requested(api)
    answer = await api.post(f"{path}/steps/enable-services/skip", {"reason": " selected at deployment "})
    assert answer.status_code == 200
    skipped = step(answer, "enable-services")
    assert (skipped["state"], skipped["skippedBecause"], skipped["endedBy"]) == (
        "skipped",
        "selected at deployment",
        OLGA,
    )
    assert step(answer, "add-test-lines")["state"] == "due"
    event = await last_event(api, path)
    assert (event["what"], event["step"], event["actor"]) == ("skipped", "enable-services", OLGA)


async def test_what_the_article_asks_for_is_skipped_only_by_insisting(api: Api) -> None:
    path = f"{await requested(api)}/steps/find-application-id/skip"
    for gentle in ({"reason": "by hand"}, {"reason": "by hand", "insist": False}):
        refused = await api.post(path, gentle)
        assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
        assert "Insist" in content(refused)["detail"]
    answer = await api.post(path, {"reason": "by hand", "insist": True})
    assert step(answer, "find-application-id")["state"] == "skipped"


async def test_each_step_says_when_it_may_be_skipped(api: Api) -> None:
    steps = content(await api.get(await requested(api)))["steps"]
    assert {s["name"]: s["mayBeSkippedWhen"] for s in steps} == {
        s.name: s.may_be_skipped_when for s in BY_NAME.values()
    }


async def test_a_skipped_step_is_reopened(api: Api) -> None:
    path = await requested(api)
    await api.post(f"{path}/steps/enable-services/skip", {"reason": "a mistake"})
    answer = await api.post(f"{path}/steps/enable-services/reopen", {"reason": "it was one"})
    assert step(answer, "enable-services")["state"] == "due"
    assert step(answer, "add-test-lines")["state"] == "pending"
    assert (await last_event(api, path))["detail"] == "it was one"


async def test_a_pause_says_who_and_why_until_it_is_resumed(api: Api) -> None:
    path = await requested(api)
    paused = content(await api.post(f"{path}/pause", {"reason": "a change freeze"}))
    assert paused["state"] == "paused"
    assert (paused["pause"]["by"], paused["pause"]["because"]) == (OLGA, "a change freeze")
    assert paused["pause"]["since"] < paused["pause"]["reminderAt"]
    assert [s["nextAttemptAt"] for s in paused["steps"]] == [None] * len(paused["steps"]), "nothing is attempted"
    assert paused["waitingFor"] == "Somebody to resume it"
    offered = {a["name"] for a in paused["allowedActions"]}
    assert "resume" in offered
    assert not offered & {"pause", "retry", "check", "replay"}
    resumed = content(await api.post(f"{path}/resume"))
    assert (resumed["state"], resumed["pause"]) == ("running", None)


async def test_what_was_given_up_is_sent_again(api: Api) -> None:
    path = await requested(api)
    onboarding_id = path.partition("/")[2]
    ticket = (await api.system.record(onboarding_id)).step("enable-services").ticket
    await api.system.engine.happen(onboarding_id, DeadLettered("enable-services", None, ticket, "too many deliveries"))
    given_up = content(await api.get(path))
    assert "too many deliveries" in given_up["lastError"]["seen"]
    assert [a["href"] for a in given_up["allowedActions"] if a["name"] == "replay"] == [f"/api/{path}/replay"]
    api.system.bus.take_due(api.system.clock.now())
    answer = await api.post(f"{path}/replay")
    assert step(answer, "enable-services")["nextAttemptAt"] == api.system.clock.now().isoformat().replace("+00:00", "Z")
    assert [m.effect.step for m in api.system.bus.take_due(api.system.clock.now())] == ["enable-services"]
    assert (await api.post(f"{path}/replay")).status_code == 200, "it is late, so it may be sent once more"


async def test_other_people_take_the_place_of_those_in_the_request(api: Api) -> None:
    path = await requested(api)
    answer = await api.put(f"{path}/contacts", {"onboardingTeam": TEAM, "notify": NOTIFY})
    assert answer.status_code == 200
    request = content(answer)["request"]
    assert (request["onboardingTeam"], request["notify"]) == (TEAM, NOTIFY)
    assert (await last_event(api, path))["detail"] == (
        "notify.emails, notify.escalateTo, notify.teams, onboardingTeam.email, onboardingTeam.name"
    )
    same = await api.put(f"{path}/contacts", {"onboardingTeam": TEAM, "notify": NOTIFY})
    assert (same.status_code, content(same)["version"]) == (200, content(answer)["version"])
    other = {**requests.operator_connect(), "notify": {"emails": ["other@contoso.com"]}}
    refused = await api.post("onboardings", other)
    assert refused.status_code == 409
    assert f"PUT /api/{path}/contacts" in content(refused)["detail"]
    assert content(await api.get("onboardings?text=partner%40example.com"))["onboardings"], "people are found by them"


async def test_the_same_post_after_a_change_of_contacts_finds_the_same_onboarding(api: Api) -> None:
    """Compared with what was posted; a body with the contacts of now is the same, too."""
    path = await requested(api)
    posted = requests.operator_connect()
    await api.put(f"{path}/contacts", {"onboardingTeam": TEAM, "notify": {"emails": ["between@contoso.com"]}})
    await api.put(f"{path}/contacts", {"onboardingTeam": TEAM, "notify": NOTIFY})
    for body in (posted, {**posted, "onboardingTeam": TEAM, "notify": NOTIFY}):
        again = await api.post("onboardings", body)
        assert again.status_code == 200
        request = content(again)["request"]
        assert (request["onboardingTeam"], request["notify"]) == (TEAM, NOTIFY), "it changes nothing"
    for changes in ({"adminUser": "other@contoso.com"}, {"notify": {"emails": ["between@contoso.com"]}}):
        assert (await api.post("onboardings", {**posted, **changes})).status_code == 409
    await api.post(f"{path}/cancel", {"reason": "why"})
    assert (await api.post("onboardings", posted)).status_code == 200
    begun = await api.post("onboardings?again=true", posted)
    assert (begun.status_code, content(begun)["request"]["notify"]["emails"]) == (202, posted["notify"]["emails"])
    with_those_before = await api.post("onboardings", {**posted, "onboardingTeam": TEAM, "notify": NOTIFY})
    assert with_those_before.status_code == 409, "a new run was posted anew"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("steps/{}/retry", None),
        ("steps/{}/check", None),
        ("steps/{}/apply-change", {"proposal": "0" * 16}),
        ("steps/{}/approve-admin-user", {"proposal": "0" * 16}),
        ("steps/{}/skip", {"reason": "why"}),
        ("steps/{}/reopen", {"reason": "why"}),
        ("checkpoints/{}", {"note": "done"}),
        ("checkpoints/{}", {"problem": "why"}),
    ],
)
async def test_a_step_that_does_not_exist_is_404(api: Api, path: str, body: Any) -> None:
    there = await requested(api)
    name = "format-disk" + "k" * 500
    for _ in range(2):
        answer = await api.post(f"{there}/{path.format(name)}", body)
        assert (answer.status_code, content(answer)["title"]) == (404, "No such step")
        assert content(answer)["detail"].startswith(f"There is no step '{name[:100]}'; the steps are enable-services, ")
        await api.post(f"{there}/cancel", {"reason": "a closed one has no such step either"})


async def test_contacts_are_refused_for_every_reason_at_once(api: Api) -> None:
    path = await requested(api)
    before = content(await api.get(path))["version"]
    wrong = {
        "onboardingTeam": {"name": "", "email": "nobody"},
        "notify": {"emails": ["a@b.example", "two words"], "phone": "+44"},
        "adminUser": "eve@contoso.com",
    }
    answer = await api.put(f"{path}/contacts", wrong)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert {e["field"] for e in content(answer)["errors"]} == {
        "onboardingTeam.name",
        "onboardingTeam.email",
        "notify.emails[1]",
        "notify.phone",
        "adminUser",
    }
    half = await api.put(f"{path}/contacts", {"notify": NOTIFY})
    assert [(e["field"], e["message"]) for e in content(half)["errors"]] == [
        ("onboardingTeam", "is required, and must be an object in braces with 'name' and 'email'")
    ]
    assert (await api.put(f"{path}/contacts", [])).status_code == 400
    assert content(await api.get(path))["version"] == before


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (None, "The reason has 0 characters"),
        ({"reason": "  "}, "The reason has 0 characters"),
        ({"reason": "x" * 1001}, "The reason has 1001 characters"),
        ({"reason": "x", "insist": "yes"}, "insist: must be true or false, without quotes; it is a text (seen: yes)"),
        ({"reason": "x", "insist": 1}, "insist: must be true or false, without quotes; it is a number (seen: 1)"),
        ({"reason": 1}, "reason: must be a text in quotes; it is a number (seen: 1)"),
        ({"reason": "x", "force": True}, "force: is no field here; expected is 'reason' or 'insist' (seen: true)"),
        ({"reason": "x", "insits": True}, "insits: is no field here; did you mean 'insist'?"),
    ],
    ids=str,
)
async def test_a_skip_without_a_good_body_changes_nothing(api: Api, body: Any, says: str) -> None:
    path = await requested(api)
    answer = await api.post(f"{path}/steps/enable-services/skip", body)
    assert answer.status_code == 400
    assert says in content(answer)["detail"]
    assert step(await api.get(path), "enable-services")["state"] == "due"


@pytest.mark.parametrize("path", ["steps/enable-services/reopen", "pause"])
async def test_a_reason_is_asked_for(api: Api, path: str) -> None:
    answer = await api.post(f"{await requested(api)}/{path}", {})
    assert answer.status_code == 400


@pytest.mark.parametrize(("method", "path", "body"), CONTROLS, ids=IDS)
async def test_a_closed_one_refuses_in_a_sentence(api: Api, method: str, path: str, body: Any) -> None:
    answer = await api.call(method, f"{await closed(api)}/{path}", body)
    assert (answer.status_code, answer.mimetype) == (409, "application/problem+json")
    assert "cancelled" in content(answer)["detail"]


@pytest.mark.parametrize(("method", "path", "body"), CONTROLS, ids=IDS)
async def test_nothing_is_done_to_what_was_not_seen_or_is_not_there(
    api: Api, method: str, path: str, body: Any
) -> None:
    there = await requested(api)
    stale = await api.call(method, f"{there}/{path}", body, if_match='"1-99.000000000000"')
    assert stale.status_code == 412
    assert content(await api.get(there))["version"] == 1
    assert (await api.call(method, f"onboardings/none-0000000000/{path}", body)).status_code == 404


@pytest.mark.parametrize("name", ["skip", "reopen", "pause", "resume", "change-contacts", "cancel"])
async def test_what_is_offered_is_answered_where_it_says(api: Api, name: str) -> None:
    path = await requested(api)
    if name == "reopen":
        await api.post(f"{path}/steps/enable-services/skip", {"reason": "why"})
    if name == "resume":
        await api.post(f"{path}/pause", {"reason": "why"})
    offered = content(await api.get(path))["allowedActions"]
    action = next(a for a in offered if a["name"] == name)
    bodies = {"resume": None, "change-contacts": {"onboardingTeam": TEAM, "notify": NOTIFY}}
    body = bodies.get(name, {"reason": "why"})
    answer = await api.call(action["method"], action["href"].removeprefix("/api/"), body)
    assert answer.status_code == 200, content(answer)
