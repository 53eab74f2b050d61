"""The API as a user meets it: what is accepted, what is refused, and how that reads."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.cloud import Cloud
from tests.support import requests
from tests.support.people import Operator, Simulator, sample

Json = dict[str, Any]


def test_a_new_request_is_202_with_the_record_and_where_it_is(
    operator: Operator, gateway: Callable[..., Json], cloud: Cloud
) -> None:
    answer = operator.post(gateway())
    assert answer.status_code == 202
    record = answer.json()
    assert answer.headers["location"].endswith(f"/api/onboardings/{record['id']}")
    assert len(record["steps"]) == 14
    assert operator.get(record["id"])["id"] == record["id"]


def test_a_request_says_by_when_it_is_expected_and_so_do_the_list_and_the_page(
    operator: Operator, gateway: Callable[..., Json]
) -> None:
    """Provisioning 14 days, the form 3, the portal and the application ids a day each, on the full hour."""
    before = datetime.now(UTC)
    made = operator.post(gateway()).json()
    expected = datetime.fromisoformat(made["expectedAt"])
    assert before + timedelta(days=19) <= expected <= datetime.now(UTC) + timedelta(days=19, hours=1)
    assert not made["late"]
    rows = operator.client.get("/onboardings", params={"text": made["gateway"]["name"]}).json()["onboardings"]
    assert [(row["expectedAt"], row["late"]) for row in rows] == [(made["expectedAt"], False)]
    late = operator.client.get("/onboardings", params={"late": "true", "text": made["gateway"]["name"]})
    assert late.json()["onboardings"] == []
    page = operator.client.get(f"/dashboard/{made['id']}").text
    assert f"{expected.day} {expected:%b %Y}" in page


def test_a_body_that_is_far_too_large_is_refused_by_the_platform_and_one_that_is_too_large_by_us(
    operator: Operator,
) -> None:
    def posted(path: str, size: int) -> int:
        return operator.client.post(path, content=b"x" * size, headers={"content-type": "application/json"}).status_code

    assert posted("/onboardings", 65 * 1024) == 413
    for path in ("/onboardings", "/outside", "/outside/answer"):
        assert posted(path, 384 * 1024) == 500


def test_the_same_request_again_is_the_same_onboarding(operator: Operator, gateway: Callable[..., Json]) -> None:
    body = gateway()
    first = operator.post(body)
    body["gateway"]["name"] = body["gateway"]["name"].upper()
    second = operator.post(body)
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]


def test_another_request_for_a_gateway_in_progress_is_409_and_says_what_differs(
    operator: Operator, gateway: Callable[..., Json]
) -> None:
    body = gateway()
    operator.post(body)
    answer = operator.post({**body, "adminUser": "another.user@contoso.com"})
    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["differs"] == ["adminUser"]
    assert operator.post(body, again="true").status_code == 409


def test_a_cancelled_one_can_be_started_again_with_its_history(
    operator: Operator, gateway: Callable[..., Json]
) -> None:
    body = gateway()
    onboarding_id = operator.post(body).json()["id"]
    cancelled = operator.client.post(f"/onboardings/{onboarding_id}/cancel", json={"reason": "wrong week"})
    # A function that is at a step just now gives it up before its next write.
    assert cancelled.json()["state"] in ("cancelling", "cancelled")
    operator.until(onboarding_id, lambda r: r["state"] == "cancelled")
    again = operator.post({**body, "notify": {"emails": ["night-shift@contoso.com"]}}, again="true")
    assert again.status_code == 202
    assert operator.completed(onboarding_id)["state"] == "completed"
    events = operator.events(onboarding_id)
    assert [e["what"] for e in events if e["what"].startswith("requested")] == ["requested", "requested-again"]
    assert [e["version"] for e in events] == list(range(1, len(events) + 1))


def test_a_bad_request_names_every_reason_and_writes_nothing(operator: Operator, microsoft: Simulator) -> None:
    body = requests.operator_connect(environment="lab", surprise=1)
    body["gateway"]["name"] = "never-made"
    answer = operator.post(body)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    errors = {e["field"]: e for e in answer.json()["errors"]}
    assert set(errors) == {"surprise", "services.operatorConnect.testLines"}
    assert all({"field", "rule", "value", "message"} <= set(e) for e in errors.values())
    made = requests.parsed({**requests.operator_connect(), "gateway": {**body["gateway"]}}).gateway.id.onboarding_id
    assert operator.client.get(f"/onboardings/{made}").status_code == 404


def test_bodies_that_are_no_request_are_clear_4xx(operator: Operator) -> None:
    post = operator.client.post
    json_type = {"content-type": "application/json"}
    malformed = post("/onboardings", content=b'{"gateway": ', headers=json_type)
    large = post("/onboardings", content=b"[" + b" " * 100_000 + b"]", headers=json_type)
    wrong = post("/onboardings", content=b"<onboarding/>", headers={"content-type": "text/xml"})
    assert (malformed.status_code, large.status_code, wrong.status_code) == (400, 413, 415)
    for answer in (malformed, large, wrong):
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert len(answer.json()["detail"]) > 20


def test_curl_posts_a_file_as_the_readme_says(
    operator: Operator, gateway: Callable[..., Json], cloud: Cloud, tmp_path: Path
) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps(gateway(sample("lab-both-services"))), encoding="utf-8")
    command = ["curl", "-sS", "-o", "-", "-w", "\n%{http_code}", "-d", f"@{file}"]
    out = subprocess.run([*command, f"{cloud.api}/api/onboardings"], capture_output=True, text=True, check=True)
    assert out.stdout.rsplit("\n", 1)[-1] == "202"


def test_what_does_not_exist_is_404(operator: Operator) -> None:
    for path in ("", "/events"):
        answer = operator.client.get(f"/onboardings/contoso-acg-0000000000{path}")
        assert answer.status_code == 404
        assert "contoso-acg-0000000000" in answer.json()["detail"]


def test_a_checkpoint_cannot_be_confirmed_before_its_turn_nor_twice(
    operator: Operator, gateway: Callable[..., Json]
) -> None:
    onboarding_id = operator.post(gateway()).json()["id"]
    early = operator.confirm(onboarding_id, "add-application-ids")
    assert early.status_code == 409
    assert "portal-access" in early.json()["detail"]

    def opened(record: Json) -> bool:
        return any(s["name"] == "operator-information" and s["state"] == "waiting" for s in record["steps"])

    operator.until(onboarding_id, opened, confirm=False)
    assert operator.confirm(onboarding_id, "operator-information", "form returned").status_code == 200
    twice = operator.confirm(onboarding_id, "operator-information")
    assert twice.status_code == 409
    step = next(s for s in operator.get(onboarding_id)["steps"] if s["name"] == "operator-information")
    assert step["note"] == "form returned"


def test_unsafe_text_comes_back_as_text(operator: Operator, gateway: Callable[..., Json]) -> None:
    body = gateway(requests.operator_connect(onboardingTeam={"name": "<script>alert(1)</script>", "email": "t@e.com"}))
    record = operator.completed(operator.post(body).json()["id"])
    assert record["state"] == "completed"
    assert record["request"]["onboardingTeam"]["name"] == "<script>alert(1)</script>"
