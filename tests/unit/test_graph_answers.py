"""What answers of Graph and ARM mean, without sending anything."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, MicrosoftService, gravest
from onboarding.azure.arm_answers import arm_problem
from onboarding.azure.gateway_resource import GATEWAY_TYPE
from onboarding.azure.graph_answers import Meaning, graph_problem, meaning
from onboarding.azure.graph_batch import Inner, batch_answers, batch_body
from onboarding.azure.graph_models import DnsRecordBody, ServicePrincipalBody, verification_record
from onboarding.azure.permissions import AZURE_ROLES, NEEDED, ChangesBy, ProjectSynergyBy
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, TryLaterError
from sandbox.microsoft.graph.permissions import allowed

GRANT = MicrosoftCall(MicrosoftService.GRAPH, "POST", "/servicePrincipals/{id}/appRoleAssignedTo")
ADD = MicrosoftCall(MicrosoftService.GRAPH, "POST", "/servicePrincipals")
VERIFY = MicrosoftCall(MicrosoftService.GRAPH, "POST", "/domains/{id}/verify")
GET_GATEWAY = MicrosoftCall(MicrosoftService.ARM, "GET", "Microsoft.VoiceServices/communicationsGateways/{gateway}")
SUBSCRIPTION = "/subscriptions/6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63"
GATEWAY_PATH = f"{SUBSCRIPTION}/resourceGroups/rg-voice/providers/{GATEWAY_TYPE}/contoso-acg"


def error(
    status: int, code: str, message: str = "", details: list[dict[str, str]] | None = None, **headers: str
) -> MicrosoftAnswer:
    body: dict[str, Any] = {"code": code, "message": message}
    if details:
        body["details"] = details
    return MicrosoftAnswer(status, {k.replace("_", "-"): v for k, v in headers.items()}, {"error": body})


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
def test_wordings_seen_in_the_field(answer: MicrosoftAnswer, expected: Meaning) -> None:
    assert meaning(answer) is expected


def test_a_page_of_a_proxy_is_no_answer_of_graph() -> None:
    answer = MicrosoftAnswer.of(404, [("Content-Type", "text/html")], b"<html>Not found</html>")
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
        (MicrosoftAnswer(302), ProblemCode.UNEXPECTED_ANSWER),
        (error(404, "Request_ResourceNotFound"), ProblemCode.NOT_REPLICATED),
        (error(400, BAD, "Not a valid reference update."), ProblemCode.NOT_REPLICATED),
        (error(400, BAD, "Error in DNS verification"), ProblemCode.TXT_RECORD_NOT_SEEN),
    ],
)
def test_what_heals_by_itself_is_tried_later(answer: MicrosoftAnswer, code: ProblemCode) -> None:
    problem = graph_problem(VERIFY, answer)
    assert isinstance(problem, TryLaterError)
    assert problem.code == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error(403, "Authorization_RequestDenied"), ProblemCode.PERMISSION_MISSING),
        (error(400, BAD, "used by an active tenant"), ProblemCode.DOMAIN_IN_USE),
        (error(400, BAD, "does not reference a valid application object"), ProblemCode.REFUSED),
    ],
)
def test_what_does_not_heal_needs_a_person_who_is_told_what_to_do(answer: MicrosoftAnswer, code: ProblemCode) -> None:
    problem = graph_problem(ADD, answer)
    assert isinstance(problem, PersonMustActError)
    assert problem.code == code
    assert str(answer.status) in problem.seen
    assert answer.code in problem.seen
    assert "POST /servicePrincipals (Microsoft Graph)" in problem.seen
    assert problem.what_next


CLIENT = "0b9f5a3e-1d42-4c8b-9e77-6a2f8d4c1b05"
FORBIDDEN = error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def test_a_missing_permission_is_named_in_full_with_the_command_that_grants_it() -> None:
    problem = graph_problem(replace(GRANT, by=CLIENT), FORBIDDEN)
    assert "AppRoleAssignment.ReadWrite.All and Application.ReadWrite.All" in problem.what_next
    command = f"`infra/permissions/grant.sh --identity {CLIENT} --only AppRoleAssignment.ReadWrite.All,Application."
    assert command in problem.what_next
    assert "POST /servicePrincipals/{id}/appRoleAssignedTo" in problem.seen


def test_where_an_administrator_adds_project_synergy_nobody_is_told_to_grant_the_permission_for_it() -> None:
    problem = graph_problem(replace(GRANT, by=CLIENT, synergy_by=ProjectSynergyBy.ADMINISTRATOR), FORBIDDEN)
    assert "Application.ReadWrite.All" not in problem.what_next
    assert f"grant.sh --identity {CLIENT} --project-synergy-by administrator --only App" in problem.what_next


def test_a_system_assigned_identity_is_left_for_the_reader_to_fill_in() -> None:
    problem = graph_problem(VERIFY, FORBIDDEN)
    assert 'grant.sh --identity "<client id of the managed identity>" --only Domain.ReadWrite.All`' in problem.what_next


def test_sending_mail_is_allowed_in_exchange_for_one_mailbox() -> None:
    problem = graph_problem(
        MicrosoftCall(MicrosoftService.GRAPH, "POST", "/users/{id}/sendMail", by=CLIENT),
        error(403, "ErrorAccessDenied"),
    )
    assert f"`infra/permissions/grant-mail.ps1 -Identity {CLIENT} -ObjectId " in problem.what_next
    assert "Application Mail.Send" in problem.what_next
    assert "grant.sh" not in problem.what_next


@pytest.mark.parametrize("call", sorted(NEEDED))
def test_what_to_do_fits_on_the_record_and_its_script_is_there(call: str) -> None:
    method, template = call.split(" ", 1)
    problem = graph_problem(MicrosoftCall(MicrosoftService.GRAPH, method, template, by=CLIENT), FORBIDDEN)
    assert problem.problem.what_next == problem.what_next
    scripts = re.findall(r"infra/permissions/[\w-]+\.\w+", problem.what_next)
    assert scripts
    assert all((Path(__file__).parents[2] / script).is_file() for script in scripts)


@pytest.mark.parametrize("service", [MicrosoftService.GRAPH, MicrosoftService.ARM])
def test_a_token_that_is_not_taken_says_what_to_look_at(service: MicrosoftService) -> None:
    refused = error(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.")
    call = MicrosoftCall(service, "GET", "/domains/{id}")
    problem = (
        graph_problem(call, refused) if service is MicrosoftService.GRAPH else arm_problem(call, refused, GATEWAY_PATH)
    )
    assert problem.code == ProblemCode.SIGN_IN_FAILED
    for named in ("az functionapp identity show", "AZURE_CLIENT_ID", "ONBOARDING_GRAPH_ENDPOINT", service.value):
        assert named in problem.what_next
    assert problem.problem.what_next == problem.what_next


def test_the_permissions_we_name_are_enough_by_microsofts_own_list() -> None:
    for operation, ours in NEEDED.items():
        method, template = operation.split(" ", 1)
        assert allowed(method, template.replace("appId='{id}'", "appId='{appId}'"), set(ours)), operation


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
    assert MicrosoftAnswer(429, headers).retry_after(datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) == seconds


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
    outer = MicrosoftAnswer(
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
        batch_answers(ADD, inners, MicrosoftAnswer(200, body={"responses": [{"id": "1", "status": 200}]}))


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
        (error(403, "RequestDisallowedByPolicy"), PersonMustActError, ProblemCode.BLOCKED),
        (error(409, "ScopeLocked"), PersonMustActError, ProblemCode.BLOCKED),
        (error(409, "AnotherOperationInProgress", retry_after="4"), TryLaterError, ProblemCode.BUSY),
        (error(400, "InvalidRequestContent"), PersonMustActError, ProblemCode.REFUSED),
        (error(429, "TooManyRequests"), TryLaterError, ProblemCode.THROTTLED),
    ],
)
def test_errors_of_arm(answer: MicrosoftAnswer, kind: type[Exception], code: ProblemCode) -> None:
    problem = arm_problem(GET_GATEWAY, answer, GATEWAY_PATH)
    assert isinstance(problem, kind)
    assert problem.code == code
    if isinstance(problem, TryLaterError):
        assert problem.retry_after == answer.retry_after()


@pytest.mark.parametrize("said", ["ResourceNotFound", "ParentResourceNotFound", "SubscriptionNotFound"])
def test_whatever_of_a_gateway_is_gone_the_retirement_is_named(said: str) -> None:
    assert "retired Azure Communications Gateway in 2026" in arm_problem(GET_GATEWAY, error(404, said), "/").what_next


def test_that_the_service_is_retired_is_seen_where_only_what_was_seen_is_shown() -> None:
    problem = arm_problem(GET_GATEWAY, error(404, "InvalidResourceNamespace"), GATEWAY_PATH)
    assert "Microsoft.VoiceServices, whose service was retired in 2026" in problem.seen
    assert "InvalidResourceNamespace" in problem.seen


@pytest.mark.parametrize("absurd", ["86401", "2147483647", "1e300", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_pause_that_no_service_means_is_cut_to_a_day_so_that_nothing_stands_still_for_years(absurd: str) -> None:
    assert error(429, "TooManyRequests", retry_after=absurd).retry_after() == 86400
    milliseconds = MicrosoftAnswer(429, {"retry-after-ms": "1e300"})
    assert milliseconds.retry_after() == 86400


@pytest.mark.parametrize("operation", sorted(one for one in AZURE_ROLES if GATEWAY_TYPE in one))
def test_a_missing_azure_role_comes_with_the_command_that_assigns_it(operation: str) -> None:
    method, template = operation.split(" ", 1)
    call = MicrosoftCall(MicrosoftService.ARM, method, template, by=CLIENT)
    problem = arm_problem(call, error(403, "AuthorizationFailed"), GATEWAY_PATH)
    listing = operation == f"GET {GATEWAY_TYPE}"
    what = "list of gateways" if listing else "gateways"
    role = f"Operator Connect onboarding: {what} ({SUBSCRIPTION.rpartition('/')[2]})"
    scope = SUBSCRIPTION if listing else f"{SUBSCRIPTION}/resourceGroups/rg-voice"
    command = f'`az role assignment create --assignee {CLIENT} --role "{role}" --scope {scope}`'
    assert command in problem.what_next
    assert f"{'Reader' if listing else 'Contributor'} serves" in problem.what_next
    assert problem.problem.what_next == problem.what_next


def test_where_people_make_the_changes_a_missing_permission_is_one_to_read() -> None:
    read = MicrosoftCall(MicrosoftService.GRAPH, "GET", "/domains/{id}", by=CLIENT, changes_by=ChangesBy.PEOPLE)
    told = graph_problem(read, FORBIDDEN).what_next
    assert f"grant.sh --identity {CLIENT} --changes-by people --only Domain.Read.All`" in told
