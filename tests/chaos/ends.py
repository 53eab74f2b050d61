"""What an onboarding has come to: its end state, what was written at Microsoft, and its audit trail."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import httpx

from onboarding.azure.tables import AzureTable
from onboarding.core.record import Event, Record
from onboarding.rows import CLOSED, OPEN
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID
from onboarding.upgrade import rebuild_record as rebuild
from tests.chaos.system import System, Wanted, wait_for
from tests.support.kept import records_on
from tests.support.steps import CHECKPOINTS

Json = dict[str, Any]


def end_state(system: System, wanted: Wanted, record: Json) -> Json:
    """The record and Microsoft's side of it, with what is a gateway's own replaced by its name."""
    state = system.microsoft.state()
    gateway = next(g for g in state["gateways"] if g["name"] == wanted.gateway)
    users = {u["id"]: u["userPrincipalName"] for u in state["users"]}
    synergy = [p for p in state["servicePrincipals"] if p["appId"] == PROJECT_SYNERGY_APP_ID]
    principal = next(p for p in state["servicePrincipals"] if p["id"] == gateway["principalId"])
    domain = next(d for d in state["domains"] if d["id"] == gateway["domain"])
    named = {
        gateway["domain"]: "the gateway's domain",
        gateway["principalId"]: "the gateway's identity",
        principal["appId"]: "the gateway's application id",
        domain["verificationText"]: "the domain's verification text",
        **{p["id"]: "Project Synergy" for p in synergy},
        **users,
    }
    text = json.dumps(record["findings"], sort_keys=True)
    for value, name in named.items():
        text = text.replace(value, name)
    roles = Counter(
        (named[a["principalId"]], a["appRoleId"])
        for a in state["appRoleAssignments"]
        if a["principalId"] in (gateway["principalId"], *users)
    )
    return {
        "state": record["state"],
        "steps": {s["name"]: s["state"] for s in record["steps"]},
        "findings": json.loads(text),
        "platforms": sorted(gateway["properties"]["platforms"]),
        "status": (gateway["status"], gateway["provisioningState"]),
        "test lines": {name: (x["phoneNumber"], x["purpose"]) for name, x in gateway["testLines"].items()},
        "roles": dict(sorted(roles.items())),
        "domain is verified": domain["isVerified"],
        "Project Synergy": [p["displayName"] for p in synergy],
    }


def writes(system: System, wanted: Wanted) -> Counter[str]:
    """What Microsoft was successfully asked to change for this gateway, in words → how often."""
    state = system.microsoft.state()
    gateway = next(g for g in state["gateways"] if g["name"] == wanted.gateway)
    made: Counter[str] = Counter()
    for entry in system.microsoft.requests("arm") + system.microsoft.requests("graph"):
        if entry["method"] == "GET" or not 200 <= entry.get("status", 0) < 300:
            continue
        path, body = httpx.URL(entry["url"]).path, entry.get("body") or {}
        if f"/communicationsgateways/{wanted.gateway}".lower() in f"{path.lower()}":
            of = path.lower().split("/communicationsgateways/")[1].split("/")
            if of[0] == wanted.gateway:
                made["put " + ("/".join(of[1:]) or "the gateway")] += 1
        elif path.endswith("/domains") and body.get("id") == gateway["domain"]:
            made["add the domain"] += 1
        elif path.endswith(f"/domains/{gateway['domain']}/verify"):
            made["verify the domain"] += 1
        elif path.endswith("/appRoleAssignedTo") and body.get("principalId") == gateway["principalId"]:
            made[f"assign role {body['appRoleId']}"] += 1
    return made


def writes_of_the_tenant(system: System) -> Counter[str]:
    """The same for what all gateways share: Project Synergy and the admin user's role."""
    users = {u["id"] for u in system.microsoft.state()["users"]}
    made: Counter[str] = Counter()
    for entry in system.microsoft.requests("graph"):
        if entry["method"] == "GET" or not 200 <= entry.get("status", 0) < 300:
            continue
        path, body = httpx.URL(entry["url"]).path, entry.get("body") or {}
        if path.endswith("/servicePrincipals"):
            made["add Project Synergy"] += 1
        elif path.endswith("/appRoleAssignedTo") and body.get("principalId") in users:
            made["assign the admin user"] += 1
    return made


def mails(system: System, wanted: Wanted) -> Counter[tuple[str, str]]:
    """(subject, to whom) → how often it was sent about this gateway."""
    mailbox = system.microsoft.call("GET", "/mailbox")
    sent = [m for m in mailbox if _names(wanted.gateway, f"{m['subject']} {m['text']}")]
    return Counter((m["subject"], ",".join(m["to"])) for m in sent)


def _names(gateway: str, text: str) -> bool:
    """Whether a text speaks of that gateway: chaos-1 is not chaos-11."""
    words = text.replace("'", " ").replace("/", " ").split()
    return any(word.strip(".,:;()") == gateway for word in words)


def check_trail(system: System, wanted: Wanted) -> Record:
    """The record as the table holds it, whose events, from version 1, rebuild it. It stands among the closed ones."""
    stored: list[tuple[Record, list[Event], list[str]]] = []

    def is_closed() -> bool:
        stored[:] = [asyncio.run(_stored(system, wanted.id))]
        return stored[0][2] == [CLOSED]

    # It is moved after its last change; by the timer, where the host has died in between.
    wait_for(is_closed, f"{wanted.id} stands among the closed onboardings only")
    record, events, _ = stored[0]
    assert [e.version for e in events] == list(range(1, record.version + 1))
    assert rebuild(events) == record.model_copy(update={"tail": ()})
    return record


def check_people_were_told(record: Record) -> None:
    """Each checkpoint's opening was told of, and so was the end; nothing is owed any more."""
    told = {(n.kind, n.step) for n in record.notices if n.sent}
    assert told >= {("checkpoint-opened", s.name) for s in CHECKPOINTS} | {("completed", None)}
    assert not [n.id for n in record.notices if n.owed or n.sending]


async def _stored(system: System, onboarding_id: str) -> tuple[Record, list[Event], list[str]]:
    connection = system.cloud.settings["Tables"]
    onboardings, events = (AzureTable(n, connection_string=connection) for n in ("onboardings", "events"))
    try:
        records = records_on(onboardings, events)
        loaded, trail = await records.load(onboarding_id), await records.events(onboarding_id)
        assert loaded is not None
        assert trail is not None
        where = [p for p in (OPEN, CLOSED) if await onboardings.get(p, onboarding_id) is not None]
        return loaded.record, trail, where
    finally:
        await onboardings.close()
        await events.close()
