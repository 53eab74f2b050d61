"""Many at once: which are meant, what becomes of each, and that one keeps none of the others from its turn."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from onboarding import limits
from onboarding.controls import CONTROLS
from onboarding.core.many import MOST_AT_ONCE, ManyControl
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.roles import Role
from onboarding.http import chosen
from onboarding.http.routes import ROUTES
from onboarding.ports import ConflictError
from onboarding.records import Loaded
from onboarding.rows import OPEN
from tests.support import requests
from tests.support.http import Api, content

WHERE = "onboardings/controls"
MISSING = PersonMustActError(ProblemCode.PERMISSION_MISSING, "POST /servicePrincipals answered 403.", "Grant it.")
BLOCKED = PersonMustActError(ProblemCode.BLOCKED, "A lock.", "Take it away.")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


async def going_on(api: Api, *names: str) -> list[str]:
    """Onboardings of that name that have gone nowhere yet."""
    ids = []
    for name in names:
        body = copy.deepcopy(requests.operator_connect())
        body["gateway"]["name"] = name
        ids.append(str(content(await api.post("onboardings", body))["id"]))
    return ids


async def stopped(api: Api, *names: str, by: PersonMustActError = MISSING) -> list[str]:
    """The same, each stopped at its first step."""
    ids = []
    for name in names:
        body = copy.deepcopy(requests.operator_connect())
        body["gateway"]["name"] = name
        api.system.outside.deploy(requests.parsed(body))
        api.system.outside.gateways.faults.add("get", by)
        ids += await going_on(api, name)
        await api.system.deliver()
    return ids


async def sent(api: Api, query: str = "", **body: Any) -> dict[str, Any]:
    answer = await api.post(WHERE + query, body)
    assert answer.status_code == 200, answer.get_body()
    return dict(content(answer))


def outcomes(answer: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["outcome"] for one in answer["results"]}


async def state(api: Api, onboarding_id: str) -> str:
    return (await api.system.record(onboarding_id)).state.value


def test_the_controls_of_many_are_of_one_role_and_their_events_take_a_reason() -> None:
    (route,) = (r for r in ROUTES if r.name == "control_many")
    assert route.role is Role.OPERATE
    for name in ManyControl:
        control = CONTROLS[name]
        assert control.role is route.role
        event = control.asked("olga", "a-step", {"reason": "because"})
        assert event.reason == "because"  # type: ignore[attr-defined]


async def test_38_stopped_by_one_missing_permission_are_one_action(api: Api) -> None:
    ids = await stopped(api, *(f"gateway-{n:02}" for n in range(38)))
    other = await stopped(api, "blocked-one", by=BLOCKED)
    fine = await going_on(api, "fine-one")
    answer = await sent(api, control="retry", problem="permission-missing", reason="The role was granted: CHG-7.")
    assert (answer["counts"], answer["next"]) == ({"done": 38}, None)
    assert sorted(outcomes(answer)) == sorted(ids)
    assert {(o["step"], o["problemCode"]) for o in answer["results"]} == {("enable-services", "permission-missing")}
    for onboarding_id in ids:
        event = (await api.system.events(onboarding_id))[-1]
        assert (event.what, event.actor, event.detail) == (
            "retry-requested", "olga.operator@contoso.com", "The role was granted: CHG-7.",
        )  # fmt: skip
    assert await state(api, other[0]) == "needs-attention"
    assert (await api.system.events(fine[0]))[-1].what != "retry-requested"


async def test_what_will_be_done_is_said_before_and_nothing_is_done(api: Api) -> None:
    ids = await stopped(api, "stopped-one")
    fine = await going_on(api, "fine-one")
    before = [await api.system.record(i) for i in (*ids, *fine)]
    answer = await sent(api, "?validateOnly=true", control="retry", ids=[*ids, *fine, "nobody-0123456789"])
    assert outcomes(answer) == {ids[0]: "possible", fine[0]: "refused", "nobody-0123456789": "not-found"}
    assert answer["validateOnly"] is True
    said = {one["id"]: one["said"] for one in answer["results"]}
    assert said[fine[0]] == "It has no step for which “Retry” is possible: it is running."
    assert said["nobody-0123456789"] == "There is no such onboarding."
    assert [await api.system.record(i) for i in (*ids, *fine)] == before
    # Without a reason too: it is asked for when it is done.
    preview = await sent(api, "?validateOnly=true", control="cancel", ids=fine)
    assert outcomes(preview) == {fine[0]: "possible"}


async def test_each_is_decided_by_what_it_is_and_refused_in_words(api: Api) -> None:
    first, second, third = await going_on(api, "a-gateway", "b-gateway", "c-gateway")
    await api.post(f"onboardings/{second}/pause", {"reason": "a freeze"})
    await api.post(f"onboardings/{third}/cancel", {"reason": "no more"})
    ids = [first, second.upper(), third, first]
    answer = await sent(api, control="pause", ids=ids, reason="  the network is frozen ")
    assert outcomes(answer) == {first: "done", second: "refused", third: "refused"}
    said = {one["id"]: one["said"] for one in answer["results"]}
    assert said[second].startswith("The onboarding is paused already, by olga.operator@contoso.com (a freeze).")
    assert "cancelled" in said[third]
    states = {one["id"]: one["state"] for one in answer["results"]}
    assert states == {first: "paused", second: "paused", third: "cancelled"}
    assert (await api.system.record(first)).pause.because == "the network is frozen"  # type: ignore[union-attr]
    answer = await sent(api, control="resume", filter={"state": "paused"}, reason="It is over.")
    assert outcomes(answer) == {first: "done", second: "done"}
    assert (await api.system.events(first))[-1].detail == "It is over."
    answer = await sent(api, control="cancel", filter={"text": "gateway"}, reason="All are replaced.")
    assert (outcomes(answer), await state(api, first)) == ({first: "done", second: "done"}, "cancelled")


async def test_all_that_is_said_must_hold(api: Api) -> None:
    mine, other = await stopped(api, "a-gateway", "b-gateway")
    third = (await stopped(api, "c-blocked", by=BLOCKED))[0]
    answer = await sent(api, control="retry", ids=[mine, third], problem="blocked", filter={"text": "gateway"})
    assert outcomes(answer) == {mine: "refused", third: "refused"}
    assert {one["said"] for one in answer["results"]} == {
        "It is not any more what was asked for: it is needs-attention. Nothing was changed."
    }
    answer = await sent(api, control="retry", problem="permission-missing", filter={"text": "b-"})
    assert outcomes(answer) == {other: "done"}
    closed = await sent(api, control="retry", filter={"state": "completed"})
    assert (closed["results"], closed["counts"], closed["next"]) == ([], {}, None)


async def test_several_steps_of_one_are_a_line_each(api: Api) -> None:
    system = api.system
    body = requests.parsed(requests.operator_connect())
    system.outside.deploy(body)
    onboarding_id = (await going_on(api, body.gateway.name))[0]
    for _ in range(30):
        system.outside.directory.faults.add("add_application", MISSING)
        system.outside.directory.faults.add("add_domain", MISSING)
        while await system.deliver():
            pass
        system.outside.settle()
        await system.tick()
    with_code = [s.name for s in (await system.record(onboarding_id)).steps if s.problem]
    assert len(with_code) > 1, with_code
    search = {"state": "needs-attention"}
    answer = await sent(api, control="retry", problem="permission-missing", filter=search)
    assert sorted((one["step"], one["outcome"]) for one in answer["results"]) == sorted(
        (step, "done") for step in with_code
    )


async def test_more_than_one_call_takes_go_on_by_a_token(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "MOST_AT_ONCE", 3)
    monkeypatch.setattr(chosen, "_LEAST_PAGE", 1)
    ids = await going_on(api, *(f"gateway-{n}" for n in range(8)))
    body: dict[str, Any] = {"control": "pause", "filter": {"text": "gateway"}, "reason": "a freeze"}
    seen: list[str] = []
    calls = 0
    while True:
        answer = await sent(api, **body)
        assert set(outcomes(answer).values()) == {"done"}
        seen += outcomes(answer)
        calls += 1
        if not answer["next"]:
            break
        body["next"] = answer["next"]
    assert (seen, calls) == (sorted(ids), 3)
    other = await api.post(WHERE, {**body, "next": "abc"})
    assert (other.status_code, "which no page gave" in content(other)["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"control": "pause", "ids": ["a-gateway-0123456789"]}, "Say why"),
        ({"control": "pause", "ids": ["a-gateway-0123456789"], "reason": "x" * 1001}, "1001 characters"),
        ({"control": "cancel", "reason": "x"}, '"filter": {"state": "running,waiting-for-people,'),
        ({"control": "cancel", "reason": "x", "filter": {"text": " "}}, "It says of no onboarding that it is meant"),
        ({"control": "skip", "ids": []}, "control: must be 'retry', 'pause', 'resume' or 'cancel'"),
        ({"control": "retry", "problem": "permisson-missing"}, "problem"),
        ({"control": "retry", "ids": ["x"] * (MOST_AT_ONCE + 1)}, "201 items; at most 200"),
        ({"control": "retry", "ids": ["../x"]}, "ids[0]"),
        ({"control": "retry", "filter": {"sate": "running"}}, "filter.sate: is no field here; did you mean 'state'?"),
        ({"control": "retry", "filter": {"limit": "3"}}, "filter.limit"),
        ({"control": "retry", "filter": {"late": True}}, "filter.late: must be a text"),
        ({"control": "retry", "filter": {"state": "tired"}}, "tired"),
        ({"ids": []}, "control: is required"),
        ({"control": "retry", "steps": []}, "steps: is no field here"),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
async def test_what_says_too_little_or_too_much_is_refused_in_words(api: Api, body: Any, says: str) -> None:
    answer = await api.post(WHERE, body)
    assert answer.status_code == 400, answer.get_body()
    assert says in content(answer)["detail"]


async def test_a_token_goes_on_with_a_filter_and_not_with_ids(api: Api) -> None:
    answer = await api.post(WHERE, {"control": "retry", "ids": ["a-gateway-0123456789"], "next": "abc"})
    assert (answer.status_code, "the others in another call" in content(answer)["detail"]) == (400, True)


@pytest.mark.parametrize("user", ["rita.reader", "adam.approver", "sam.submitter"])
async def test_whoever_may_not_operate_gets_none_of_it(api: Api, user: str) -> None:
    answer = await api.post(WHERE, {"control": "retry", "filter": {}}, cookie=f"sandbox-user={user}")
    assert answer.status_code == 403


async def test_one_that_fails_keeps_none_of_the_others_from_its_turn(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, away, broken, fine = await going_on(api, "a-busy", "b-away", "c-broken", "d-fine")
    row = await api.system.onboardings.get(OPEN, broken)
    assert row is not None
    await api.system.onboardings.replace(type(row)(OPEN, broken, {**row.columns, "Steps": "["}, row.etag))
    save = api.system.records.save

    async def saving(loaded: Loaded, record: Any) -> Loaded:
        if record.id == busy:
            raise ConflictError
        if record.id == away:
            raise OSError("no network")
        return await save(loaded, record)

    monkeypatch.setattr(api.system.records, "save", saving)
    answer = await sent(api, control="pause", ids=[busy, away, broken, fine], reason="a freeze")
    assert outcomes(answer) == {busy: "failed", away: "failed", broken: "failed", fine: "done"}
    assert all(one["said"] for one in answer["results"] if one["outcome"] == "failed")


async def test_what_there_was_no_time_for_is_said_not_to_have_begun(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await going_on(api, "a-gateway", "b-gateway")
    monkeypatch.setattr(limits, "MANY", -1.0)
    answer = await sent(api, control="pause", ids=ids, reason="a freeze")
    assert answer["counts"] == {"not-begun": 2}
    assert [await state(api, i) for i in ids] == ["running", "running"]


async def test_one_that_changes_before_its_turn_is_left_alone(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was stopped when it was chosen, and has gone on when its turn comes."""
    (mine,) = await stopped(api, "a-gateway")
    turn = api.system.records.turn

    def overtaken(onboarding_id: str) -> Any:
        if not gone_on:
            gone_on.append(onboarding_id)
            return _After(api, onboarding_id, turn(onboarding_id))
        return turn(onboarding_id)

    gone_on: list[str] = []
    monkeypatch.setattr(api.system.records, "turn", overtaken)
    body = {"filter": {"state": "needs-attention"}, "reason": "It is stuck."}
    answer = await sent(api, control="cancel", **body)
    assert (gone_on, answer["results"], await state(api, mine)) == ([mine], [], "running")


class _After:
    """The turn comes after somebody has retried the step."""

    def __init__(self, api: Api, onboarding_id: str, turn: Any) -> None:
        self._api, self._id, self._turn = api, onboarding_id, turn

    async def __aenter__(self) -> None:
        retried = await self._api.post(f"onboardings/{self._id}/steps/enable-services/retry")
        assert retried.status_code == 200
        await self._turn.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        await self._turn.__aexit__(*error)
