"""What the fields of bodies and answers mean. A name means the same wherever it stands, so it is explained once.

Where a field has a docstring of its own, below it in its model, that says what it means in that model.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

MEANINGS: Mapping[str, str] = {
    "action": "Which button.",
    "ActionView.name": "The action, for programs.",
    "actor": "Who did it: a person, or a part of the application.",
    "adminUser": "Who is to administer Operator Connect in the tenant: a user principal name or an object id.",
    "adminUserId": "Object id of the admin user.",
    "adminUserMail": "Where Microsoft Entra says that the admin user is written to.",
    "adminUserName": "What people call the admin user, by Microsoft Entra.",
    "allowedActions": "What the caller may do now: the state allows it, and the caller's roles cover it.",
    "alreadyOnboarded": "Whether the tenant was onboarded before: what needs no repeating is left out.",
    "answers": "What was answered, by name.",
    "AskView.hint": "Where to find it, or what it is for.",
    "AskView.kind": "`text`, `guid`, `date` (such as 2026-03-02), `link` (https) or `choice`.",
    "AskView.label": "What people are asked.",
    "AskView.name": "The field, as `answers` has it.",
    "applicationId": "Application (client) id of whoever calls the Operator Connect API: entered in the portal.",
    "armId": "The gateway's resource id in Azure Resource Manager.",
    "at": "When.",
    "attempts": "How often it was tried.",
    "back": "The path of the page to go back to.",
    "because": "The reason that was given.",
    "by": "Who.",
    "callRouting": "How Teams Phone Mobile calls reach Microsoft Phone System.",
    "callerId": "Object id of the application's service principal, of one of the operator's own.",
    "cancelledBecause": "The reason that was given when it was cancelled; null: it was not.",
    "certificateRemarks": "What is to be known of the trunks' certificates though they are good.",
    "certificatesValidUntil": "When the first of the trunks' certificates ends; null: not looked at yet.",
    "changes": "Each field that it changed, by its path: the value before, and the one after.",
    "closedAt": "When it was completed or cancelled; null: it is open.",
    "choices": "The values of which it is one; empty: it is no choice.",
    "code": "Stable: made for programs. The runbook lists the codes.",
    "createdAt": "When it was first requested.",
    "credentialEnds": "When its secrets and certificates end, a sentence each.",
    "csrf": "The token that stands in the page's form. It is good for its reader and this form only.",
    "daily": "One e-mail a day in place of single ones.",
    "detail": "What was seen or done, in words.",
    "differs": "The fields in which the request is another than the one that is known.",
    "domain": "The gateway's domain.",
    "domainVerified": "Whether Microsoft Entra has verified the domain in the tenant; null: not looked at yet.",
    "done": "Steps that have ended: done or skipped.",
    "email": "Its e-mail address.",
    "emails": "Who is told by e-mail.",
    "endedBy": "Who confirmed or skipped it; null: nobody did.",
    "environment": "`production`, or `lab`: one region and half the test lines.",
    "errors": "Every field that is wrong.",
    "escalate-to": "Who is told, once, when a checkpoint stays open for too long; empty: nobody.",
    "escalated": "Whether somebody else was told that it has been open for too long.",
    "escalateTo": "Who is told, once, when a checkpoint stays open for too long.",
    "events": "Every transition, oldest first.",
    "field": "The path of the field, such as `services.operatorConnect.testLines[2].name`.",
    "findings": "What the steps found out, for later steps and for people.",
    "gateway": "The gateway.",
    "gatewayName": "The gateway's name.",
    "gatewayPrincipalId": "Object id of the gateway's managed identity.",
    "GatewayView.kind": "Which kind of gateway it is.",
    "GatewayView.name": "The gateway's name.",
    "href": "The path to call.",
    "id": "The onboarding: the gateway's name and a digest of its resource id.",
    "insist": "Leave it out although Microsoft's article does not allow it: it was done in another way.",
    "insistOnNumbers": "Numbers of this request that are right although their area code is not known here yet.",
    "integrationTestNumbers": "Numbers for integration testing, in E.164. None of them is a test line's.",
    "label": "What the page's button says.",
    "lastErrorCode": "Its code, stable: made for programs. The runbook lists the codes.",
    "lastErrorSeen": "The same in words: what was seen; in the list without phone numbers. Null: nothing.",
    "lastError": "What went wrong last and is not settled; null: nothing.",
    "message": "What is wrong with it, in words.",
    "method": "The HTTP method to call it with.",
    "openWaitCount": "How many things it waits for at once; null: not known until its next change.",
    "roleDifferences": "App roles whose id in the tenant is not the article's. The tenant's is used.",
    "requestedBy": "Who posted the request, or started it again; null: it was before this was kept.",
    "needs": "The steps that must have ended before it begins.",
    "nextAttemptAt": "When it is tried or looked at again; null: nothing is to happen by itself.",
    "nextDueAt": "When something is to happen by itself next; null: nothing is.",
    "note": "What the person who ended it wanted to say.",
    "notices": "What people were told, or are to be told.",
    "NoticeView.id": "The notice's own name within the onboarding.",
    "NoticeView.kind": "What people are told, such as `checkpoint-opened`.",
    "notify": "Whom to tell.",
    "onboarding": "The onboarding that the gateway has already.",
    "onboardings": "Those of this page.",
    "onboardingTeam": "Microsoft's onboarding team, or the partner in its place.",
    "OnboardingTeam.name": "What messages call it.",
    "outcome": "`confirm`, or `problem`.",
    "link": "The token of a signed link, or the link whole.",
    "owedSince": "Since when people are to be told it.",
    "phoneNumber": "In E.164, with `+` and country code.",
    "problem": "What went wrong; null: nothing.",
    "progress": "How many steps have ended.",
    "projectSynergyId": "Object id of Project Synergy's service principal in the tenant.",
    "reason": "Why: it stands in the audit trail.",
    "requestId": "The call's id, as its header `X-Request-Id` has it: logs and traces name it.",
    "Refusal.code": "The kind of refusal, stable: made for programs.",
    "Refusal.detail": "Why, and what to do, in words.",
    "Refusal.title": "What is refused, in a few words.",
    "Refusal.type": "Where that kind of refusal is explained: what it means, and what to do.",
    "reminders": "How often people were reminded while it was open.",
    "request": "As it was posted, with the defaults filled in, and with the contacts of now.",
    "resourceGroup": "The gateway's resource group.",
    "rule": "The rule that the field breaks: made for programs.",
    "run": "How often it was started: 1, and one more with each `?again=true`.",
    "seen": "What was seen and what was expected, in words.",
    "sent": "The ways that it went.",
    "services": "Operator Connect, Teams Phone Mobile, or both.",
    "since": "Since when it is so.",
    "skippedBecause": "The reason that was given when it was left out; null: it was not.",
    "state": "Where it stands.",
    "status": "The HTTP status.",
    "StaysView.step": "The step that did it.",
    "step": "The step that it is about; null: the whole onboarding.",
    "steps": "All steps, in their order.",
    "StepView.kind": "`task`: this application does it; `wait`: Microsoft does; `checkpoint`: a person does.",
    "StepView.name": "The step, as paths and messages have it.",
    "StepView.title": "The step, in words for people.",
    "subscriptionId": "The gateway's Azure subscription.",
    "SummaryView.href": "The path of the whole record.",
    "team-email": "The onboarding team's e-mail address.",
    "team-name": "The onboarding team's name.",
    "teams": "Whether the operator's Teams channel is told.",
    "TestLine.name": "The line's name in Azure.",
    "testLines": "Service verification lines: six in production, three in a lab; none if the gateway has them.",
    "title": "What it is, in words for people.",
    "to": "To which addresses.",
    "told": "What it is, in a sentence.",
    "total": "All steps.",
    "ttl": "Seconds.",
    "txtRecord": "The record that proves that the tenant owns the domain.",
    "TxtRecord.name": "The DNS name that it is published at.",
    "TxtRecord.type": "`TXT`.",
    "TxtRecord.value": "Its text, to be published exactly as it is.",
    "updatedAt": "When it was changed last.",
    "user": "Who is to be signed in.",
    "value": "What was sent.",
    "version": "Goes up by one with each transition.",
    "voicemailPilotNumber": "The voicemail's number for native dialers, in E.164.",
    "waitingFor": "The step that is waited for; null: nothing is.",
    "waitingOn": "Who is waited for, in words; null: nobody is.",
    "waitingSince": "Since when; null: nothing is waited for.",
    "waitsFor": "What must happen before it goes on, in words; null: nothing must.",
    "way": "`email`, `digest` (e-mail, gathered once a day), `teams`, or `events` (a program of one's own).",
    "what": "What happened: the transition's name.",
    "whatNext": "What to do about it, in words.",
}
"""By the field's name in JSON; where it says more of one model's, by the model's and the field's."""


class Explained(GenerateJsonSchema):
    """Each field of a model with its docstring as its description."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        for name, text in docstrings(model).items():
            field = model.model_fields[name]
            made.get("properties", {}).get(field.serialization_alias or name, {}).setdefault("description", text)
        return made


