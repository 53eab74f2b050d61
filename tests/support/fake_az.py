"""`az` for tests of scripts: account, cloud and rest, over a directory in a JSON file. Run as a program.

The file (its path is in FAKE_AZ_STATE) also keeps every call of `az rest`, so that a test sees what was written.
Answers are those of Microsoft Graph v1.0: https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignments
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

GRAPH = "https://graph.microsoft.com"


def main(arguments: list[str]) -> int:
    place = Path(os.environ["FAKE_AZ_STATE"])
    state = json.loads(place.read_text(encoding="utf-8"))
    try:
        status, told = answer(arguments, state)
    finally:
        place.write_text(json.dumps(state), encoding="utf-8")
    print(told, file=sys.stderr if status else sys.stdout)
    return status


def answer(arguments: list[str], state: dict[str, Any]) -> tuple[int, str]:
    if arguments[:2] == ["account", "show"]:
        if not state["signedIn"]:
            return 1, "ERROR: Please run 'az login' to setup account."
        return 0, json.dumps({"tenantId": state["tenantId"], "name": "A subscription"})
    if arguments[:2] == ["cloud", "show"]:
        return 0, f"{GRAPH}/"
    if arguments[:1] != ["rest"]:
        return 2, f"ERROR: '{' '.join(arguments)}' is not an az command."
    options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    method, url = options["--method"], options["--url"]
    body = json.loads(options["--body"]) if "--body" in options else None
    state["calls"].append([method, url.removeprefix(f"{GRAPH}/v1.0"), body])
    code, content = graph(method, url, body, state)
    return (0, json.dumps(content)) if code < 400 else (1, f"ERROR: {content['error']['code']}({json.dumps(content)})")


def graph(method: str, url: str, body: Any, state: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    path, _, query = url.removeprefix(f"{GRAPH}/v1.0").partition("?")
    principals = state["servicePrincipals"]
    if state.get("readsFail"):
        return 503, problem("ServiceUnavailable", "Try again.")
    if found := re.fullmatch(r"/servicePrincipals\(appId='(.+)'\)", path):
        for principal in principals:
            principal["hidden"] = principal.get("hidden", 0) - 1
        principals = [p for p in principals if p["hidden"] < 0]
        return one([p for p in principals if p["appId"] == found[1].lower()])
    if found := re.fullmatch(r"/servicePrincipals/([^/]+)", path):
        return one([p for p in principals if p["id"] == found[1].lower()])
    if path == "/servicePrincipals" and method == "POST":
        return added(body, state)
    if not re.fullmatch(r"/servicePrincipals/[^/]+/appRoleAssignments", path):
        return 400, problem("BadRequest", f"{method} {path} is not known")
    mine = [a for a in state["assignments"] if a["principalId"] == path.split("/")[2]]
    if method == "GET":
        return page(url.partition("?")[0], query, mine, state)
    if state["mayGrant"] is False:
        return 403, problem("Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    if any(a["appRoleId"] == body["appRoleId"] and a["resourceId"] == body["resourceId"] for a in mine):
        return 400, problem("Request_BadRequest", "Permission being assigned already exists on the object")
    made = {"id": f"made-{len(state['assignments'])}", **body, "hidden": state["hiddenReads"]}
    state["assignments"].append(made)
    return 201, made


def added(body: Any, state: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals"""
    if state["mayGrant"] is False:
        return 403, problem("Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    if any(p["appId"] == body["appId"] for p in state["servicePrincipals"]):
        return 409, problem("Request_MultipleObjectsWithSameKeyValue", "The service principal name is already in use.")
    made = {"id": f"sp-{len(state['servicePrincipals'])}", **body, "hidden": state["hiddenReads"]}
    state["servicePrincipals"].append(made)
    return 201, made


def page(base: str, query: str, mine: list[dict[str, Any]], state: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Three assignments a page, so that whoever forgets `@odata.nextLink` misses some."""
    start = int(query.partition("=")[2] or 0)
    if start == 0:
        state["visible"] = [a["id"] for a in mine if a.get("hidden", 0) <= 0]
        for assignment in mine:
            assignment["hidden"] = assignment.get("hidden", 0) - 1
    shown = [a for a in mine if a["id"] in state["visible"]]
    more = {"@odata.nextLink": f"{base}?$skiptoken={start + 3}"} if start + 3 < len(shown) else {}
    return 200, {"value": shown[start : start + 3], **more}


def one(found: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    return (200, found[0]) if found else (404, problem("Request_ResourceNotFound", "Resource does not exist"))


def problem(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
