"""What the routes of pages do: read, show; or take a form, tell the engine, and send the reader back (303)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import azure.functions as func

from onboarding.controls import CONTROLS
from onboarding.core.answers import Field
from onboarding.core.control import Control, ControlPlace
from onboarding.core.decide import RefusedError
from onboarding.core.links import PASTED_LENGTH, Link, LinkError
from onboarding.core.reasons import InvalidRequestError
from onboarding.core.record import Record
from onboarding.core.roles import Role
from onboarding.http.access import SANDBOX_COOKIE, SANDBOX_USERS
from onboarding.http.call import HttpCall
from onboarding.http.counts import counts
from onboarding.http.listing import listed
from onboarding.http.origin import own_path
from onboarding.http.problems import ProblemError
from onboarding.http.refusals import ANCHOR, told_by_code
from onboarding.http.search import read_search
from onboarding.looks import happen_and_look
from onboarding.notices.outside import in_whose_name, whom_to_ask
from onboarding.pages import csrf, outside
from onboarding.pages.acting import FORM_REFUSALS, as_shown, read_form_of, refused_form
from onboarding.pages.api_reference import reference
from onboarding.pages.assets import FOREVER, assets
from onboarding.pages.changed import DONE, changed, coming_back
from onboarding.pages.checkpoint import CHECKPOINT, Checkpoint
from onboarding.pages.checkpoint import checkpoint_page as view_checkpoint
from onboarding.pages.controls import RefusedForm
from onboarding.pages.detail import detail
from onboarding.pages.export import export_link
from onboarding.pages.forms import FieldError, read_form
from onboarding.pages.many import many_bar
from onboarding.pages.overview import overview
from onboarding.pages.paths import checkpoint_path, onboarding_path
from onboarding.pages.responses import SWITCH_USER, as_page, page, problem_page, see_other
from onboarding.steps import definition_of
from onboarding.whom import whom

__all__ = ["problem_page"]


@as_page
async def dashboard(call: HttpCall) -> func.HttpResponse:
    """GET /api/dashboard → 200, 400."""
    # People paste with blanks around it; programs don't.
    search = read_search({name: value.strip() for name, value in call.request.params.items()})
    now = call.engine.clock.now()
    found = await listed(call.engine.records, search, now)
    numbers = await counts(call.engine.records, now)
    view = overview(search, found, numbers, now)
    bar, link = many_bar(call, search, len(found.rows)), export_link(search, numbers)
    return page(call, "dashboard.html", view=view, many=bar, export=link, section="dashboard")


@as_page
async def onboarding_page(call: HttpCall) -> func.HttpResponse:
    """GET /api/dashboard/{id} → 200, 404."""
    return await _onboarding_page(call, await _record(call))


async def _onboarding_page(call: HttpCall, record: Record, refused: RefusedForm | None = None) -> func.HttpResponse:
    events = await call.engine.records.events(record.id) or []
    done = "" if refused else call.request.params.get(DONE, "")
    now, caller = call.engine.clock.now(), call.caller
    view = detail(record, events, now, caller.may, caller.name, acted=done, refused=refused)
    inspected = await call.engine.records.index.inspection(record)
    token = csrf.token(call, _acting(record.id))
    code = 400 if refused else 200
    return page(call, "onboarding.html", code, view=view, inspected=inspected, csrf=token, section="dashboard")


@as_page
async def act(call: HttpCall) -> func.HttpResponse:
    """POST /api/dashboard/{id}/actions (form: action, step and what the action asks for) → 303, 400 with the page as it
    was filled in, 403, 404, 409. `on` says that the form stood on the page of its step."""
    fields = read_form(call, _acting(call.onboarding_id))
    record = await _record(call)
    control, step = _chosen(call, fields.get("action", "")), fields.get("step", "")
    found = record.find_step(step) if fields.get("on") == CHECKPOINT else None
    on_checkpoint = found is not None and found.plan.confirmable
    if control.event is None:
        after: Record | None = (await call.engine.request(record.request, call.caller.name, again=True)).record
    else:
        asks = _asks(record, step)
        try:
            asked = read_form_of(control, fields, call.caller.name, step, asks)
            with as_shown(control, fields) as expected:
                after = await happen_and_look(call.engine, record.id, asked, expected)
        except FORM_REFUSALS as error:
            refused = refused_form(control, fields, asks, error)
            if on_checkpoint:
                return await _checkpoint_page(call, record, step, refused)
            return await _onboarding_page(call, record, refused)
    back = checkpoint_path(record.id, step) if on_checkpoint else onboarding_path(record.id)
    return see_other(coming_back(back, after, call.caller.name))


@as_page
async def get_checkpoint_page(call: HttpCall) -> func.HttpResponse:
    """GET /api/onboardings/{id}/checkpoints/{step} → 200, 404. Changes nothing: mail scanners open links."""
    return await _checkpoint_page(call, await _record(call), call.step)


@as_page
async def answer_checkpoint(call: HttpCall) -> func.HttpResponse:
    """POST of that page's form (outcome, answers, note) → 303, 400 with the page as it was filled in, 403, 404, 409."""
    fields = read_form(call, _answering(call.onboarding_id, call.step))
    record = await _record(call)
    _checkpoint(call, record, call.step)
    control, asks = _outcome(fields), _asks(record, call.step)
    try:
        done = await call.engine.happen(record.id, read_form_of(control, fields, call.caller.name, call.step, asks))
    except (FieldError, InvalidRequestError) as error:
        return await _checkpoint_page(call, record, call.step, refused_form(control, fields, asks, error))
    path = checkpoint_path(record.id, call.step)
    return see_other(coming_back(path, done.record if done else None, call.caller.name))


