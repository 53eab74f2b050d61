"""What Microsoft refuses is named for what it is, and a permission is asked for only where one is missing."""

from __future__ import annotations

import re

import pytest

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, MicrosoftService
from onboarding.azure.arm_answers import arm_problem
from onboarding.azure.gateway_resource import GATEWAY_TYPE
from onboarding.azure.graph_answers import HELD, Meaning, graph_problem, meaning, takeover, unconfirmed
from onboarding.azure.permissions import AZURE_ROLES, NEEDED
from onboarding.azure.quotes import LONGEST_QUOTE, quoted
from onboarding.azure.refusals import ARM_PERMISSION, ARM_REFUSALS, GRAPH_PERMISSION, GRAPH_REFUSALS
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import SOON, PersonMustActError, StepProblemError, TryLaterError
from onboarding.core.record import DETAIL_LENGTH

SUBSCRIPTION = "/subscriptions/6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63"
PATH = f"{SUBSCRIPTION}/resourceGroups/rg-voice/providers/{GATEWAY_TYPE}/contoso-acg"
GET = MicrosoftCall(MicrosoftService.ARM, "GET", f"{GATEWAY_TYPE}/{{gateway}}")
GRANT = MicrosoftCall(MicrosoftService.GRAPH, "POST", "/servicePrincipals/{id}/appRoleAssignedTo")
ADD = MicrosoftCall(MicrosoftService.GRAPH, "POST", "/servicePrincipals")
MAIL = MicrosoftCall(MicrosoftService.GRAPH, "POST", "/users/{id}/sendMail")
VERIFY = MicrosoftCall(MicrosoftService.GRAPH, "POST", "/domains/{id}/verify")
REQUEST_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
GRANTS = re.compile(r"grant|az role assignment|[Rr]estart the function app")


def said(status: int, code: str, message: str = "", **more: object) -> MicrosoftAnswer:
    body = {"error": {"code": code, "message": message, **more}}
    return MicrosoftAnswer(status, {"request-id": REQUEST_ID}, body)


def arm(answer: MicrosoftAnswer) -> StepProblemError:
    return arm_problem(GET, answer, PATH)


