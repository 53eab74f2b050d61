"""Who gets in where: every route against every role, nobody, and people without one; and what is not believed."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import azure.functions as func
import pytest

from onboarding.core.roles import Role
from onboarding.http.access import SANDBOX_USERS, Caller, caller_of, read_principal
from onboarding.http.call import HttpCall, Route
from onboarding.http.entrance import entrance
from onboarding.http.operations import operations
from onboarding.http.origin import from_elsewhere
from onboarding.http.routes import ROUTES
from onboarding.settings import SET_IN_AZURE
from tests.support.http import ENTRA_ROLE, HOST, IN_AZURE, Api, app_settings, content, principal

READ, SUBMIT, APPROVE, OPERATE = Role
EVERY_ROLE = {READ, SUBMIT, APPROVE, OPERATE}
EVERYBODY = None

MAY = {
    "list_onboardings": EVERY_ROLE,
    "export": EVERY_ROLE,
    "figures": EVERY_ROLE,
    "charts_page": EVERY_ROLE,
    "control_many": {OPERATE},
    "look_at_many": {OPERATE},
    "do_to_many": {OPERATE},
    "post_onboarding": {SUBMIT},
    "get_onboarding": EVERY_ROLE,
    "get_events": EVERY_ROLE,
    "post_plan": {SUBMIT},
    "get_plan": EVERY_ROLE,
    "get_plan_as": EVERY_ROLE,
    "plan_page": EVERY_ROLE,
    "start_plan": {SUBMIT},
    "request_page": {SUBMIT},
    "send_json": {SUBMIT},
    "request_form": {SUBMIT},
    "send_request": {SUBMIT},
    "table_page": {SUBMIT},
    "send_table": {SUBMIT},
    "table_template": {SUBMIT},
    "checkpoint_page": EVERY_ROLE,
    "confirm_checkpoint": {APPROVE},
    "retry_step": {OPERATE},
    "apply_change_step": {OPERATE},
    "give_certificates_step": {OPERATE},
    "approve_admin_user_step": {APPROVE},
    "approve_application_step": {APPROVE},
    "made_by_hand_step": {OPERATE},
    "check_wait": {OPERATE},
    "skip_step": {OPERATE},
    "reopen_step": {OPERATE},
    "correct_answers_step": {OPERATE},
    "accept_deviation_step": {OPERATE},
    "repair_step": {OPERATE},
    "look_for_drift_onboarding": {OPERATE},
    "replay_messages": {OPERATE},
    "pause_onboarding": {OPERATE},
    "resume_onboarding": {OPERATE},
    "put_contacts": {OPERATE},
    "cancel_onboarding": {OPERATE},
    "dashboard": EVERY_ROLE,
    "onboarding_page": EVERY_ROLE,
    "dashboard_action": EVERY_ROLE,
    "link_page": EVERYBODY,
    "earlier_link_page": EVERYBODY,
    "open_link": EVERYBODY,
    "answer_link": EVERYBODY,
    "health": EVERYBODY,
    "openapi": EVERYBODY,
    "api_page": EVERYBODY,
    "asset": EVERYBODY,
}
"""Route → who may. `switch_user` is not there in Azure. What a button of the dashboard does asks for its own role."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


def path_of(route: Route) -> str:
    filled = {"id": "contoso-acg-1f0e9d8c7b", "step": "portal-access", "token": "t", "name": "page.css"}
    filled |= {"plan": "20261127-101500-1f0e9d8c7b6a", "form": "markdown"}
    return route.path.format(**filled)


async def enter(api: Api, route: Route, **headers: str) -> tuple[int, list[Caller]]:
    """The status, and who reached the handler."""
    reached: list[Caller] = []

    async def handler(call: HttpCall) -> func.HttpResponse:
        reached.append(call.caller)
        return func.HttpResponse("in")

    answer = await api.call(route.method, path_of(route), route=replace(route, handler=handler), **headers)
    return answer.status_code, reached


