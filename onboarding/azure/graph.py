"""Project Synergy, its app roles and the tenant's domains, in Microsoft Graph v1.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onboarding.azure.allowed import MAX_BATCH, Grants
from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, gravest, unexpected_answer
from onboarding.azure.calls import add_application_call, add_domain_call, grant_call
from onboarding.azure.graph_answers import Meaning, graph_problem, meaning, takeover, unconfirmed
from onboarding.azure.graph_batch import FAILED_DEPENDENCY
from onboarding.azure.graph_client import Ask, GraphSender
from onboarding.azure.graph_models import (
    TAKEOVER_SCHEDULED,
    ApplicationBody,
    AssignmentBody,
    DnsRecordBody,
    DomainBody,
    ObjectBody,
    ServicePrincipalBody,
    domain_from_graph,
    held_roles,
    listed_values,
    same,
)
from onboarding.azure.permissions import ChangesBy
from onboarding.ports import (
    AppCredential,
    Directory,
    Domain,
    OwnPermissions,
    Principal,
    RoleStanding,
    ServicePrincipal,
)

if TYPE_CHECKING:
    from msgraph.graph_service_client import GraphServiceClient

_APPLICATION = ("id", "appId", "displayName", "appRoles", "accountEnabled", "servicePrincipalType")
_CREDENTIALS = ("id", "passwordCredentials", "keyCredentials")
_OF_USER = ("id", "displayName", "mail")


class GraphDirectory(Directory):
    """The tenant's directory in Microsoft Graph. Every method may raise StepProblemError."""

    def __init__(self, client: GraphSender) -> None:
        self._client = client

    async def own_permissions(self) -> OwnPermissions | None:
        """What a new token of this application says; None: it does not say."""
        return await self._client.own_permissions()

    async def application(self, app_id: str) -> ServicePrincipal | None:
        """The service principal of that application id; None when the tenant has none."""
        return _principal(*await self._client.send(_application(app_id)))

    async def credentials(self, app_id: str) -> Sequence[AppCredential] | None:
        """The secrets and certificates of an application of this tenant; None when its own object is not here."""
        call, answer = await self._client.send(
            Ask("GET", lambda g: g.applications_with_app_id(app_id), select=_CREDENTIALS)
        )
        found = _found(call, answer)
        return None if found is None else ApplicationBody.read(call, found).credentials

    async def service_principal(self, object_id: str) -> ServicePrincipal | None:
        """The service principal with that object id; None when there is none (yet)."""
        ask = Ask("GET", lambda g: g.service_principals.by_service_principal_id(object_id), select=_APPLICATION)
        return _principal(*await self._client.send(ask))

    async def add_application(self, app_id: str, display_name: str) -> ServicePrincipal:
        """Create it. One that exists already is success."""
        body = add_application_call(app_id, display_name).body
        call, answer = await self._client.send(Ask("POST", lambda g: g.service_principals, body=body))
        if answer.ok:
            return ServicePrincipalBody.read(call, answer.body).principal
        if meaning(answer) is not Meaning.ALREADY_THERE:
            raise graph_problem(call, answer)
        found = await self.application(app_id)
        if found is None:
            raise unconfirmed(call, answer, f"Reading shows no application with app id {app_id} in the tenant.")
        return found

    async def role_standing(self, principal: Principal, app_id: str) -> RoleStanding:
        """The application, the principal and the roles it holds, in one request; in two where the application only
        reads: a user's own list of roles then takes a permission to read the whole directory (Directory.Read.All)."""
        of_user = principal.kind == "users"
        if of_user and self._client.changes_by is ChangesBy.PEOPLE:
            return await self._standing_of_user(principal, app_id)
        (call, of_application), (who, of_principal), (held, of_assignments), account = await self._client.batch(
            [
                _application(app_id),
                Ask("GET", lambda g: _principal_of(g, principal), select=_OF_USER if of_user else ("id",)),
                Ask("GET", lambda g: _principal_of(g, principal).app_role_assignments),
                # By itself: the permission to find users may not allow it, and its refusal takes nothing else along.
                Ask("GET", lambda g: _principal_of(g, principal), select=("id", "accountEnabled")),
            ]
        )
        application = _principal(call, of_application)
        known = _found(who, of_principal)
        enabled = ObjectBody.read(account[0], account[1].body).account_enabled if account[1].ok else None
        seen = ObjectBody.read(who, known) if known is not None else None
        # The answers come from copies of the directory: a new principal may be in one and not in another.
        if application is None or seen is None or not _found(held, of_assignments):
            return _standing(application, seen, frozenset(), enabled)
        items = await self._all(held, of_assignments)
        assignments = [AssignmentBody.read(held, item) for item in items]
        roles = held_roles(assignments, application.id)
        return _standing(application, seen, roles, enabled)

    async def _standing_of_user(self, user: Principal, app_id: str) -> RoleStanding:
        """By the application's list of those who hold roles of it."""
        (call, of_application), (who, of_user), account = await self._client.batch(
            [
                _application(app_id),
                Ask("GET", lambda g: _principal_of(g, user), select=_OF_USER),
                Ask("GET", lambda g: _principal_of(g, user), select=("id", "accountEnabled")),
            ]
        )
        application = _principal(call, of_application)
        known = _found(who, of_user)
        seen = ObjectBody.read(who, known) if known is not None else None
        enabled = ObjectBody.read(account[0], account[1].body).account_enabled if account[1].ok else None
        if application is None or seen is None:
            return _standing(application, seen, frozenset(), enabled)
        held, answer = await self._client.send(Ask("GET", lambda g: _assigned(g, application.id)))
        every = [AssignmentBody.read(held, item) for item in await self._all(held, answer)]
        roles = held_roles([one for one in every if same(one.principal_id, seen.id)], application.id)
        return _standing(application, seen, roles, enabled)

    async def assign_roles(self, application: ServicePrincipal, principal_id: str, role_ids: Sequence[str]) -> None:
        """Grant roles of that application. Those held already are success.

        Raises ForbiddenCallError for another application than Project Synergy, or for another of its roles.
        """
        grants = Grants.of(application)
        asks = [_grant(application.id, principal_id, role_id) for role_id in role_ids]
        there_already: dict[str, tuple[MicrosoftCall, MicrosoftAnswer]] = {}
        for start in range(0, len(asks), MAX_BATCH):
            part = asks[start : start + MAX_BATCH]
            if len(part) == 1:
                answers = [await self._client.send(part[0], grants)]
            else:
                answers = await self._client.batch(part, grants)
            there_already |= _existing(answers, role_ids[start : start + MAX_BATCH])
        if there_already:
            await self._confirm(application.id, principal_id, there_already)

    async def domain(self, name: str) -> Domain | None:
        """The domain and its verification record, in one request."""
        (call, answer), (listing, records) = await self._client.batch(
            [Ask("GET", lambda g: g.domains.by_domain_id(name)), _verification_records(name)]
        )
        found = _found(call, answer)
        if found is None:
            return None
        return domain_from_graph(name, DomainBody.read(call, found), _records(listing, records))

    async def add_domain(self, name: str) -> Domain:
        """Add it. One that exists already is success."""
        adding = Ask("POST", lambda g: g.domains, body=add_domain_call(name).body)
        (call, answer), (listing, records) = await self._client.batch(
            [adding, _verification_records(name, after_previous=True)]
        )
        if answer.ok:
            return domain_from_graph(name, DomainBody.read(call, answer.body), _records(listing, records))
        if meaning(answer) is not Meaning.ALREADY_THERE:
            raise graph_problem(call, answer)
        found = await self.domain(name)
        if found is None:
            raise unconfirmed(call, answer, f"Reading shows no domain {name} in the tenant.")
        return found

    async def verify_domain(self, name: str) -> bool:
        """Ask Graph to verify it now. True when it is verified.

        Raises TryLaterError: `txt-record-not-seen` when Microsoft does not see the record yet, `domain-takeover` when
        it has yet to move the domain here from a tenant that nobody manages.
        """
        call, answer = await self._client.send(Ask("POST", lambda g: g.domains.by_domain_id(name).verify))
        scheduled = False
        if answer.ok:
            verified = DomainBody.read(call, answer.body)
            scheduled = verified.availability_status == TAKEOVER_SCHEDULED
            if verified.is_verified and not scheduled:
                return True
        elif meaning(answer) is not Meaning.ALREADY_THERE:
            raise graph_problem(call, answer)
        # The answer may lack isVerified, and "already verified" is only an error's wording: the domain itself tells.
        read, now = await self._client.send(Ask("GET", lambda g: g.domains.by_domain_id(name)))
        found = _found(read, now)
        if found is not None and DomainBody.read(read, found).is_verified:
            return True
        if scheduled:
            raise takeover(
                f"{call} answered {answer.status} {TAKEOVER_SCHEDULED}: {name} was proved by e-mail in a tenant that"
                " nobody manages, and Microsoft moves it from there to this tenant."
            )
        if not answer.ok:
            raise unconfirmed(call, answer, f"Reading shows {name} not verified.")
        return False

    async def _confirm(
        self, application_id: str, principal_id: str, said: Mapping[str, tuple[MicrosoftCall, MicrosoftAnswer]]
    ) -> None:
        """`said`: role id → what Graph said of it."""
        call, answer = await self._client.send(Ask("GET", lambda g: _assigned(g, application_id)))
        assignments = [AssignmentBody.read(call, item) for item in await self._all(call, answer)]
        held = {a.app_role_id.lower() for a in assignments if same(a.principal_id, principal_id)}
        for role_id, (granting, refusal) in said.items():
            if role_id.lower() not in held:
                seen = f"Reading shows that {principal_id} does not hold the role {role_id}."
                raise unconfirmed(granting, refusal, seen)

    async def _all(self, call: MicrosoftCall, answer: MicrosoftAnswer) -> list[Any]:
        items: list[Any] = []
        while True:
            if not answer.ok:
                raise graph_problem(call, answer)
            items += listed_values(call, answer.object)
            link = answer.object.get("@odata.nextLink")
            if not link:
                return items
            answer = await self._client.follow(call, str(link))


