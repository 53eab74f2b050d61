"""The control port: looks into the world and changes it. Plain HTTP and JSON, for tests and demonstrations."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.microsoft.exchange import Json
from sandbox.microsoft.faults import Fault
from sandbox.microsoft.graph.errors import GraphError
from sandbox.microsoft.pages import POLICY, SCRIPT, STYLE, mailbox_page, teams_page
from sandbox.microsoft.receiver import events_page
from sandbox.microsoft.transitions import VANISHED
from sandbox.microsoft.world import World
from sandbox.telemetry.routes import INDEX, Telemetry

log = logging.getLogger(__name__)
Query = dict[str, str]
PROJECT_SYNERGY = {"appId": "eb63d611-525e-4a31-abd7-0cb33f679599", "displayName": "Operator Connect"}
"""Article, "Add the Project Synergy application to your Azure tenant"."""


class Control:
    """Routes of the control port; `GET /` lists them."""

    def __init__(self, world: World, renderer: Path | None = None) -> None:
        """`renderer`: the script that draws Adaptive Cards, where there is one."""
        self._world = world
        self._files = {"/pages/pages.js": SCRIPT, "/pages/pages.css": STYLE}
        if renderer and renderer.is_file():
            self._files["/pages/adaptivecards.js"] = renderer
        self._telemetry = Telemetry()
        self._routes: dict[tuple[str, str], Callable[[Json, Query], Json]] = {
            ("GET", "/"): self.index,
            ("GET", "/state"): self.state,
            ("POST", "/reset"): self.reset,
            ("GET", "/clock"): self.clock,
            ("POST", "/clock"): self.advance,
            ("GET", "/options"): self.options,
            ("PUT", "/options"): self.set_options,
            ("GET", "/faults"): self.faults,
            ("POST", "/faults"): self.add_fault,
            ("DELETE", "/faults"): self.clear_faults,
            ("POST", "/key-rollover"): self.roll_keys_over,
            ("POST", "/transitions"): self.transition,
            ("POST", "/onboarded"): self.onboard,
            ("PUT", "/gateways"): self.put_gateway,
            ("PUT", "/users"): self.put_user,
            ("PUT", "/service-principals"): self.put_service_principal,
            ("PUT", "/applications"): self.put_application,
            ("PUT", "/role-assignments"): self.put_role_assignment,
            ("PUT", "/peerings"): self.put_peering,
            ("PUT", "/domains"): self.put_domain,
            ("PUT", "/permissions"): self.put_permissions,
            ("PUT", "/dns"): self.put_dns,
            ("PUT", "/trunks"): self.put_trunk,
            ("PUT", "/dns-zones"): self.put_dns_zone,
            ("GET", "/requests"): self.requests,
            ("DELETE", "/requests"): self.clear_requests,
            ("GET", "/violations"): self.violations,
            ("GET", "/mailbox"): self.mailbox,
            ("GET", "/teams"): self.teams,
            ("GET", "/events"): self.events,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request. A mistake is answered 400 with a sentence."""
        if self._telemetry.serves(request.path):
            return await self._telemetry.handle(request)
        if request.path in self._files:
            return web.FileResponse(self._files[request.path], headers={"Cache-Control": "no-store"})
        route = self._routes.get((request.method, request.path.rstrip("/") or "/"))
        if route is None:
            known = [f"{method} {path}" for method, path in self._routes]
            return _json(404, {"error": f"No {request.method} {request.path} here. There is: {'; '.join(known)}."})
        try:
            text = await request.text()
            body = json.loads(text) if text.strip() else {}
            answer = route(body, dict(request.query))
        except (ValueError, KeyError, TypeError, AttributeError, GraphError) as problem:
            detail = f"missing {problem}" if isinstance(problem, KeyError) else str(problem)
            return _json(400, {"error": f"{request.method} {request.path} was not understood: {detail}"})
        if request.method != "GET":
            log.info("control %s %s %s", request.method, request.path, text[:200])
        if "text/html" in request.headers.get("Accept", "") and request.path == "/events":
            return web.Response(text=events_page(answer), content_type="text/html")
        if "text/html" in request.headers.get("Accept", "") and request.path in ("/mailbox", "/teams"):
            return self._page(request.path, request.query.get("q", "").strip())
        return _json(200, answer)

    def _page(self, path: str, wanted: str) -> web.Response:
        if path == "/mailbox":
            page = mailbox_page(self._world.mailbox.mails, wanted)
        else:
            page = teams_page(self._world.channel.messages, wanted, "/pages/adaptivecards.js" in self._files)
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
        return web.Response(text=page, content_type="text/html", headers=headers)

    def index(self, body: Json, query: Query) -> Json:
        """Every route with its sentence."""
        return {
            f"{method} {path}": (route.__doc__ or "").strip().split("\n")[0]
            for (method, path), route in self._routes.items()
        } | dict(INDEX)

    def state(self, body: Json, query: Query) -> Json:
        """Everything there is, without counting as a read by a client."""
        world, directory = self._world, self._world.directory
        return {
            "clock": self.clock(body, query),
            "options": world.options.json(),
            "gateways": [
                {
                    "id": gateway.id,
                    "name": gateway.name,
                    "status": gateway.status.peek(),
                    "provisioningState": gateway.provisioning.peek(),
                    "domain": gateway.domain,
                    "principalId": gateway.principal_id,
                    "properties": gateway.body.get("properties", {}),
                    "sku": gateway.body.get("sku"),
                    "tags": gateway.body.get("tags"),
                    "testLines": {line.name: line.body["properties"] for line in world.arm.lines(gateway).values()},
                }
                for gateway in world.arm.gateways.values()
            ],
            "identities": [identity.json() for identity in world.identities.all],
            "servicePrincipals": [_brief(item.body) for item in directory.service_principals.values()],
            "appRoleAssignments": [item.body for item in directory.assignments.values()],
            "users": directory.users,
            "domains": [
                item.body | {"verificationText": directory.verification_text(name)}
                for name, item in directory.domains.items()
            ],
            "dns": self._dns(),
            "trunks": self._world.trunks.shows,
            "dnsZones": [
                {"id": zone.id, "txt": {name: world.azure_dns.values(zone, name) for name in zone.sets}}
                for zone in world.azure_dns.zones.values()
            ],
            "faults": self.faults(body, query),
            "violations": len(world.journal.violations),
            "requests": len(world.journal.entries),
        }

    def reset(self, body: Json, query: Query) -> Json:
        """Back to the seed, with the command line's options."""
        self._world.reset()
        return {"reset": True}

    def clock(self, body: Json, query: Query) -> Json:
        """The simulated time, and how far it is ahead."""
        return {"now": self._world.clock.now().isoformat(), "offset": self._world.clock.offset}

    def advance(self, body: Json, query: Query) -> Json:
        """{"advance": seconds}: move the clock forward."""
        self._world.clock.advance(float(body["advance"]))
        return self.clock(body, query)

    def options(self, body: Json, query: Query) -> Json:
        """All options."""
        return self._world.options.json()

    def set_options(self, body: Json, query: Query) -> Json:
        """{"armPageSize": 2, …}: set some options; the others stay."""
        self._world.options.update(body)
        return self._world.options.json()

    def faults(self, body: Json, query: Query) -> Json:
        """The faults in force, and how often each has struck."""
        return [fault.json() for fault in self._world.faults.active]

    def add_fault(self, body: Json, query: Query) -> Json:
        """{"kind", "service", "method", "path", "status", "retryAfter", "code", …, "times", "every"}: add some.

        One, or a list. Further fields: `details` of the error, `empty` (no body), `seconds`, `server` (DNS).
        """
        self._world.faults.active += [Fault.parse(row) for row in (body if isinstance(body, list) else [body])]
        return self.faults(body, query)

    def clear_faults(self, body: Json, query: Query) -> Json:
        """End all faults, and all waits that clients were told."""
        self._world.faults.clear()
        return []

    def roll_keys_over(self, body: Json, query: Query) -> Json:
        """Tokens are signed with a new key from now on; those that were given before are refused (401)."""
        self._world.tokens.roll_over()
        return {"rolledOver": True}

    def transition(self, body: Json, query: Query) -> Json:
        """{"gateway": name, id or *, "testLine"?, "status"?, "provisioningState"?, "after"?}: set a state.

        At once, or `after` so many seconds. `"remove": true` takes a test line away.
        """
        gateways = list(self._world.arm.named(body["gateway"]))
        if not gateways:
            raise ValueError(f"There is no gateway {body['gateway']!r}.")
        for gateway in gateways:
            line = self._world.arm.lines(gateway)[body["testLine"].lower()] if "testLine" in body else None
            resource, seconds = line or gateway, body.get("after")
            if line and body.get("remove"):
                line.provisioning.move(VANISHED, seconds)
            if "provisioningState" in body:
                resource.provisioning.move(body["provisioningState"], seconds)
            if "status" in body:
                gateway.status.move(body["status"], seconds)
        return [
            {"name": gateway.name, "status": gateway.status.peek(), "provisioningState": gateway.provisioning.peek()}
            for gateway in gateways
        ]

    def put_gateway(self, body: Json, query: Query) -> Json:
        """{"name", "base": "production", "properties"?, "testLines"?, …}: create or replace, at once Complete; {"name",
        "remove": true} removes those of that name."""
        if body.get("remove"):
            gone = [*self._world.arm.named(body["name"])]
            for gateway in gone:
                self._world.arm.delete_gateway(gateway)
            return {"removed": len(gone)}
        gateway = self._world.put_gateway(body)
        return {"id": gateway.id, "principalId": gateway.principal_id, "domain": gateway.domain}

    def put_user(self, body: Json, query: Query) -> Json:
        """{"userPrincipalName", "id", "displayName", …}: create or replace; {"…", "remove": true} removes."""
        users = self._world.directory.users
        name = body["userPrincipalName"].lower()
        users[:] = [user for user in users if user["userPrincipalName"].lower() != name]
        if not body.get("remove"):
            users.append(
                {"displayName": body["userPrincipalName"], "mail": body["userPrincipalName"], "id": body["id"], **body}
            )
        return users

    def put_service_principal(self, body: Json, query: Query) -> Json:
        """{"appId", "displayName"?, "accountEnabled"?}: add an app or change it; {"appId", "remove": true} removes."""
        directory = self._world.directory
        existing = directory.principal_item(body["appId"])
        if body.get("remove"):
            if existing:
                directory.remove_service_principal(existing.body["id"])
            return {"removed": existing is not None}
        if existing is None:
            return directory.add_service_principal(body["appId"], body, lag=False)
        existing.body.update({name: value for name, value in body.items() if name != "appId"})
        return existing.body

    def onboard(self, body: Json, query: Query) -> Json:
        """The operator was onboarded before, as samples/already-onboarded.json has it: Project Synergy is there."""
        return self.put_service_principal(PROJECT_SYNERGY, query)

    def put_application(self, body: Json, query: Query) -> Json:
        """{"appId", "displayName"?, "passwordCredentials": [{"displayName", "endsInDays": 20}]}: an own application."""
        return self._world.directory.register(body)

    def put_role_assignment(self, body: Json, query: Query) -> Json:
        """{"principalId", "appId", "role": "Data.Read"}: assign it; {"…", "remove": true}: take it away, or all."""
        directory = self._world.directory
        application = directory.service_principal_of(body["appId"])
        roles = {role["value"]: role["id"].lower() for role in application["appRoles"]} if application else {}
        chosen = [roles[body["role"]]] if "role" in body else list(roles.values())
        if not body.get("remove"):
            return [directory.assign(body["principalId"], (application or {})["id"], role) for role in chosen]
        gone = [(body["principalId"].lower(), (application or {})["id"].lower(), role) for role in chosen]
        return {"removed": sum(directory.assignments.pop(key, None) is not None for key in gone)}

    def put_peering(self, body: Json, query: Query) -> Json:
        """{"name", "connections": ["Active", …], "prefixes": {"203.0.113.0/24": "Verified"}}; or {"name", "remove"}."""
        return self._world.arm.peering.put(body)

    def put_domain(self, body: Json, query: Query) -> Json:
        """{"name", "state": {"operation": "ForceDelete", "status": "InProgress"} or null, …}: add one or change it."""
        directory, values = self._world.directory, {name: value for name, value in body.items() if name != "name"}
        existing = directory.domains.get(body["name"].lower())
        if existing is None:
            return directory.add_domain(body["name"], values, lag=False)
        existing.body.update(values)
        return existing.body

    def put_permissions(self, body: Json, query: Query) -> Json:
        """{"identity"?, "add": […], "remove": […], "azureRole"?, "mailScope"?}: of the managed identities."""
        wanted = body.get("identity")
        for identity in self._world.identities.all:
            if wanted in (None, identity.name, identity.client_id, identity.object_id):
                identity.graph_permissions |= set(body.get("add", []))
                identity.graph_permissions -= set(body.get("remove", []))
                identity.azure_role = body.get("azureRole", identity.azure_role)
                identity.mail_scope = {name.lower() for name in body.get("mailScope", identity.mail_scope)}
        return [identity.json() for identity in self._world.identities.all]

    def put_dns(self, body: Json, query: Query) -> Json:
        """{"name", "values": […], "server": "ns1", "ns2", "resolver" or "*"}: set the TXT values; or {"name", "cname"}.

        Or {"name", "a": [addresses]}. [] removes them, and a cname of null the alias. Zones are commsgw.azure.com,
        contoso.example, elsewhere.example and those of PUT /dns-zones.
        """
        if "a" in body:
            self._world.records.place(body.get("server", "*"), body["name"], list(body["a"]))
        if "cname" in body:
            self._world.records.lead(body["name"], body["cname"])
        if "values" in body or not {"cname", "a"} & set(body):
            self._world.records.put(body.get("server", "*"), body["name"], list(body["values"]))
        return self._dns()

    def put_trunk(self, body: Json, query: Query) -> Json:
        """{"name": FQDN or *, "shows": "good", "expired", "wrong-name", …}: the certificate of a trunk."""
        self._world.trunks.set(body.get("name", "*"), body["shows"])
        return self._world.trunks.shows

    def put_dns_zone(self, body: Json, query: Query) -> Json:
        """{"name", "resourceGroup"?, "delegated": true, "txt": {"@": […]}, "rivals": 0}: make or change an Azure zone.

        `rivals`: before so many writes of TXT sets somebody else writes one more value.
        """
        zone = self._world.put_dns_zone(body)
        return {"id": zone.id, "txt": {name: self._world.azure_dns.values(zone, name) for name in zone.sets}}

    def requests(self, body: Json, query: Query) -> Json:
        """?service=arm&since=number or ISO time: what reached the simulator, oldest first."""
        return [entry.json() for entry in self._world.journal.select(query.get("service"), query.get("since"))]

    def clear_requests(self, body: Json, query: Query) -> Json:
        """Forget requests and violations."""
        self._world.journal.clear()
        return []

    def violations(self, body: Json, query: Query) -> Json:
        """Breaches: before-retry-after, write-not-allowed, request- or answer-does-not-conform, message-not-shown."""
        return [violation.json() for violation in self._world.journal.violations]

    def mailbox(self, body: Json, query: Query) -> Json:
        """All mail, oldest first; with Accept: text/html a page for people, newest first, `?q=text` of it."""
        return [mail.json() for mail in self._world.mailbox.mails]

    def events(self, body: Json, query: Query) -> Json:
        """Events that the operator's own program got, oldest first, and what is wrong with each; to browsers a page."""
        return self._world.inbox.events

    def teams(self, body: Json, query: Query) -> Json:
        """All posts in the channel, oldest first; with Accept: text/html a page for people as that of the mailbox."""
        return self._world.channel.messages

    def _dns(self) -> Json:
        records = self._world.records
        records.settle()
        return {
            "txt": {
                server: {name.to_text(omit_final_dot=True): values for name, values in rows.items()}
                for server, rows in records.txt.items()
            },
            "aliases": {
                name.to_text(omit_final_dot=True): target.to_text(omit_final_dot=True)
                for name, target in records.aliases.items()
            },
            "nameServers": records.addresses,
            "planned": [vars(plan) for plan in records.planned],
        }


def _brief(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in ("id", "appId", "displayName", "appDisplayName", "servicePrincipalType")}


def _json(status: int, body: Json) -> web.Response:
    return web.Response(
        status=status, text=json.dumps(body, indent=1, ensure_ascii=False) + "\n", content_type="application/json"
    )