def test_the_table_covers_every_route() -> None:
    assert {*MAY, "switch_user"} == {route.name for route in ROUTES}
    assert len({(r.method, r.path) for r in ROUTES}) == len({r.name for r in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", [r for r in ROUTES if r.name in MAY], ids=lambda r: r.name)
@pytest.mark.parametrize("role", [*Role, None, "nobody"])
async def test_every_route_against_every_role(api: Api, route: Route, role: Any) -> None:
    """In Azure. None: somebody signed in without a role; `nobody`: nobody signed in."""
    api.environment(IN_AZURE)
    given = {} if role == "nobody" else {"x_ms_client_principal": principal(*([role] if role else []))}
    status, reached = await enter(api, route, **given)
    allowed = MAY[route.name]
    if allowed is EVERYBODY or role in allowed:
        assert (status, len(reached)) == (200, 1)
    else:
        assert (status, reached) == (401 if role == "nobody" else 403, [])


@pytest.mark.parametrize("route", [r for r in ROUTES if r.role], ids=lambda r: r.name)
async def test_a_principal_is_not_believed_without_the_platforms_authentication(api: Api, route: Route) -> None:
    for environment in ({}, {"WEBSITE_AUTH_ENABLED": "False"}, {"WEBSITE_INSTANCE_ID": "1"}):
        api.environment(environment)
        api.settings = app_settings()
        assert await enter(api, route, x_ms_client_principal=principal(*Role)) == (401, [])


@pytest.mark.parametrize("variable", SET_IN_AZURE)
async def test_the_sandboxs_user_has_no_effect_in_azure(api: Api, variable: str) -> None:
    api.environment({variable: "x"})
    for route in ROUTES:
        status, reached = await enter(api, route, cookie="sandbox-user=olga.operator")
        assert status == (404 if route.sandbox_only else 200 if route.role is None else 401)
        assert all(caller.roles == frozenset() for caller in reached)


async def test_the_sandboxs_user_has_no_effect_while_the_platform_signs_people_in(api: Api) -> None:
    api.environment({"WEBSITE_AUTH_ENABLED": "true"})
    route = next(r for r in ROUTES if r.name == "dashboard")
    assert (await enter(api, route, cookie="sandbox-user=olga.operator"))[0] == 401


async def test_a_person_who_is_not_signed_in_is_sent_to_sign_in_and_back_to_the_page(api: Api) -> None:
    api.environment(IN_AZURE)
    answer = await api.get("dashboard?state=waiting&gateway=acg-1", accept="text/html")
    assert answer.status_code == 302
    place = urlsplit(answer.headers["Location"])
    assert (place.netloc, place.path) == ("", "/.auth/login/aad")
    assert parse_qs(place.query) == {
        "post_login_redirect_uri": ["/api/dashboard?state=waiting&gateway=acg-1"],
    }


@pytest.mark.parametrize(
    "path",
    ["//evil.example/x", "///evil.example", "//api/dashboard", "/\\evil.example", "/api//evil.example", "/other"],
)
async def test_sign_in_leads_back_to_no_other_host(api: Api, path: str) -> None:
    api.environment(IN_AZURE)
    route = next(r for r in ROUTES if r.name == "dashboard")
    asked = func.HttpRequest("GET", f"{HOST}{path}", headers={"accept": "text/html"}, body=b"")
    answer = await entrance(route, api.application)(asked)
    assert answer.status_code == 302
    back = parse_qs(urlsplit(answer.headers["Location"]).query)["post_login_redirect_uri"]
    assert back == ["/api/dashboard"]


async def test_nobody_is_sent_to_sign_in_for_whom_it_would_not_help(api: Api) -> None:
    api.environment(IN_AZURE)
    assert (await api.get("dashboard")).status_code == 401, "a program follows no sign-in"
    assert (await api.post("dashboard/x/actions", b"", accept="text/html")).status_code == 401, "a form would be lost"
    no_role = await api.get("dashboard", accept="text/html", x_ms_client_principal=principal())
    assert no_role.status_code == 403, "signing in again gives no role"
    api.environment({"WEBSITE_INSTANCE_ID": "1"})
    assert (await api.get("dashboard", accept="text/html")).status_code == 401, "the platform has no sign-in"


async def test_in_the_sandbox_a_setting_chooses_a_user_and_a_cookie_switches(api: Api) -> None:
    submit = next(r for r in ROUTES if r.name == "post_onboarding")
    for user, caller in SANDBOX_USERS.items():
        assert (await enter(api, submit, cookie=f"sandbox-user={user}"))[0] == (200 if caller.may(SUBMIT) else 403)
    status, (caller,) = await enter(api, submit)
    assert (status, caller.name) == (200, "olga.operator@contoso.com")
    assert (await enter(api, submit, cookie="sandbox-user=mallory"))[0] == 401
    switch = next(r for r in ROUTES if r.name == "switch_user")
    assert (await enter(api, switch, cookie="sandbox-user=nick.nobody"))[0] == 200
    api.settings = app_settings()
    assert (await enter(api, switch))[0] == 404


async def test_refusals_say_who_and_what_is_missing(api: Api) -> None:
    answer = await api.post("onboardings", {}, cookie="sandbox-user=rita.reader")
    assert answer.mimetype == "application/problem+json"
    assert "rita.reader@contoso.com holds Onboarding.Read; Onboarding.Submit is needed" in content(answer)["detail"]


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_401_says_how_to_sign_in(api: Api, accept: str) -> None:
    api.environment(IN_AZURE)
    for answer in (await api.post("onboardings", {}, accept=accept), await api.get("onboardings/a", accept="*/*")):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Operator Connect onboarding"'
    refused = await api.get("onboardings", x_ms_client_principal=principal())
    assert (refused.status_code, "WWW-Authenticate" in refused.headers) == (403, False)


async def test_a_browser_gets_refusals_as_pages(api: Api) -> None:
    answer = await api.get("onboardings", cookie="sandbox-user=nick.nobody", accept="text/html,*/*;q=0.8")
    assert (answer.status_code, answer.mimetype) == (403, "text/html")
    assert "nick.nobody@contoso.com" in answer.get_body().decode()


ELSEWHERE = (
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": f"{HOST}.evil.example"},
    {"origin": "https://evil.example", "sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"referer": "https://evil.example/page"},
    {"origin": "not a url ["},
    # Nothing that stands beside it outweighs what the browser itself says.
    {"origin": HOST, "sec_fetch_site": "cross-site"},
    {"origin": HOST, "sec_fetch_site": "same-site"},
    {"origin": HOST, "sec_fetch_site": "same-origin, cross-site"},
    {"referer": f"{HOST}/api/dashboard", "sec_fetch_site": "cross-site"},
    # Our host, by something else than we are called by: whoever is on the way can have written that page.
    {"origin": HOST.replace("https", "http")},
    {"origin": HOST.replace("https", "ftp")},
    {"origin": f"{HOST}:8443"},
    {"origin": HOST.replace("https://", "https://evil@")},
    {"referer": HOST.replace("https", "http") + "/api/dashboard"},
    {"origin": "http://inside:8080", "host": "inside:8080"},
)


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
@pytest.mark.parametrize("route", [r for r in ROUTES if r.changes], ids=lambda r: r.name)
async def test_another_sites_page_changes_nothing(api: Api, route: Route, headers: dict[str, str]) -> None:
    assert await enter(api, route, **headers) == (403, [])


@pytest.mark.parametrize("route", [r for r in ROUTES if r.method == "GET"], ids=lambda r: r.name)
async def test_links_from_elsewhere_may_be_followed(api: Api, route: Route) -> None:
    assert (await enter(api, route, sec_fetch_site="cross-site", referer="https://mail.example"))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": HOST},
        {"origin": "null", "sec_fetch_site": "same-origin"},
        {"referer": f"{HOST}/api/dashboard"},
        {"sec_fetch_site": "none"},
        {"origin": "https://inside:8080", "host": "inside:8080"},
        {"origin": f"{HOST.upper()}:443"},
        {"origin": "http://localhost:7071"},
    ],
    ids=str,
)
async def test_our_own_pages_and_programs_may(api: Api, headers: dict[str, str]) -> None:
    retry = next(r for r in ROUTES if r.name == "retry_step")
    assert (await enter(api, retry, **headers))[0] == 200


@pytest.mark.parametrize("public", ["https://onboarding.contoso.com", "http://localhost:7071"])
def test_a_page_in_plain_http_is_ours_only_while_the_public_address_is(public: str) -> None:
    inside = "http://inside:8080/api/onboardings"
    foreign = from_elsewhere({"origin": "http://inside:8080"}, inside, public)
    assert (foreign is None) is public.startswith("http:")
    for ours in (public, "https://inside:8080"):
        assert from_elsewhere({"origin": ours}, inside, public) is None


async def test_every_answer_by_https_says_that_there_is_no_other_way(api: Api) -> None:
    for path, status in (("dashboard", 200), ("openapi.json", 200), ("onboardings/none", 404), ("links/x", 200)):
        answer = await api.get(path)
        assert answer.status_code == status
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    # RFC 6797, 7.2: never in plain HTTP.
    plain = func.HttpRequest("GET", "http://localhost:7071/api/openapi.json", body=b"")
    route = next(r for r in ROUTES if r.name == "openapi")
    answer = await entrance(route, api.application)(plain)
    assert "Strict-Transport-Security" not in answer.headers
    api.environment(IN_AZURE)
    # There HTTPS ends before the host, and nothing else is let in (httpsOnly).
    assert "Strict-Transport-Security" in (await entrance(route, api.application)(plain)).headers


async def test_a_form_with_a_token_is_judged_by_its_own_handler_and_by_no_other(api: Api) -> None:
    form = {"content_type": "application/x-www-form-urlencoded", "origin": "null"}
    reached: list[str] = []

    async def handler(call: HttpCall) -> func.HttpResponse:
        reached.append("handler")
        return func.HttpResponse("in")

    for route in (r for r in ROUTES if r.changes):
        route = replace(route, handler=handler)
        reached.clear()
        await api.call(route.method, path_of(route), b"csrf=token", route=route, **form)
        assert reached == (["handler"] if route.checks_forms else []), route.name


def encoded(body: Any) -> str:
    return base64.b64encode(json.dumps(body).encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "{}",
        "not base64!",
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"[" * 100_000).decode(),
        encoded([]),
        encoded({}),
        encoded({"auth_typ": "aad", "claims": None}),
        encoded({"auth_typ": "aad", "claims": [{"typ": "roles"}]}),
        principal(READ) + "," + principal(*Role),
    ],
    ids=lambda h: str(h)[:20],
)
def test_a_principal_that_cannot_be_read_is_nobody(header: str | None) -> None:
    assert read_principal(header) is None