def _standing(
    application: ServicePrincipal | None, seen: ObjectBody | None, roles: frozenset[str], enabled: bool | None
) -> RoleStanding:
    """`seen`: the principal, if there is one."""
    if seen is None:
        return RoleStanding(application, None, principal_enabled=enabled)
    return RoleStanding(application, seen.id, roles, enabled, seen.display_name, seen.mail)


def _application(app_id: str) -> Ask:
    return Ask("GET", lambda g: g.service_principals_with_app_id(app_id), select=_APPLICATION)


def _principal_of(graph: GraphServiceClient, principal: Principal) -> Any:
    if principal.kind == "users":
        return graph.users.by_user_id(principal.ref)
    return graph.service_principals.by_service_principal_id(principal.ref)


def _assigned(graph: GraphServiceClient, application_id: str) -> Any:
    return graph.service_principals.by_service_principal_id(application_id).app_role_assigned_to


def _grant(application_id: str, principal_id: str, role_id: str) -> Ask:
    body = grant_call(application_id, principal_id, role_id).body
    return Ask("POST", lambda g: _assigned(g, application_id), body=body)


def _verification_records(name: str, *, after_previous: bool = False) -> Ask:
    return Ask("GET", lambda g: g.domains.by_domain_id(name).verification_dns_records, after_previous=after_previous)