async def _checkpoint_page(
    call: HttpCall, record: Record, step: str, refused: RefusedForm | None = None
) -> func.HttpResponse:
    done = "" if refused else call.request.params.get(DONE, "")
    events = await call.engine.records.events(record.id) or [] if done else []
    return page(
        call,
        "checkpoint.html",
        400 if refused else 200,
        view=_checkpoint(call, record, step, refused),
        changed=changed(record, events, done, call.caller.may, call.caller.name, step),
        csrf=csrf.token(call, _answering(record.id, step)),
        acting=csrf.token(call, _acting(record.id)),
        post=checkpoint_path(record.id, step),
        back=onboarding_path(record.id),
        section="checkpoint",
    )


@as_page
async def link_page(call: HttpCall) -> func.HttpResponse:
    """GET /api/links, and /api/links/{token} → 200. Whether the link is any good, only the form's answer says.

    The token of a link is in its fragment, which a browser sends to nobody: no log of a server, a proxy or a platform
    can hold it. The page's script posts it; without script, people paste the link. Links used to have it in the path.
    The form goes to another path, where the next link is another page for the browser, and no other place on this one.
    """
    call = outside.held(call)
    return page(
        call,
        "link_opening.html",
        csrf=csrf.token(call, outside.PURPOSE),
        token=call.request.route_params.get("token", ""),
        most=PASTED_LENGTH,
    )


@as_page
async def open_link(call: HttpCall) -> func.HttpResponse:
    """POST /api/outside (form: link) → 200 with the page of its checkpoint, 400, 403, 404, 410."""
    call = outside.held(call)
    token = outside.token_of(read_form(call, outside.PURPOSE))
    try:
        opened, record = await outside.opened(call, token)
    except LinkError as error:
        return _link_refused(call, error)
    return _page_of_link(call, opened, record, token)


def _page_of_link(
    call: HttpCall, opened: Link, record: Record, token: str, refused: RefusedForm | None = None
) -> func.HttpResponse:
    view = view_checkpoint(record, opened.step, lambda role: role == Role.APPROVE, outside=True, refused=refused)
    sender = call.settings.sender
    return page(
        call,
        "link.html",
        400 if refused else 200,
        view=view,
        csrf=csrf.token(call, outside.PURPOSE),
        post="/api/outside/answer",
        link=token,
        expires_at=opened.expires_at,
        on=whom(record, record.step(opened.step)),
        in_whose_name=in_whose_name(record, sender),
        expects=definition_of(record.step(opened.step)).outside_of(record.step(opened.step)).expects,
        ask=whom_to_ask(sender),
    )


@as_page
async def answer_link(call: HttpCall) -> func.HttpResponse:
    """POST of that page's form (link, outcome, answers, note) → 200 with thanks, 400 with the page, 403, 404, 410."""
    call = outside.held(call)
    fields = read_form(call, outside.PURPOSE)
    token = outside.token_of(fields)
    try:
        opened, record = await outside.opened(call, token)
        control, asks = _outcome(fields), _asks(record, opened.step)
        step = record.step(opened.step)
        expects = definition_of(step).outside_of(step).expects if control.name == "confirm" else ()
        try:
            holder = outside.holder_of(record, step)
            said = read_form_of(control, fields, holder, opened.step, asks, outside=True)
            await call.engine.happen(record.id, said)
        except (FieldError, InvalidRequestError) as error:
            return _page_of_link(call, opened, record, token, refused_form(control, fields, asks, error))
    except LinkError as error:
        return _link_refused(call, error)
    except RefusedError:
        # Somebody else was faster, after the link was found good.
        return _link_refused(call, LinkError("used", "What this link asked for has been settled in the meantime."))
    return page(
        call,
        "link_told.html",
        title="Thank you",
        told=control.thanks,
        expects=expects,
        whom="There is nothing more to do here, and the link is used up. You can close this page.",
    )