def explain(document: Any) -> Any:
    """Let every property in a description say what it means; handed through."""
    if isinstance(document, dict):
        for name, schema in (document.get("properties") or {}).items():
            meaning = MEANINGS.get(f"{document.get('title')}.{name}") or MEANINGS.get(name)
            if isinstance(schema, dict) and meaning:
                schema.setdefault("description", meaning)
    for inner in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        explain(inner)
    return document


def meaning_of(model: type[BaseModel], field: str, name: str) -> str:
    """What a field of a model means, which JSON calls `name`; empty: that is said nowhere."""
    return docstrings(model).get(field) or MEANINGS.get(f"{model.__name__}.{name}") or MEANINGS.get(name, "")


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The docstring below each field, by the field's name, of a model and those that it extends.

    Read from the source when the description is asked for: pydantic's `use_attribute_docstrings` does so at each start.
    """
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        module = inspect.getmodule(kind)
        if issubclass(kind, BaseModel) and kind is not BaseModel and module is not None:
            found.update(_of_module(module).get(kind.__name__, {}))
    return {name: text for name, text in found.items() if name in model.model_fields}


@cache
def _of_module(module: ModuleType) -> dict[str, dict[str, str]]:
    body = ast.parse(inspect.getsource(module)).body
    return {node.name: dict(_fields(node)) for node in body if isinstance(node, ast.ClassDef)}


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            text = below.value.value if isinstance(below.value, ast.Constant) else None
            if isinstance(text, str):
                yield field.target.id, " ".join(text.split())