def _found(call: MicrosoftCall, answer: MicrosoftAnswer) -> Mapping[str, Any] | None:
    """What a read found; None when there is no such thing. Raises for anything else."""
    if meaning(answer) is Meaning.ABSENT:
        return None
    if not answer.ok:
        raise graph_problem(call, answer)
    if not answer.object:
        raise unexpected_answer(call, f"status {answer.status} without a JSON object")
    return answer.object


def _principal(call: MicrosoftCall, answer: MicrosoftAnswer) -> ServicePrincipal | None:
    found = _found(call, answer)
    return None if found is None else ServicePrincipalBody.read(call, found).principal


def _records(call: MicrosoftCall, answer: MicrosoftAnswer) -> list[DnsRecordBody]:
    if answer.status == FAILED_DEPENDENCY:
        return []
    found = _found(call, answer)
    return [] if found is None else [DnsRecordBody.read(call, item) for item in listed_values(call, found)]


def _existing(
    answers: Sequence[tuple[MicrosoftCall, MicrosoftAnswer]], role_ids: Sequence[str]
) -> dict[str, tuple[MicrosoftCall, MicrosoftAnswer]]:
    """The roles that are held already, as Graph says, with its words. Raises the gravest problem of the others."""
    problems = [graph_problem(c, a) for c, a in answers if meaning(a) not in (Meaning.DONE, Meaning.ALREADY_THERE)]
    worst = gravest(problems)
    if worst:
        raise worst
    pairs = zip(answers, role_ids, strict=True)
    return {role_id: told for told, role_id in pairs if meaning(told[1]) is Meaning.ALREADY_THERE}
