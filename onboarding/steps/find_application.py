"""`find-application`: the operator's own application that calls the Operator Connect API is in the tenant, and can.

Source: azure-docs, articles/communications-gateway/prepare-to-deploy.md of 2022, in which an operator brought an app
registration of its own tenant; since 2023 a managed identity was the caller. So either will do. Microsoft Graph v1.0:
servicePrincipal, application, passwordCredential, keyCredential.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from onboarding.core.instructions import Value
from onboarding.core.parts import ObjectId
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.proposal import ValueChange
from onboarding.core.record import Record
from onboarding.ports import AppCredential, ServicePrincipal
from onboarding.steps.app_roles import expect_enabled
from onboarding.steps.base import Applied, Inspection, Work, plural
from onboarding.steps.definition import Definition, Findings
from onboarding.steps.find_application_id import identity_of
from onboarding.steps.operator_connect import AZURE_COMMUNICATIONS_GATEWAY_APP_ID, PROJECT_SYNERGY_APP_ID

CALLERS = ("application", "managedidentity")
"""`servicePrincipalType` of what can call an API as itself, in lower case."""
ENDS_SOON = timedelta(days=30)
CREDENTIALS_SHOWN = 10
CREDENTIAL_NAME_SHOWN = 40


class CallerFound(Findings):
    """The operator's own application."""

    caller_id: ObjectId | None = None
    """Object id of its service principal."""
    application_id: ObjectId | None = None
    """Its client id: entered in the Operator Connect portal."""
    credential_ends: tuple[str, ...] = ()
    """When its secrets and certificates end, a sentence each."""

    def values(self) -> tuple[Value, ...]:
        named = (
            ("Application id (client id)", self.application_id),
            ("Object id of its service principal", self.caller_id),
        )
        return tuple(Value(label, text) for label, text in named if text)

    def remarks(self) -> tuple[str, tuple[str, ...]] | None:
        ends = self.credential_ends
        return ("Secrets and certificates of the application", ends) if ends else None


async def application_of(work: Work, client_id: str) -> ServicePrincipal:
    """The request's application in this tenant. Raises PersonMustActError when it is not there, or can't call."""
    if client_id.lower() in (PROJECT_SYNERGY_APP_ID, AZURE_COMMUNICATIONS_GATEWAY_APP_ID):
        raise _unfit(f"The application id of the request ({client_id}) is one of Microsoft's own applications.")
    found = await work.world.directory.application(client_id)
    if found is None:
        raise PersonMustActError(
            ProblemCode.APPLICATION_UNKNOWN,
            f"The tenant has no service principal of the application {client_id} that the request names.",
            "Compare application.clientId with the Application (client) ID of your app registration: it is not its"
            " object id. An application of another tenant, such as a vendor's, must be added to this one first, by"
            " admin consent. Then retry this step; or cancel, and post the request with the right id.",
        )
    if found.kind.lower() not in CALLERS:
        raise _unfit(f"The application {client_id} is of the type '{found.kind[:40]}' (servicePrincipalType).")
    expect_enabled(
        found.enabled,
        f"The application '{found.display_name}' (application id {client_id})",
        "Enterprise applications, this one, Properties: 'Enabled for users to sign in?'",
    )
    return found


def _unfit(seen: str) -> PersonMustActError:
    return PersonMustActError(
        ProblemCode.APPLICATION_UNFIT,
        f"{seen} Expected was an application of your own: an app registration or a managed identity.",
        "Cancel, and post the request with the client id of the application that is to call the Operator Connect API.",
    )


def whoever_calls(record: Record) -> str:
    """Who else uses the application that calls the Operator Connect API: a gateway's own identity is nobody else's."""
    return "all onboardings that name the same calling application" if record.request.client_id else ""


async def calling_application(work: Work) -> ServicePrincipal:
    """Who calls the Operator Connect API: the request's application, or else the gateway's own identity."""
    client_id = work.request.client_id
    return await identity_of(work) if client_id is None else await application_of(work, client_id)


def ends_of(credentials: Sequence[AppCredential], now: datetime) -> tuple[str, ...]:
    """A sentence for each, the first to end first; those beyond CREDENTIALS_SHOWN are counted."""
    known = sorted((c for c in credentials if c.ends is not None), key=lambda c: c.ends or now)
    told = [_told(c.kind, c.name, c.ends, now) for c in known[:CREDENTIALS_SHOWN] if c.ends is not None]
    more = len(known) - CREDENTIALS_SHOWN
    return (*told, f"And {more} more.") if more > 0 else tuple(told)


def _told(kind: str, name: str, ends: datetime, now: datetime) -> str:
    shown = name if name.isprintable() else "".join(c if c.isprintable() else "?" for c in name)
    what = f"The {kind} '{shown[:CREDENTIAL_NAME_SHOWN]}'" if name else f"A {kind}"
    if ends <= now:
        return f"{what} ended on {ends:%Y-%m-%d}."
    if ends - now < ENDS_SOON:
        return f"{what} ends on {ends:%Y-%m-%d}, in {plural((ends - now).days, 'day')}: renew it now."
    return f"{what} ends on {ends:%Y-%m-%d}."


def soon_or_past(credentials: Sequence[AppCredential], now: datetime) -> str:
    """What is to be done about them, for the step's line; empty: nothing. One that has ended may have a successor."""
    valid = [c for c in credentials if c.ends is not None and c.ends > now]
    if credentials and not valid:
        return " None of its secrets and certificates is valid any more: it can't sign in with them."
    if valid and all(c.ends is not None and c.ends - now < ENDS_SOON for c in valid):
        last = max(c.ends for c in valid if c.ends is not None)
        return f" The last of its secrets and certificates ends on {last:%Y-%m-%d}: renew it now."
    return ""


def _ending(name: str, ends: str) -> tuple[ValueChange, ...]:
    what = f"Secrets and certificates of '{name}'"
    before = f"one of them is good for {ENDS_SOON.days} days and more"
    return (ValueChange(what=what, before=before, after=ends.strip()),) if ends else ()


class FindApplication:
    """It is found by its client id. Nothing is changed."""

    async def inspect(self, work: Work) -> Inspection:
        found = await calling_application(work)
        # An application of another tenant, and a managed identity, have no object here whose credentials could be read.
        credentials = await work.world.directory.credentials(found.app_id) or ()
        ends = soon_or_past(credentials, work.at)
        return Inspection(
            (),
            f"The tenant has it, as '{found.display_name}', and it is enabled.{ends}",
            CallerFound(
                caller_id=found.id, application_id=found.app_id, credential_ends=ends_of(credentials, work.at)
            ),
            also=_ending(found.display_name, ends),
        )

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        raise AssertionError("a step that only reads has nothing to apply")


FIND_APPLICATION = Definition(
    "find-application",
    StepKind.TASK,
    "Find the calling application",
    "",
    task=FindApplication(),
    found=CallerFound,
    only_reads=True,
    shared_with=whoever_calls,
)