async def asset(call: HttpCall) -> func.HttpResponse:
    """GET /api/assets/{name} → 200, 404. A name has its content's hash in it, so it never changes."""
    found = assets().get(str(call.request.route_params["name"]))
    if found is None:
        raise ProblemError(404, "No such file", "Open the page again: its files have other names now.")
    headers = {"Cache-Control": FOREVER, "ETag": found.etag, "X-Content-Type-Options": "nosniff"}
    return func.HttpResponse(found.content, mimetype=found.media_type, headers=headers)


async def api_page(call: HttpCall, description: Mapping[str, Any]) -> func.HttpResponse:
    """GET /api/docs → 200. `description`: of the API, in OpenAPI 3.1."""
    return page(
        call,
        "api.html",
        view=reference(description),
        url=call.engine.public_url,
        section="api",
        refusals=told_by_code(),
        anchor=ANCHOR,
    )


@as_page
async def switch_user(call: HttpCall) -> func.HttpResponse:
    """POST /api/sandbox/user (form: user, back) → 303 with the cookie, 400, 403; 404 outside the sandbox."""
    if not call.caller.sandbox:
        raise ProblemError(404, "Not found", "Users can be switched in the sandbox only.")
    fields = read_form(call, SWITCH_USER)
    user = fields.get("user", "")
    if user not in SANDBOX_USERS:
        raise ProblemError(400, "No such user", f"The sandbox's users are {', '.join(SANDBOX_USERS)}.")
    cookie = f"{SANDBOX_COOKIE}={user}; Path=/; HttpOnly; SameSite=Lax"
    return see_other(own_path(fields.get("back", ""), "/api/dashboard"), {"Set-Cookie": cookie})


async def _record(call: HttpCall) -> Record:
    loaded = await call.engine.records.load(call.onboarding_id)
    if loaded is None:
        raise ProblemError(404, "No such onboarding", f"There is no onboarding '{call.onboarding_id}'.")
    return loaded.record


def _asks(record: Record, step: str) -> Sequence[Field]:
    found = record.find_step(step)
    return found.asks if found else ()


def _checkpoint(call: HttpCall, record: Record, step: str, refused: RefusedForm | None = None) -> Checkpoint:
    view = view_checkpoint(record, step, call.caller.may, call.caller.name, refused=refused)
    if view is None:
        raise ProblemError(404, "No such checkpoint", f"'{step[:100]}' is no step that a person confirms.")
    return view


def _outcome(fields: Mapping[str, str]) -> Control:
    """The answer to a checkpoint that a form gives."""
    answers = {c.name: c for c in CONTROLS.values() if c.place is ControlPlace.CHECKPOINT}
    given = fields.get("outcome", "")
    if given not in answers:
        expected = " or ".join(answers)
        raise ProblemError(400, "No answer", f"The form's outcome is '{given[:50]}'; {expected} was expected.")
    return answers[given]


def _chosen(call: HttpCall, name: str) -> Control:
    """The control that the form asks for, if the caller may. Whether the state allows it, the rules say."""
    control = CONTROLS.get(name)
    if control is None:
        raise ProblemError(
            400, "No such action", f"'{name[:50]}' is no action of this page; there are {', '.join(CONTROLS)}."
        )
    if not call.caller.may(control.role):
        raise ProblemError(
            403, "Not allowed", f"{call.caller.name} needs {control.role} for that. Nothing was changed."
        )
    return control


def _link_refused(call: HttpCall, error: LinkError) -> func.HttpResponse:
    refusal, ask = outside.REFUSALS[error.kind], outside.ask_for_another(call.settings.sender)
    return page(call, "link_told.html", refusal.status, title=refusal.title, told=str(error), whom=ask)


def _acting(onboarding_id: str) -> str:
    return f"act on {onboarding_id}"


def _answering(onboarding_id: str, step: str) -> str:
    return f"answer {step} of {onboarding_id}"
