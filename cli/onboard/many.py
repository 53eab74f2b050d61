"""`retry`, `pause`, `resume`, `cancel`: one onboarding, or all that fit; looked at first, then done, with a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from onboard.acting import StepName, action_of, tell
from onboard.api import Api, Json
from onboard.errors import CommandError
from onboard.exits import ExitCode
from onboard.listing import Environment, Service, State, Subscription, search_of
from onboard.output import Output, put_csv, put_json, put_table, talk
from onboard.session import ClientId, Form, Url, Yes, ask, session

REPORT_COLUMNS = ("onboarding", "gateway", "step", "outcome", "said")
MOST = 200
"""Onboardings that one call is about at most."""
PATH = "onboardings/controls"

NamedOrNot = Annotated[
    str | None, typer.Argument(metavar="[ONBOARDING]", help="Its id, or the name of its gateway.")
]
Code = Annotated[str | None, typer.Option("--problem", help="All open ones that stopped with this code.")]
Words = Annotated[str | None, typer.Option("--text", help="Only where gateway or people hold these words.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit trail of each.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which.")]


@dataclass(frozen=True, slots=True)
class Verb:
    """One of the four."""

    name: str
    past: str
    needs_reason: bool = False
    thing: str = "onboarding"


RETRY = Verb("retry", "retried", thing="step")
PAUSE = Verb("pause", "paused", needs_reason=True)
RESUME = Verb("resume", "resumed")
CANCEL = Verb("cancel", "cancelled", needs_reason=True)


def retry(
    context: typer.Context,
    named: NamedOrNot = None,
    step: StepName = None,
    problem: Code = None,
    state: State = None,
    subscription: Subscription = None,
    environment: Environment = None,
    service: Service = None,
    text: Words = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    output: Form = Output.TABLE,
    url: Url = None,
    client_id: ClientId = None,
) -> None:
    """Try a step again; or all steps that one cause has stopped."""
    search = search_of(state, subscription, environment, service, text)
    with session(context, url, client_id) as api:
        if named is not None and not (problem or search or reason or dry_run):
            action = action_of(api.find(named), "retry", step)
            tell(api.act(action), action["step"], output)
            return
        if step is not None:
            raise CommandError(ExitCode.USAGE, "A step goes with an onboarding, and with nothing else.")
        _use(context, api, RETRY, _body(api, RETRY, named, problem, search, reason), dry_run, yes, output)


def _of_whole_onboardings(verb: Verb, said: str) -> Callable[..., None]:
    """A command for one onboarding or all that fit; `said`: what people read of it."""

    def command(
        context: typer.Context,
        named: NamedOrNot = None,
        problem: Code = None,
        state: State = None,
        subscription: Subscription = None,
        environment: Environment = None,
        service: Service = None,
        text: Words = None,
        reason: Reason = "",
        dry_run: DryRun = False,
        yes: Yes = False,
        output: Form = Output.TABLE,
        url: Url = None,
        client_id: ClientId = None,
    ) -> None:
        search = search_of(state, subscription, environment, service, text)
        with session(context, url, client_id) as api:
            _use(context, api, verb, _body(api, verb, named, problem, search, reason), dry_run, yes, output)

    command.__name__, command.__doc__ = verb.name, said
    return command


pause = _of_whole_onboardings(PAUSE, "Begin nothing until it is resumed: one onboarding, or all that fit.")
resume = _of_whole_onboardings(RESUME, "Let a paused onboarding go on, or all that fit.")
cancel = _of_whole_onboardings(CANCEL, "End an onboarding, or all that fit. What was done at Microsoft stays.")


def _body(
    api: Api, verb: Verb, named: str | None, problem: str | None, search: Mapping[str, str], reason: str
) -> Json:
    """What is asked of the application. Raises CommandError where nobody can tell which are meant."""
    if named is None and problem is None and not search:
        ways = "--problem, --state, --text, --subscription, --environment or --service"
        raise CommandError(ExitCode.USAGE, f"Name an onboarding, or those that are meant by {ways}.")
    if verb.needs_reason and not reason.strip():
        raise CommandError(ExitCode.USAGE, "Say why: --reason. It is kept in the audit trail.")
    made: Json = {"control": verb.name, "filter": dict(search), "problem": problem, "reason": reason}
    return made if named is None else {**made, "ids": [api.find(named)["id"]]}


def _use(
    context: typer.Context, api: Api, verb: Verb, body: Json, dry_run: bool, yes: bool, output: Output
) -> None:
    foreseen = [*_results(api, body, only_look=True)]
    possible = [one for one in foreseen if one["outcome"] == "possible"]
    if dry_run or not possible:
        report = foreseen
    else:
        number = f"{len(possible)} {verb.thing}{'s' * (len(possible) != 1)}"
        with_code = f" with {body['problem']}" if body["problem"] else ""
        ask(context, f"{verb.name.capitalize()} {number}{with_code}?", yes=yes)
        # Exactly those that were seen, as long as they still fit.
        ids = [*dict.fromkeys(one["id"] for one in possible)]
        parts = [ids[start : start + MOST] for start in range(0, len(ids), MOST)]
        done = [one for part in parts for one in _results(api, {**body, "ids": part}, only_look=False)]
        report = [*(one for one in foreseen if one["outcome"] != "possible"), *done]
    _report(verb, body["problem"], [_row(verb, one) for one in report], output)
    outcomes = {one["outcome"] for one in report}
    worst = next((code for code, outcome in _GRAVEST if outcome in outcomes), None)
    if worst is not None:
        raise typer.Exit(int(worst))


_GRAVEST = (
    (ExitCode.FAILED, "failed"),
    (ExitCode.UNREACHABLE, "not-begun"),
    (ExitCode.REFUSED, "refused"),
    (ExitCode.NOT_FOUND, "not-found"),
)
"""By the outcome of one line; the gravest first."""


def _results(api: Api, body: Json, *, only_look: bool) -> Iterator[Json]:
    params = {"validateOnly": "true"} if only_look else {}
    while True:
        page = api.send("POST", PATH, body, params)
        yield from page["results"]
        if not page["next"]:
            return
        body = {**body, "next": page["next"]}


def _row(verb: Verb, one: Json) -> dict[str, Any]:
    words = {"done": verb.past, "possible": f"would be {verb.past}"}
    outcome = words.get(one["outcome"], one["outcome"])
    return {
        "onboarding": one["id"],
        "gateway": one["gatewayName"],
        "step": one["step"],
        "outcome": outcome,
        "said": one["said"],
    }


def _report(verb: Verb, code: str | None, rows: Sequence[Mapping[str, Any]], output: Output) -> None:
    match output:
        case Output.JSON:
            put_json(rows)
        case Output.CSV:
            put_csv(REPORT_COLUMNS, rows)
        case Output.TABLE:
            put_table(
                ("GATEWAY", "STEP", "OUTCOME", "WHAT WAS SAID"),
                [(r["gateway"] or r["onboarding"], r["step"], r["outcome"], r["said"]) for r in rows],
            )
    counts = Counter(r["outcome"] for r in rows)
    became = ", ".join(f"{number} {what}" for what, number in counts.items())
    nothing = f"Nothing to {verb.name} with {code}" if code else f"Nothing to {verb.name}"
    talk(f"{became or nothing}.")
