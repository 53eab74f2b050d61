"""The HTTP side of Graph: token, path, permission and body are checked, then one method an operation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sandbox.microsoft.conformance import Match, Problem
from sandbox.microsoft.exchange import Answer, Json, Request
from sandbox.microsoft.graph import errors, permissions
from sandbox.microsoft.graph.batch import Batch
from sandbox.microsoft.graph.calls import HANDLERS, Call
from sandbox.microsoft.graph.errors import GraphError
from sandbox.microsoft.graph.state import Directory
from sandbox.microsoft.identity import GRAPH_AUDIENCES, Identities, ManagedIdentity, TokenRefusedError
from sandbox.microsoft.journal import Entry
from sandbox.microsoft.letter import MIME_TYPE, from_mime
from sandbox.microsoft.mailbox import Mailbox
from sandbox.microsoft.specs import graph

VERSION = "/v1.0"
SEND_MAIL = "user_sendMail"
GET_USER = "user_GetUser"
CREATORS = frozenset(
    {"servicePrincipal_CreateServicePrincipal", "servicePrincipal_UpdateServicePrincipalGraphBPreAppId"}
)


class Graph:
    """Microsoft Graph v1.0."""

    name = "graph"

    def __init__(
        self,
        directory: Directory,
        identities: Identities,
        mailbox: Mailbox,
        public_txt: Callable[[str], set[str]],
        batch: Batch,
    ) -> None:
        self.directory = directory
        self.mailbox = mailbox
        self.public_txt = public_txt
        self._identities = identities
        self._batch = batch
        self._spec = graph()

    async def answer(self, request: Request, entry: Entry) -> Answer:
        """Do what is asked, with Graph's usual headers on the answer."""
        try:
            caller = self._caller(request, entry)
            match = self._match(request)
            if match.operation.id == "batch_post":
                answer = await self._batch.answer(request, self._body(request, match), entry)
            else:
                answer = self._answer(request, match, caller)
        except GraphError as error:
            answer = error.answer(request, self._now())
        return Answer(answer.status, answer.body, {**_usual_headers(request), **answer.headers})

    def refuse(self, request: Request, status: int, retry_after: float | None) -> Answer:
        """An injected error."""
        codes = {
            401: "InvalidAuthenticationToken",
            403: "Authorization_RequestDenied",
            429: "TooManyRequests",
            500: "generalException",
            503: "serviceNotAvailable",
            504: "UnknownError",
        }
        wait = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        error = GraphError(status, codes.get(status, "UnknownError"), "Injected fault.", headers=wait)
        answer = error.answer(request, self._now())
        return Answer(answer.status, answer.body, {**_usual_headers(request), **answer.headers})

    def _match(self, request: Request) -> Match:
        if not request.path.lower().startswith(VERSION + "/"):
            segment = request.path.strip("/").split("/")[0]
            raise GraphError(400, "BadRequest", f"Invalid version: {segment}")
        path = request.path[len(VERSION) :].rstrip("/")
        match = self._spec.match(request.method, path)
        if match is None and self._spec.knows_path(path):
            raise errors.not_simulated(request.method, path)
        if match is None:
            raise errors.no_segment(path.strip("/").split("/")[0])
        if match.operation.id not in HANDLERS and match.operation.id != "batch_post":
            raise errors.not_simulated(request.method, path)
        return match

    def _caller(self, request: Request, entry: Entry) -> ManagedIdentity:
        try:
            return self._identities.bearer(request, GRAPH_AUDIENCES, entry)
        except TokenRefusedError as problem:
            raise errors.unauthenticated(problem.reason, str(problem)) from problem

    def _answer(self, request: Request, match: Match, caller: ManagedIdentity) -> Answer:
        operation = match.operation
        template = operation.template.removesuffix("/$count")
        if operation.id == SEND_MAIL:
            self._check_sender(match, caller)
        elif not permissions.allowed(operation.method, template, caller.graph_permissions):
            raise errors.denied()
        elif operation.id == GET_USER and "accountEnabled" in request.query.get("$select", ""):
            self._check_account_may_be_read(template, caller)
        body = self._body(request, match)
        if operation.id in CREATORS:
            self._check_foreign(caller, match.parameters.get("appId") or body.get("appId"))
        call = Call(self.directory, self.mailbox, self.public_txt, request, match, body)
        return HANDLERS[operation.id](call)

    def _check_account_may_be_read(self, template: str, caller: ManagedIdentity) -> None:
        """Basic profiles have no `accountEnabled`: so what allows to read those alone is refused here."""
        if not permissions.allowed("GET", template, caller.graph_permissions - {"User.ReadBasic.All"}):
            raise errors.denied()

    def _check_sender(self, match: Match, caller: ManagedIdentity) -> None:
        """Mail.Send in Entra, or Exchange's RBAC for Applications with this sender in its scope."""
        sender = self.directory.user(match.parameters["user-id"])
        address = sender["userPrincipalName"].lower() if sender else ""
        scoped = address in caller.mail_scope
        if not scoped and not permissions.allowed("POST", match.operation.template, caller.graph_permissions):
            raise errors.mail_denied()

    def _check_foreign(self, caller: ManagedIdentity, app_id: str | None) -> None:
        application = self.directory.applications.get((app_id or "").lower())
        foreign = application is not None and application["ownerTenant"] != self.directory.tenant
        if foreign and not caller.graph_permissions & {"Application.ReadWrite.All", "Directory.ReadWrite.All"}:
            raise errors.foreign_application()

    def _body(self, request: Request, match: Match) -> Json:
        schema = match.operation.request
        if schema is None:
            return None
        if match.operation.id == SEND_MAIL and _media_type(request) == MIME_TYPE:
            # The description knows only the JSON format; Microsoft documents this one beside it.
            try:
                return from_mime(request.content)
            except ValueError as problem:
                raise errors.mime_not_base64() from problem
        try:
            body = request.json()
        except ValueError as problem:
            raise errors.unreadable(str(problem)) from problem
        if not isinstance(body, dict):
            raise errors.unreadable("Expected a JSON object.")
        if match.operation.id == SEND_MAIL:
            # Action parameters are matched without regard to case; the description writes them in capitals.
            body = {name[:1].upper() + name[1:]: value for name, value in body.items()}
        if problems := schema.problems(body):
            raise errors.invalid_body(_told(problems))
        return body

    def _now(self) -> datetime:
        return self.directory.clock.now()


def _media_type(request: Request) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _told(problems: list[Problem]) -> str:
    first = problems[0]
    return f"Invalid request body at {first.where}: {first.message}" + (
        f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    )


def _usual_headers(request: Request) -> dict[str, str]:
    return {
        "request-id": request.request_id,
        "client-request-id": request.client_request_id or request.request_id,
        "x-ms-ags-diagnostic": '{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"1"}}',
        "Cache-Control": "no-cache",
    }
