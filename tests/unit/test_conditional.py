"""ETags: an answer that the caller has isn't sent again, and a change is made only to what the caller has seen."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import azure.functions as func
import pytest

from onboarding.core.events import CheckRequested
from onboarding.records import Loaded, Records
from tests.support import requests
from tests.support.http import Api, content
from tests.support.kept import records_on

WAIT = "provisioning-complete"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


async def requested(api: Api) -> func.HttpResponse:
    answer = await api.post("onboardings", requests.operator_connect())
    assert answer.status_code == 202
    return answer


def tag(answer: func.HttpResponse) -> str:
    return str(answer.headers["ETag"])


async def waiting(api: Api) -> str:
    """An onboarding that waits for the gateway's provisioning, which can be checked."""
    request = requests.parsed(requests.operator_connect())
    api.system.outside.deploy(request)
    accepted = await api.system.request(request)
    while (await api.system.record(accepted.record.id)).step(WAIT).state != "waiting":
        assert await api.system.deliver()
    return accepted.record.id


@pytest.mark.parametrize("path", ["onboardings/{id}", "onboardings/{id}/events", "onboardings", "openapi.json"])
async def test_what_the_caller_has_is_not_sent_again(api: Api, path: str) -> None:
    onboarding_id = content(await requested(api))["id"]
    path = path.format(id=onboarding_id)
    first = await api.get(path)
    assert first.status_code == 200
    for known in (tag(first), f'"other", {tag(first)}', f"W/{tag(first)}"):
        again = await api.get(path, if_none_match=known)
        assert (again.status_code, again.get_body(), tag(again)) == (304, b"", tag(first))
    assert (await api.get(path, if_none_match='"other"')).status_code == 200


async def test_a_change_makes_another_tag(api: Api) -> None:
    onboarding_id = content(await requested(api))["id"]
    paths = (f"onboardings/{onboarding_id}", f"onboardings/{onboarding_id}/events", "onboardings")
    before = [tag(await api.get(path)) for path in paths]
    await api.post(f"onboardings/{onboarding_id}/cancel", {"reason": "a test"})
    for path, known in zip(paths, before, strict=True):
        assert (await api.get(path, if_none_match=known)).status_code == 200, path


async def test_callers_who_may_do_different_things_have_different_answers(api: Api) -> None:
    onboarding_id = content(await requested(api))["id"]
    mine = await api.get(f"onboardings/{onboarding_id}")
    theirs = await api.get(f"onboardings/{onboarding_id}", cookie="sandbox-user=rita.reader")
    assert tag(mine) != tag(theirs)
    offered = [a["name"] for a in content(mine)["allowedActions"] if a["name"] != "skip"]
    assert offered == ["pause", "change-contacts", "cancel"]
    assert content(theirs)["allowedActions"] == []


async def test_allowed_actions_are_those_that_succeed(api: Api) -> None:
    onboarding_id = await waiting(api)
    actions = content(await api.get(f"onboardings/{onboarding_id}"))["allowedActions"]
    check = next(a for a in actions if a["name"] == "check")
    assert check["step"] == WAIT
    assert (await api.call(check["method"], check["href"].removeprefix("/api/"))).status_code == 200


async def test_a_post_says_which_version_it_made(api: Api) -> None:
    answer = await requested(api)
    onboarding_id = content(answer)["id"]
    cancelled = await api.post(f"onboardings/{onboarding_id}/cancel", {"reason": "a test"}, if_match=tag(answer))
    assert cancelled.status_code == 200
    assert tag(cancelled) == tag(await api.get(f"onboardings/{onboarding_id}"))


@pytest.mark.parametrize("wanted", ['"1-9.0"', '"2-1.0"', "W/", "", '"other"', "1-1"])
async def test_another_version_than_the_one_seen_is_left_alone(api: Api, wanted: str) -> None:
    onboarding_id = content(await requested(api))["id"]
    answer = await api.post(f"onboardings/{onboarding_id}/cancel", {"reason": "a test"}, if_match=wanted)
    assert (answer.status_code, answer.mimetype) == (412, "application/problem+json")
    assert content(answer)["version"] == 1
    assert content(await api.get(f"onboardings/{onboarding_id}"))["state"] == "running"


async def test_a_header_that_is_no_text_is_refused_like_any_other(api: Api) -> None:
    onboarding_id = content(await requested(api))["id"]
    answer = await api.post(f"onboardings/{onboarding_id}/cancel", {"reason": "x"}, if_match="\udc92")
    assert answer.status_code == 412


async def test_a_list_of_tags_any_tag_and_a_weakened_tag_fit(api: Api) -> None:
    onboarding_id = await waiting(api)
    path = f"onboardings/{onboarding_id}"
    for pattern in ("*", '"x", {}', "W/{}"):
        wanted = pattern.format(tag(await api.get(path)))
        assert (await api.post(f"{path}/steps/{WAIT}/check", if_match=wanted)).status_code == 200, pattern


async def test_what_does_not_exist_fits_no_condition(api: Api) -> None:
    assert (await api.post("onboardings/none-0000000000/cancel", {"reason": "x"}, if_match="*")).status_code == 412
    answer = await api.post("onboardings", requests.operator_connect(), if_match="*")
    assert answer.status_code == 412
    assert content(await api.get("onboardings"))["onboardings"] == []


async def test_nobody_comes_between_the_look_and_the_change(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write is lost to somebody else; loaded again, it is not what the caller saw."""
    onboarding_id = await waiting(api)
    seen = tag(await api.get(f"onboardings/{onboarding_id}"))
    load = Records.load
    first = True
    # Of another process: those of one take turns.
    stranger = replace(api.system.engine, records=records_on(api.system.onboardings, api.system.trail))

    async def overtaken(self: Records, wanted: str) -> Loaded | None:
        nonlocal first
        loaded = await load(self, wanted)
        if first:
            first = False
            await stranger.happen(onboarding_id, CheckRequested(WAIT, "somebody else"))
        return loaded

    monkeypatch.setattr(Records, "load", overtaken)
    answer = await api.post(f"onboardings/{onboarding_id}/cancel", {"reason": "a test"}, if_match=seen)
    assert answer.status_code == 412
    assert not (await api.system.record(onboarding_id)).closed


async def test_of_many_with_the_same_tag_one_wins(api: Api) -> None:
    onboarding_id = await waiting(api)
    path = f"onboardings/{onboarding_id}"
    seen = tag(await api.get(path))
    answers = await asyncio.gather(*(api.post(f"{path}/steps/{WAIT}/check", if_match=seen) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [200] + [412] * 7


async def test_answers_are_kept_by_nobody_but_their_reader(api: Api) -> None:
    answer = await api.get("onboardings")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