def test_roles_come_from_microsoft_entra_only() -> None:
    for provider in ("github", "google", "", "AAD"):
        caller = read_principal(principal(*Role, provider=provider))
        assert caller is not None
        assert caller.roles == frozenset()


def test_only_the_applications_own_roles_count() -> None:
    caller = read_principal(principal("Onboarding.Read", "onboarding.operate", "Admin", "Onboarding.Everything"))
    assert caller is not None
    assert caller.roles == {READ}


@pytest.mark.parametrize("kind", ["roles", ENTRA_ROLE, "own"])
def test_a_role_stands_in_the_claims_that_the_platform_uses_for_roles(kind: str) -> None:
    claims = [{"typ": kind, "val": "Onboarding.Operate"}, {"typ": "groups", "val": "Onboarding.Submit"}]
    caller = read_principal(encoded({"auth_typ": "aad", "role_typ": "own", "claims": claims}))
    assert caller is not None
    assert caller.roles == {OPERATE}


def test_a_caller_is_called_what_entra_calls_them() -> None:
    def named(*claims: tuple[str, str]) -> str:
        listed = [{"typ": kind, "val": value} for kind, value in claims]
        caller = read_principal(encoded({"auth_typ": "aad", "claims": listed}))
        assert caller is not None
        return caller.name

    oid = "http://schemas.microsoft.com/identity/claims/objectidentifier"
    assert named(("name", "Ada L."), ("preferred_username", "ada@contoso.com"), (oid, "1")) == "ada@contoso.com"
    assert named((oid, "5f0e"), ("appid", "9")) == "5f0e"
    assert named(("preferred_username", " \n\x1b "), ("name", "Ada\r\nX: y\u202e")) == "AdaX: y"
    assert named() == "an unnamed user"
    assert len(named(("name", "x" * 1000))) == 254


def test_a_broken_cookie_is_no_cookie() -> None:
    request = func.HttpRequest("GET", HOST, headers={"cookie": 'sandbox-user="; ;=x'}, body=b"")
    assert caller_of(request, {}, "rita.reader") == SANDBOX_USERS["rita.reader"]


@pytest.mark.parametrize("route", [r for r in ROUTES if r.query is not None], ids=lambda r: r.name)
async def test_a_parameter_that_means_nothing_is_refused(api: Api, route: Route) -> None:
    """`?dryRun=true` started a real one."""
    answer = await api.call(route.method, f"{path_of(route)}?dryRun=true", cookie="sandbox-user=sam.submitter")
    if answer.status_code not in (401, 403):
        assert answer.status_code == 400
        assert "dryRun" in content(answer)["detail"]


def test_the_parameters_that_are_taken_are_those_that_are_described() -> None:
    told = operations()
    for route in ROUTES:
        if route.query is not None:
            assert route.query == tuple(each["name"] for each in told[route.name].query), route.name
