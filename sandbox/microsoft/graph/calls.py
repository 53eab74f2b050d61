"""What each Graph call does, once token, permission and body have been checked."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.microsoft.arm.state import NAMES
from sandbox.microsoft.conformance import Match
from sandbox.microsoft.exchange import Answer, Json, Request
from sandbox.microsoft.graph import errors, query
from sandbox.microsoft.graph.state import Directory
from sandbox.microsoft.letter import Letter, from_json
from sandbox.microsoft.mailbox import Mailbox

USER_DEFAULTS = (
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
)
"""What GET /users/{id} returns without `$select`."""
ASSIGNMENT = ("principalId", "resourceId", "appRoleId")


@dataclass(frozen=True, slots=True)
class Call:
    """A checked request and what it acts on."""

    directory: Directory
    mailbox: Mailbox
    public_txt: Callable[[str], set[str]]
    """The TXT values of a name in public DNS."""
    request: Request
    match: Match
    body: Json
    """Of sendMail in MIME format: a Letter."""


def list_service_principals(call: Call) -> Answer:
    """GET /servicePrincipals."""
    rows = call.directory.visible_service_principals()
    return Answer(200, query.page(call.request, "servicePrincipal", rows, call.directory.options.graph_page_size))


def count_service_principals(call: Call) -> Answer:
    """GET /servicePrincipals/$count: plain text, only with `ConsistencyLevel: eventual`."""
    if call.request.headers.get("ConsistencyLevel", "").lower() != "eventual":
        raise errors.advanced_query()
    test = query.matches("servicePrincipal", call.request.query.get("$filter"))
    return Answer(200, sum(map(test, call.directory.visible_service_principals())))


def get_service_principal(call: Call) -> Answer:
    """GET /servicePrincipals/{id} and /servicePrincipals(appId='…')."""
    found = _service_principal(call)
    context = {"@odata.context": f"{call.request.origin}/v1.0/$metadata#servicePrincipals/$entity"}
    return Answer(200, context | query.select("servicePrincipal", call.request.query)(found))


def get_application(call: Call) -> Answer:
    """GET /applications(appId='…'): an app registration of this tenant. Managed identities have none."""
    app_id = call.match.parameters["appId"]
    found = call.directory.registrations.get(app_id.lower())
    if found is None:
        raise errors.not_found(app_id)
    context = {"@odata.context": f"{call.request.origin}/v1.0/$metadata#applications/$entity"}
    return Answer(200, context | query.select("application", call.request.query)(found))


def create_service_principal(call: Call) -> Answer:
    """POST /servicePrincipals."""
    app_id = call.body.get("appId")
    if not app_id:
        raise errors.value_required("appId", "ServicePrincipal")
    return _created(call, "servicePrincipals", call.directory.add_service_principal(app_id, call.body))


def upsert_service_principal(call: Call) -> Answer:
    """PATCH /servicePrincipals(appId='…'): creates only with `Prefer: create-if-missing`."""
    app_id = call.match.parameters["appId"]
    prefers_creation = "create-if-missing" in call.request.headers.get("Prefer", "").lower()
    existing = call.directory.principal_item(app_id)
    if existing is None:
        if not prefers_creation:
            raise errors.not_found(app_id)
        return _created(call, "servicePrincipals", call.directory.add_service_principal(app_id, call.body))
    existing.body.update({name: value for name, value in call.body.items() if name not in ("appId", "id")})
    return Answer(204)


def list_granted(call: Call) -> Answer:
    """GET …/appRoleAssignments of a service principal or user: what it has been granted."""
    return _assignments(call, "principalId", _principal(call)["id"])


def list_granted_to(call: Call) -> Answer:
    """GET /servicePrincipals/{id}/appRoleAssignedTo: who has been granted its roles."""
    return _assignments(call, "resourceId", _service_principal(call)["id"])


def grant(call: Call) -> Answer:
    """POST …/appRoleAssignments or …/appRoleAssignedTo."""
    for name in ASSIGNMENT:
        if not call.body.get(name):
            raise errors.value_required(name, "AppRoleAssignment")
    owner = _principal(call)
    side = "resourceId" if call.match.operation.template.endswith("/appRoleAssignedTo") else "principalId"
    if call.body[side].lower() != owner["id"].lower():
        raise errors.other_principal(owner["id"], call.body[side], side)
    assignment = call.directory.assign(*(call.body[name] for name in ASSIGNMENT))
    return _created(call, "appRoleAssignments", assignment)


def get_user(call: Call) -> Answer:
    """GET /users/{id or user principal name}."""
    shown = query.select("user", call.request.query, USER_DEFAULTS)(
        {"accountEnabled": True, **_user(call)}
    )
    return Answer(200, {"@odata.context": f"{call.request.origin}/v1.0/$metadata#users/$entity", **shown})


def send_mail(call: Call) -> Answer:
    """POST /users/{id}/sendMail: 202, which is not delivery."""
    sender = call.directory.user(call.match.parameters["user-id"])
    if sender is None:
        raise errors.no_mailbox(call.match.parameters["user-id"])
    # The route has read a MIME message already; a JSON body is a dictionary that conforms.
    letter = call.body if isinstance(call.body, Letter) else from_json(call.body.get("Message") or {})
    if not letter.recipients:
        raise errors.no_recipients()
    unresolved = {address.lower() for address in call.directory.options.unresolved_recipients}
    for address in letter.recipients:
        if "@" not in address or address.lower() in unresolved:
            raise errors.unresolved_recipient(address, call.directory.options.recipient_refusal)
    own = {str(sender[name]).lower() for name in ("userPrincipalName", "mail") if sender.get(name)}
    if not own.issuperset(address.lower() for address in letter.senders):
        raise errors.other_sender()
    call.mailbox.deliver(sender["userPrincipalName"], letter)
    return Answer(202)


def list_domains(call: Call) -> Answer:
    """GET /domains."""
    rows = [item.body for item in call.directory.domains.values() if item.seen()]
    return Answer(200, query.page(call.request, "domain", rows, call.directory.options.graph_page_size))


def add_domain(call: Call) -> Answer:
    """POST /domains: the id is the only property that counts."""
    if not call.body.get("id"):
        raise errors.value_required("id", "Domain")
    return _created(call, "domains", call.directory.add_domain(call.body["id"]))


def get_domain(call: Call) -> Answer:
    """GET /domains/{id}."""
    shown = query.select("domain", call.request.query)(_domain(call))
    return Answer(200, {"@odata.context": f"{call.request.origin}/v1.0/$metadata#domains/$entity", **shown})


def verification_records(call: Call) -> Answer:
    """GET /domains/{id}/verificationDnsRecords: a TXT and an MX record, either of which would do."""
    name = _domain(call)["id"]
    text = call.directory.verification_text(name)
    common = {"isOptional": False, "label": name, "supportedService": "Email", "ttl": 3600}
    rows = [
        {
            "@odata.type": "#microsoft.graph.domainDnsTxtRecord",
            "id": _record_id(name, "Txt"),
            "recordType": "Txt",
            **common,
            "text": text,
        },
        {
            "@odata.type": "#microsoft.graph.domainDnsMxRecord",
            "id": _record_id(name, "Mx"),
            "recordType": "Mx",
            **common,
            "mailExchange": f"{text.removeprefix('MS=')}.msv1.invalid",
            "preference": 32767,
        },
    ]
    return Answer(200, query.page(call.request, "domainDnsRecord", rows, 100))


def verify_domain(call: Call) -> Answer:
    """POST /domains/{id}/verify: looks the TXT record up in public DNS."""
    domain = _domain(call)
    if domain["isVerified"]:
        raise errors.domain_verified_already()
    if domain["id"] in [name.lower() for name in call.directory.options.domains_held_elsewhere]:
        raise errors.domain_in_use()
    if call.directory.verification_text(domain["id"]) not in call.public_txt(domain["id"]):
        raise errors.domain_not_verified()
    context = {"@odata.context": f"{call.request.origin}/v1.0/$metadata#domains/$entity"}
    if domain["id"] in [name.lower() for name in call.directory.options.domain_takeovers]:
        return Answer(200, context | domain | {"availabilityStatus": "EmailVerifiedDomainTakeoverScheduled"})
    domain |= {
        "isVerified": True,
        "availabilityStatus": "AvailableImmediately",
        "supportedServices": ["Email", "OfficeCommunicationsOnline"],
    }
    return Answer(200, context | domain)


def _service_principal(call: Call) -> dict[str, Any]:
    names = call.match.parameters
    key = names.get("appId") or names["servicePrincipal-id"]
    found = call.directory.service_principal_of(key) if "appId" in names else call.directory.service_principal(key)
    if found is None:
        raise errors.not_found(key)
    return found


def _user(call: Call) -> dict[str, Any]:
    user = call.directory.user(call.match.parameters["user-id"])
    if user is None:
        raise errors.not_found(call.match.parameters["user-id"])
    return user


def _principal(call: Call) -> dict[str, Any]:
    return _user(call) if "user-id" in call.match.parameters else _service_principal(call)


def _domain(call: Call) -> dict[str, Any]:
    domain = call.directory.domain(call.match.parameters["domain-id"])
    if domain is None:
        raise errors.not_found(call.match.parameters["domain-id"])
    return domain


def _assignments(call: Call, side: str, object_id: str) -> Answer:
    rows = call.directory.assigned(side, object_id)
    return Answer(200, query.page(call.request, "appRoleAssignment", rows, call.directory.options.graph_page_size))


def _created(call: Call, collection: str, body: dict[str, Any]) -> Answer:
    return Answer(201, {"@odata.context": f"{call.request.origin}/v1.0/$metadata#{collection}/$entity", **body})


def _record_id(name: str, kind: str) -> str:
    return str(uuid.uuid5(NAMES, f"{kind} {name}"))


HANDLERS: dict[str, Callable[[Call], Answer]] = {
    "servicePrincipal_ListServicePrincipal": list_service_principals,
    "servicePrincipal_GetCount": count_service_principals,
    "servicePrincipal_CreateServicePrincipal": create_service_principal,
    "servicePrincipal_GetServicePrincipal": get_service_principal,
    "servicePrincipal_GetServicePrincipalGraphBPreAppId": get_service_principal,
    "servicePrincipal_UpdateServicePrincipalGraphBPreAppId": upsert_service_principal,
    "application_GetApplicationGraphBPreAppId": get_application,
    "servicePrincipal_ListAppRoleAssignment": list_granted,
    "servicePrincipal_CreateAppRoleAssignment": grant,
    "servicePrincipal_ListAppRoleAssignedTo": list_granted_to,
    "servicePrincipal_CreateAppRoleAssignedTo": grant,
    "user_ListAppRoleAssignment": list_granted,
    "user_CreateAppRoleAssignment": grant,
    "user_GetUser": get_user,
    "user_sendMail": send_mail,
    "domain_ListDomain": list_domains,
    "domain_CreateDomain": add_domain,
    "domain_GetDomain": get_domain,
    "domain_ListVerificationDnsRecord": verification_records,
    "domain_verify": verify_domain,
}
"""By operation id; what Graph has beyond these is answered 501."""