@pytest.mark.parametrize(
    ("call", "answer", "code"),
    [
        (GRANT, said(403, "Directory_QuotaExceeded"), ProblemCode.QUOTA_EXCEEDED),
        (GRANT, said(403, "Directory_ResourceSizeExceeded"), ProblemCode.QUOTA_EXCEEDED),
        (GRANT, said(403, "Authorization_IdentityDisabled"), ProblemCode.BLOCKED),
        (GRANT, said(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant"), ProblemCode.BLOCKED),
        (GRANT, said(403, "Forbidden", "error=insufficient_claims"), ProblemCode.BLOCKED),
        (MAIL, said(403, "ErrorAccountSuspend"), ProblemCode.MAILBOX_REFUSED),
        (MAIL, said(403, "Forbidden", "Account suspended."), ProblemCode.MAILBOX_REFUSED),
        (MAIL, said(403, "ErrorSendAsDenied"), ProblemCode.MAILBOX_REFUSED),
        (MAIL, said(403, "MailboxNotEnabledForRESTAPI"), ProblemCode.MAILBOX_REFUSED),
        (
            MAIL,
            said(403, "ErrorAccessDenied", "[RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings."),
            ProblemCode.BLOCKED,
        ),
        (GET, said(403, "LinkedAuthorizationFailed"), ProblemCode.LINKED_PERMISSION_MISSING),
        (GET, said(403, "DenyAssignmentAuthorizationFailed"), ProblemCode.BLOCKED),
        (GET, said(403, "RequestDisallowedByAzure"), ProblemCode.BLOCKED),
        (GET, said(403, "RequestDisallowedByPolicy"), ProblemCode.BLOCKED),
        (GET, said(409, "ScopeLocked"), ProblemCode.BLOCKED),
        (GET, said(409, "ReadOnlyDisabledSubscription"), ProblemCode.BLOCKED),
        (GET, said(409, "InvalidResourceLocation"), ProblemCode.REFUSED),
    ],
)
def test_a_403_that_no_permission_mends_is_not_told_as_a_missing_one(
    call: MicrosoftCall, answer: MicrosoftAnswer, code: ProblemCode
) -> None:
    """Bug report: nearly any 403 was told as 'permission missing: run grant.sh, restart'."""
    problem = arm(answer) if call is GET else graph_problem(call, answer)
    assert isinstance(problem, PersonMustActError)
    assert problem.code == code
    assert answer.code in problem.seen
    assert problem.code != ProblemCode.PERMISSION_MISSING
    assert "grant.sh" not in problem.what_next
    assert "grant-mail" not in problem.what_next


@pytest.mark.parametrize("code", ["Authorization_RequestDenied", "accessDenied", "ErrorAccessDenied"])
def test_a_missing_permission_of_graph_is_told_as_one(code: str) -> None:
    assert graph_problem(GRANT, said(403, code)).code == ProblemCode.PERMISSION_MISSING
    assert code.lower() in GRAPH_PERMISSION


def test_a_missing_role_in_azure_is_told_as_one() -> None:
    assert arm(said(403, "AuthorizationFailed")).code == ProblemCode.PERMISSION_MISSING
    assert "authorizationfailed" in ARM_PERMISSION


@pytest.mark.parametrize("call", [GET, GRANT, MAIL])
def test_an_unknown_403_has_microsofts_words_and_no_advice_that_may_be_false(call: MicrosoftCall) -> None:
    answer = said(403, "SomethingNew", "The moon is in the way.")
    problem = arm(answer) if call is GET else graph_problem(call, answer)
    assert isinstance(problem, PersonMustActError)
    assert problem.code == ProblemCode.REFUSED
    assert "403 SomethingNew: The moon is in the way." in problem.seen
    assert not GRANTS.search(problem.what_next)
    assert problem.what_next.startswith("Read what Microsoft says")


def test_the_narrower_permission_to_add_applications_is_told_apart_from_none() -> None:
    words = (
        "When using this permission, the backing application of the service principal being created must in the local"
        " tenant"
    )
    problem = graph_problem(ADD, said(403, "Authorization_RequestDenied", words))
    assert problem.code == ProblemCode.PERMISSION_MISSING
    assert "holds Application.ReadWrite.OwnedBy" in problem.seen
    assert "Application.ReadWrite.All" in problem.what_next


def test_every_advice_fits_on_the_record_and_in_every_call_what_was_seen_does() -> None:
    advice = [r.what_next for r in (*ARM_REFUSALS, *GRAPH_REFUSALS)] + [text for _, text in HELD.values()]
    assert max(map(len, advice)) <= DETAIL_LENGTH
    longest = said(409, "C" * 300, "word " * 1000)
    calls = [*NEEDED, *AZURE_ROLES]
    for operation in calls:
        method, template = operation.split(" ", 1)
        call = MicrosoftCall(MicrosoftService.ARM, method, template)
        told = unconfirmed(call, longest, f"Reading shows that {REQUEST_ID} does not hold the role {REQUEST_ID}.")
        assert len(told.seen) + len(" (after 30 attempts)") <= DETAIL_LENGTH, operation
        assert len(told.what_next) <= DETAIL_LENGTH
    for problem in (takeover(""), graph_problem(VERIFY, said(400, "x", "Domain verification failed"))):
        assert len(problem.what_next) <= DETAIL_LENGTH


LINKED = f"{SUBSCRIPTION}/resourceGroups/rg-ids/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-acg"
LONG = (
    "The client '0b9f5a3e-1d42-4c8b-9e77-6a2f8d4c1b05' with object id '4c1b6f0e-2a3b-4c5d-8e9f-0a1b2c3d4e5f' has"
    f" permission to perform action 'Microsoft.VoiceServices/communicationsGateways/write' on scope '{PATH}'; however,"
    " it does not have permission to perform action(s) 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action'"
    f" on the linked scope(s) '{LINKED}' (respectively) or the linked scope(s) are invalid."
)


def test_microsofts_sentence_keeps_whose_identity_what_action_and_which_scope_it_names() -> None:
    """Bug report: it was cut at 400 characters, just before the identity's name."""
    assert len(LONG) > LONGEST_QUOTE
    seen = arm(said(403, "LinkedAuthorizationFailed", LONG)).problem.seen
    named = (
        "0b9f5a3e-1d42-4c8b-9e77-6a2f8d4c1b05",
        "4c1b6f0e-2a3b-4c5d-8e9f-0a1b2c3d4e5f",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        LINKED,
        REQUEST_ID,
    )
    assert [name for name in named if name not in seen] == []


def test_the_command_for_a_linked_scope_names_it_and_nothing_that_a_shell_would_read() -> None:
    told = arm(said(403, "LinkedAuthorizationFailed", LONG)).problem.what_next
    assert f'--role "Managed Identity Operator" --scope {LINKED}`' in told
    sly = LONG.replace(LINKED, f"{SUBSCRIPTION}/resourceGroups/$(reboot)")
    assert "--scope <linked scope>`" in arm(said(403, "LinkedAuthorizationFailed", sly)).problem.what_next


def test_a_short_sentence_is_quoted_whole_on_one_line() -> None:
    assert quoted(" It\r\n is  so. ") == "It is so."
    assert quoted("x" * LONGEST_QUOTE) == "x" * LONGEST_QUOTE


@pytest.mark.parametrize(
    "message", ["x" * 5000, "'a' " * 2000, f"{'word ' * 300}'{REQUEST_ID}' {'word ' * 300}", "'" * 999]
)
def test_no_quote_is_longer_than_it_may_be_and_its_end_is_there(message: str) -> None:
    told = quoted(message)
    assert len(told) <= LONGEST_QUOTE
    assert told[-20:] == " ".join(message.split())[-20:]
    assert (REQUEST_ID in told) == (REQUEST_ID in message)


FAILED = "Domain verification failed with the following error: '{}'."


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("Error in DNS verification. code=InternalError", Meaning.TXT_RECORD_NOT_SEEN),
        ("DNS record not found", Meaning.TXT_RECORD_NOT_SEEN),
        ("No TXT record was found", Meaning.TXT_RECORD_NOT_SEEN),
        ("Domain is being used by an active tenant", Meaning.DOMAIN_IN_USE),
        (
            "Unable to verify this domain because it is used elsewhere in Office 365. Remove the verified domain from"
            " the other service before adding it here.",
            Meaning.DOMAIN_IN_USE,
        ),
        ("The domain is already added to a different Microsoft 365 organization", Meaning.DOMAIN_IN_USE),
        ("The domain exists in another tenant", Meaning.DOMAIN_IN_USE),
        ("The domain is verified in another tenant", Meaning.DOMAIN_IN_USE),
        ("The root domain is federated", Meaning.DOMAIN_FEDERATED),
        ("The domain belongs to an unmanaged tenant", Meaning.DOMAIN_UNMANAGED),
        ("EmailVerifiedDomainTakeoverScheduled", Meaning.DOMAIN_TAKEOVER),
        ("The takeover of the domain is in progress", Meaning.DOMAIN_TAKEOVER),
        ("The moon is in the way", Meaning.VERIFICATION_FAILED),
        ("", Meaning.VERIFICATION_FAILED),
    ],
)
def test_a_failed_verification_is_told_by_its_inner_text(inner: str, expected: Meaning) -> None:
    """Bug report: every failed verification was told as 'TXT not seen'."""
    answer = said(400, "Request_BadRequest", FAILED.format(inner))
    assert meaning(answer) is expected
    problem = graph_problem(VERIFY, answer)
    assert problem.code == expected.value
    assert inner in problem.seen
    assert isinstance(problem, PersonMustActError) == (expected in HELD)


@pytest.mark.parametrize("detail", [{"code": "DomainInUse"}, {"message": "used elsewhere"}, {"target": "DomainInUse"}])
def test_the_details_of_a_failed_verification_count_as_well(detail: dict[str, str]) -> None:
    answer = said(400, "Request_BadRequest", FAILED.format("See details"), details=[detail])
    assert graph_problem(VERIFY, answer).code == ProblemCode.DOMAIN_IN_USE


def test_only_what_waits_for_dns_has_the_long_budget() -> None:
    dns = graph_problem(VERIFY, said(400, "x", FAILED.format("Error in DNS verification")))
    unknown = graph_problem(VERIFY, said(400, "x", FAILED.format("The moon is in the way")))
    assert isinstance(dns, TryLaterError)
    assert isinstance(unknown, TryLaterError)
    assert (dns.at_most, unknown.at_most) == (None, SOON)


def test_an_application_of_another_tenant_is_no_domain_of_another() -> None:
    words = "The application is registered in another directory; it is unmanaged, and federated."
    assert meaning(said(409, "Conflict", words)) is Meaning.ALREADY_THERE
    assert graph_problem(ADD, said(400, "Request_BadRequest", words)).code == ProblemCode.REFUSED
