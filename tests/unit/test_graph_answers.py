"""What answers of Graph and ARM mean, without sending anything."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from onboarding.azure.answers import Answer, Call, Service, gravest
from onboarding.azure.arm_answers import arm_problem
from onboarding.azure.graph_answers import PERMISSIONS, Meaning, graph_problem, meaning
from onboarding.azure.graph_batch import Inner, batch_answers, batch_body
from onboarding.azure.graph_models import DnsRecordBody, ServicePrincipalBody, verification_record
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, TryLaterError

SPECS = Path(__file__).resolve().parents[1] / "contract" / "specs"
GRANT = Call(Service.GRAPH, "POST", "/servicePrincipals/{id}/appRoleAssignedTo")
ADD = Call(Service.GRAPH, "POST", "/servicePrincipals")
VERIFY = Call(Service.GRAPH, "POST", "/domains/{id}/verify")
GET_GATEWAY = Call(Service.ARM, "GET", "Microsoft.VoiceServices/communicationsGateways/{gateway}")


def error(
    status: int, code: str, message: str = "", details: list[dict[str, str]] | None = None, **headers: str
) -> Answer:
    body: dict[str, Any] = {"code": code, "message": message}
    if details:
        body["details"] = details
    return Answer(status, {k.replace("_", "-"): v for k, v in headers.items()}, {"error": body})


BAD = "Request_BadRequest"
SAME = "Request_MultipleObjectsWithSameKeyValue"
CONFLICT = "A conflicting object with one or more of the specified property values is present in the directory."
SEEN_IN_THE_FIELD = [
    (error(400, BAD, "Permission being assigned already exists on the object"), Meaning.ALREADY_THERE),
    (error(409, BAD, "Permission being assigned already exists on the object"), Meaning.ALREADY_THERE),
    (error(400, SAME, "EntitlementGrant entry already exists."), Meaning.ALREADY_THERE),
    (
        error(409, SAME, "The service principal cannot be created, updated, or restored because the service principal"
              " name x is already in use."),
        Meaning.ALREADY_THERE,
    ),
    (error(400, BAD, CONFLICT, [{"code": "ConflictingObjects", "message": "x"}]), Meaning.ALREADY_THERE),
    (error(400, BAD, CONFLICT), Meaning.ALREADY_THERE),
    (error(409, "Conflict", "Something new that nobody has written down."), Meaning.ALREADY_THERE),
    (error(400, BAD, "Domain is already verified."), Meaning.ALREADY_THERE),
    (error(400, BAD, "Not a valid reference update."), Meaning.NOT_REPLICATED),
    (error(404, "Request_ResourceNotFound", "Resource 'x' does not exist"), Meaning.ABSENT),
    (
        error(400, BAD, "Domain verification failed with the following error: 'Error in DNS verification."
              " code=InternalError'."),
        Meaning.TXT_RECORD_NOT_SEEN,
    ),
    (
        error(400, BAD, "Domain verification failed with the following error: 'Domain is being used by an active"
              " tenant'."),
        Meaning.DOMAIN_IN_USE,
    ),
    (
        error(400, BAD, "Domain verification failed", [{"code": "DomainInUse", "target": "Name.Conflict"}]),
        Meaning.DOMAIN_IN_USE,
    ),
    (
        error(400, BAD, "The appId 'x' of the service principal does not reference a valid application object."),
        Meaning.OTHER,
    ),
    (error(400, BAD, "Permission being assigned was not found on application"), Meaning.OTHER),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "expected"), SEEN_IN_THE_FIELD)
def test_wordings_seen_in_the_field(answer: Answer, expected: Meaning) -> None:
    assert meaning(answer) is expected


def test_a_page_of_a_proxy_is_no_answer_of_graph() -> None:
    answer = Answer.of(404, [("Content-Type", "text/html")], b"<html>Not found</html>")
    assert meaning(answer) is Meaning.OTHER
    problem = graph_problem(ADD, answer)
    assert isinstance(problem, TryLaterError)
    assert problem.code == ProblemCode.UNEXPECTED_ANSWER


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error(429, "TooManyRequests"), ProblemCode.THROTTLED),
        (error(408, "Timeout"), ProblemCode.TIMEOUT),
        (error(500, "InternalServerError"), ProblemCode.OUTAGE),
        (error(503, "ServiceUnavailable"), ProblemCode.OUTAGE),
        (Answer(302), ProblemCode.UNEXPECTED_ANSWER),
        (error(404, "Request_ResourceNotFound"), ProblemCode.NOT_REPLICATED),
        (error(400, BAD, "Not a valid reference update."), ProblemCode.NOT_REPLICATED),
        (error(400, BAD, "Error in DNS verification"), ProblemCode.TXT_RECORD_NOT_SEEN),
    ],
)
def test_what_heals_by_itself_is_tried_later(answer: Answer, code: ProblemCode) -> None:
    problem = graph_problem(VERIFY, answer)
    assert isinstance(problem, TryLaterError)
    assert problem.code == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error(401, "InvalidAuthenticationToken"), ProblemCode.SIGN_IN_FAILED),
        (error(403, "Authorization_RequestDenied"), ProblemCode.PERMISSION_MISSING),
        (error(400, BAD, "used by an active tenant"), ProblemCode.DOMAIN_IN_USE),
        (error(400, BAD, "does not reference a valid application object"), ProblemCode.REFUSED),
    ],
)
def test_what_does_not_heal_needs_a_person_who_is_told_what_to_do(answer: Answer, code: ProblemCode) -> None:
    problem = graph_problem(ADD, answer)
    assert isinstance(problem, PersonMustActError)
    assert problem.code == code
    assert str(answer.status) in problem.seen
    assert answer.code in problem.seen
    assert "POST /servicePrincipals (Microsoft Graph)" in problem.seen
    assert problem.what_next


def test_a_missing_permission_is_named_in_full() -> None:
    problem = graph_problem(GRANT, error(403, "Authorization_RequestDenied"))
    assert "AppRoleAssignment.ReadWrite.All and Application.Read.All" in problem.what_next


def test_the_permissions_we_name_are_enough_by_microsofts_own_list() -> None:
    listed = json.loads((SPECS / "graph-permissions.json").read_text(encoding="utf-8"))
    for operation, ours in PERMISSIONS.items():
        method, path = operation.split(" ", 1)
        template = re.sub(r"'?\{\w+\}'?", "{id}", path).lower()
        known = {f"{m} {re.sub(r'{[a-z]+}', '{id}', p)}": v for m, p, v in (
            (*key.split(" ", 1), value) for key, value in listed.items())}  # fmt: skip
        entry = known[f"{method} {template}"]
        names = {name.split(" ")[0] for name in (*entry["least"], *entry["higher"])}
        assert set(ours) <= names, operation


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "17"}, 17.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Mon, 02 Mar 2026 09:01:30 GMT"}, 90.0),
        ({"retry-after": "Mon, 02 Mar 2026 08:00:00 GMT"}, 0.0),
        ({"retry-after": "Mon, 02 Mar 2026 09:01:30 GMT", "date": "Mon, 02 Mar 2026 09:01:00 GMT"}, 30.0),
        ({"x-ms-retry-after-ms": "1500"}, 1.5),
    ],
)
def test_retry_after_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert Answer(429, headers).retry_after(datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) == seconds


def test_the_gravest_problem_is_raised() -> None:
    waits = [TryLaterError("throttled", "", wait) for wait in (None, 3.0, 41.0, 5.0)]
    assert gravest(waits) is waits[2]
    assert gravest(waits[:1]) is waits[0]
    person = PersonMustActError("refused", "")
    assert gravest([*waits, person]) is person
    assert gravest([]) is None


def test_a_batch_is_put_together_and_taken_apart_in_any_order() -> None:
    inners = [Inner(ADD, "/domains", {"id": "x"}), Inner(VERIFY, "/domains/x", after_previous=True)]
    body = batch_body(inners)
    assert body["requests"][0]["headers"] == {"Content-Type": "application/json"}
    assert body["requests"][1]["dependsOn"] == ["1"]
    outer = Answer(
        200,
        body={
            "responses": [
                {"id": "2", "status": 429, "headers": {"Retry-After": "9"}, "body": {"error": {"code": "c"}}},
                {"id": "1", "status": 201, "body": {"id": "x"}},
            ]
        },
    )
    first, second = batch_answers(ADD, inners, outer)
    assert (first.status, second.status, second.retry_after()) == (201, 429, 9.0)


def test_a_batch_that_answers_only_in_part_is_tried_later() -> None:
    inners = [Inner(ADD, "/a"), Inner(ADD, "/b")]
    with pytest.raises(TryLaterError, match="requests 2 of 2"):
        batch_answers(ADD, inners, Answer(200, body={"responses": [{"id": "1", "status": 200}]}))


def test_a_body_of_another_shape_is_tried_later_and_says_what_is_missing() -> None:
    with pytest.raises(TryLaterError, match="appId") as caught:
        ServicePrincipalBody.read(ADD, {"id": "x"})
    assert caught.value.code == ProblemCode.UNEXPECTED_ANSWER


def test_a_role_that_is_switched_off_is_none() -> None:
    roles = [{"id": "1", "value": None}, {"id": "2", "value": "Data.Read", "isEnabled": False}]
    application = ServicePrincipalBody.read(ADD, {"id": "x", "appId": "y", "appRoles": roles}).principal
    assert [role.id for role in application.app_roles] == ["1"]


def test_the_verification_record_is_the_txt_one_that_begins_with_ms() -> None:
    records = [
        DnsRecordBody.model_validate(r)
        for r in (
            {"recordType": "Mx", "label": "x.example", "ttl": 3600},
            {"recordType": "Txt", "label": "x.example", "text": "v=spf1", "ttl": 60},
            {"recordType": "Txt", "label": "@", "text": "MS=ms12345678", "ttl": 1800},
        )
    ]
    found = verification_record("x.example", records)
    assert found is not None
    assert (found.name, found.value, found.ttl) == ("x.example", "MS=ms12345678", 1800)
    assert verification_record("x.example", records[:2]) is None


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (error(404, "InvalidResourceNamespace"), PersonMustActError, ProblemCode.PROVIDER_RETIRED),
        (error(409, "MissingSubscriptionRegistration"), PersonMustActError, ProblemCode.PROVIDER_RETIRED),
        (error(404, "ResourceNotFound"), PersonMustActError, ProblemCode.GATEWAY_GONE),
        (error(403, "AuthorizationFailed"), PersonMustActError, ProblemCode.PERMISSION_MISSING),
        (error(403, "RequestDisallowedByPolicy"), PersonMustActError, ProblemCode.REFUSED),
        (error(409, "ScopeLocked"), PersonMustActError, ProblemCode.REFUSED),
        (error(409, "AnotherOperationInProgress", retry_after="4"), TryLaterError, ProblemCode.BUSY),
        (error(400, "InvalidRequestContent"), PersonMustActError, ProblemCode.REFUSED),
        (error(429, "TooManyRequests"), TryLaterError, ProblemCode.THROTTLED),
    ],
)
def test_errors_of_arm(answer: Answer, kind: type[Exception], code: ProblemCode) -> None:
    problem = arm_problem(GET_GATEWAY, answer)
    assert isinstance(problem, kind)
    assert problem.code == code
    if isinstance(problem, TryLaterError):
        assert problem.retry_after == answer.retry_after()


def test_a_readers_role_is_enough_to_read() -> None:
    assert "Reader" in arm_problem(GET_GATEWAY, error(403, "AuthorizationFailed")).what_next
