"""The command line client, against the real handlers on the twins: what it puts out, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

import onboard
from onboard.address import read_address
from onboard.exits import ExitCode
from onboard.listing import LIST_COLUMNS
from onboard.output import csv_lines
from onboard.texts import duration, in_sight
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.http.view import SummaryView
from tests.support import requests
from tests.support.cli import Ended, Terminal, terminal
from tests.support.http import app_settings
from tests.support.trunks import with_trunks

ROOT = Path(__file__).parents[2]
CLIENT = "11111111-2222-4333-8444-555555555555"
HTTPS = "https://onboarding.example.com"
PROFILES = ["1f0e9d8c-7b6a-4958-8473-62514f3e2d1c", "2f0e9d8c-7b6a-4958-8473-62514f3e2d1c"]
REFUSED = PersonMustActError(ProblemCode.PERMISSION_MISSING, "POST /servicePrincipals answered 403.", "Grant it.")
BOTH = pytest.mark.parametrize("body", [requests.operator_connect(), requests.own_sbc()], ids=["gateway", "sbc"])


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(monkeypatch) as mine:
        yield mine


def named(name: str, **changes: Any) -> dict[str, Any]:
    """A session border controller of that name, at a domain of its own."""
    body = requests.own_sbc(**changes)
    domain = f"{name}.contoso.example"
    trunks = [{**t, "fqdn": f"sbc{n}.{domain}"} for n, t in enumerate(body["gateway"]["trunks"], 1)]
    return {**body, "gateway": {**body["gateway"], "name": name, "domain": domain, "trunks": trunks}}


def deployed(at: Terminal, body: dict[str, Any]) -> dict[str, Any]:
    with_trunks(requests.parsed(body), at.system)
    return body


def stopped(at: Terminal, *names: str) -> list[str]:
    """Onboardings of these, each stopped by a missing permission."""
    ids = []
    for name in names:
        at.system.outside.directory.faults.add("add_application", REFUSED)
        ids.append(at.begun(deployed(at, named(name))))
        at.go_on()
    return ids


def rows(text: str) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(text))]


def file(folder: Path, body: Any) -> str:
    path = folder / "request.json"
    path.write_text(body if isinstance(body, str) else json.dumps(body), encoding="utf-8")
    return str(path)


# -- from request to completed -----------------------------------------------------------------------------------------


@BOTH
def test_an_onboarding_goes_from_plan_to_completed_by_commands_alone(
    at: Terminal, tmp_path: Path, body: dict[str, Any]
) -> None:
    at.meanwhile = at.goes_on
    sent = file(tmp_path, deployed(at, body))
    planned = at.onboard("plan", sent, "--detailed-exitcode", "-o", "json")
    assert planned.status == ExitCode.CHANGES, planned.err
    begun = at.onboard("request", sent, "--plan-checksum", planned.json["checksum"])
    assert begun.status == 0, begun.err
    mine = begun.out.strip()
    for _ in range(20):
        watched = at.onboard("watch", mine, "--until", "people", "--every", "1m")
        if watched.status != ExitCode.PEOPLE:
            break
        record = at.onboard("show", mine, "-o", "json").json
        for action in [a for a in record["allowedActions"] if a["name"] == "confirm"]:
            confirmed = at.onboard("confirm", mine, action["step"], "--note", "done")
            assert confirmed.status == 0, confirmed.err
    assert watched.status == 0, watched.out + watched.err
    assert "completed" in watched.lines[-1]
    assert at.onboard("show", mine, "--exit-code").status == 0


def test_the_same_request_again_is_the_same_and_another_one_is_refused_with_what_differs(at: Terminal) -> None:
    mine = at.begun(deployed(at, requests.own_sbc()))
    assert at.begun(requests.own_sbc()) == mine
    ended = at.onboard("request", "-", stdin=json.dumps(requests.own_sbc(adminUser="eve@contoso.com")))
    assert ended.status == ExitCode.REFUSED
    assert "adminUser" in ended.err
    assert ended.out == ""


def test_a_wrong_request_is_refused_with_every_reason_a_line_each(at: Terminal, tmp_path: Path) -> None:
    body = requests.own_sbc(adminUser="nobody", colour="red")
    for command in (["request"], ["plan"], ["request", "--validate-only"]):
        ended = at.onboard(*command, file(tmp_path, body))
        assert ended.status == ExitCode.REFUSED
        assert re.search(r"^  adminUser: .*\(seen: nobody\)$", ended.err, re.M)
        assert re.search(r"^  colour: ", ended.err, re.M)


def test_a_request_that_would_be_taken_starts_nothing(at: Terminal, tmp_path: Path) -> None:
    ended = at.onboard("request", file(tmp_path, requests.own_sbc()), "--validate-only")
    assert ended.status == 0
    assert "would be taken" in ended.err
    assert at.onboard("list", "-o", "json").json == []


def test_a_file_that_is_not_there_or_no_json(at: Terminal, tmp_path: Path) -> None:
    missing = at.onboard("request", str(tmp_path / "none.json"))
    assert (missing.status, "can't be read" in missing.err) == (ExitCode.USAGE, True)
    broken = at.onboard("request", file(tmp_path, "{oops"))
    assert (broken.status, "Malformed JSON" in broken.err) == (ExitCode.REFUSED, True)


# -- plans -------------------------------------------------------------------------------------------------------------


def test_a_plan_shows_changes_and_findings_and_is_written_for_a_ticket(at: Terminal, tmp_path: Path) -> None:
    at.meanwhile = at.goes_on
    sent = file(tmp_path, deployed(at, requests.own_sbc()))
    ended = at.onboard("plan", sent, "--markdown", str(tmp_path / "plan.md"), "--bash", str(tmp_path / "plan.sh"))
    assert ended.status == 0
    assert "→ add" in ended.out
    assert re.search(r"^checksum [0-9a-f]{64}$", ended.out, re.M)
    assert (tmp_path / "plan.md").read_text(encoding="utf-8").startswith("# ")
    assert "az login" in (tmp_path / "plan.sh").read_text(encoding="utf-8")
    changes = rows(at.onboard("plan", sent, "-o", "csv").out)
    assert "add-project-synergy" in {c["step"] for c in changes}


def test_a_plan_that_would_stop_says_so_by_its_status(at: Terminal, tmp_path: Path) -> None:
    at.meanwhile = at.goes_on
    ended = at.onboard("plan", file(tmp_path, requests.operator_connect()), "--detailed-exitcode")
    assert ended.status == ExitCode.BLOCKED
    assert "BLOCKER gateway-gone (enable-services)" in ended.out


def test_a_plan_of_what_is_done_is_empty(at: Terminal, tmp_path: Path) -> None:
    body = deployed(at, requests.own_sbc())
    mine = at.begun(body)
    at.run(at.system.run(mine))
    at.meanwhile = at.goes_on
    ended = at.onboard("plan", file(tmp_path, body), "--detailed-exitcode")
    assert (ended.status, "nothing to change" in ended.err) == (0, True)


def test_a_plan_that_does_not_come_is_not_waited_for_forever(at: Terminal, tmp_path: Path) -> None:
    ended = at.onboard("plan", file(tmp_path, requests.own_sbc()), "--timeout", "9s")
    assert ended.status == ExitCode.GOING_ON
    assert sum(at.waits) <= 9


def test_one_whose_changes_are_others_by_now_does_not_start(at: Terminal, tmp_path: Path) -> None:
    at.meanwhile = at.goes_on
    sent = file(tmp_path, deployed(at, requests.own_sbc()))
    checksum = at.onboard("plan", sent, "-o", "json").json["checksum"]
    at.run(at.system.outside.world.directory.add_domain("voice.contoso.example"))
    ended = at.onboard("request", sent, "--plan-checksum", checksum)
    assert ended.status == ExitCode.REFUSED
    assert "planned, and not now: add-domain" in ended.err


# -- the list ----------------------------------------------------------------------------------------------------------


def test_the_list_is_read_to_its_end_as_table_json_and_csv(at: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.api.PAGE", 2)
    for name in ("one", "two", "three", "four", "five"):
        at.begun(named(name))
    assert {e["gateway"] for e in at.onboard("list", "-o", "json").json} == {"one", "two", "three", "four", "five"}
    table = at.onboard("list")
    assert len(table.lines) == 6
    assert table.lines[0].startswith("GATEWAY")
    assert table.err == "5 onboardings.\n"
    exported = rows(at.onboard("export").out)
    assert [*exported[0]] == [*LIST_COLUMNS]
    assert len(rows(at.onboard("list", "-o", "csv", "--limit", "3").out)) == 3
    assert len(at.onboard("list", "--text", "three", "-o", "json").json) == 1


def test_the_columns_of_an_empty_export_are_those_of_the_list(at: Terminal) -> None:
    fields = [field.alias for field in SummaryView.model_fields.values()]
    assert [name.partition(".")[0] for name in LIST_COLUMNS if name != "progress.total"] == fields
    assert at.onboard("export").out == ",".join(LIST_COLUMNS) + "\n"


def test_an_export_of_steps_has_a_row_a_step(at: Terminal, tmp_path: Path) -> None:
    [mine] = stopped(at, "one")
    to = tmp_path / "steps.csv"
    ended = at.onboard("export", "--steps", "--to", str(to))
    assert (ended.status, ended.out) == (0, "")
    exported = rows(to.read_text(encoding="utf-8"))
    assert len(exported) == len(at.onboard("show", mine, "-o", "json").json["steps"])
    [wrong] = [r for r in exported if r["problemCode"]]
    assert (wrong["step"], wrong["problemCode"]) == ("add-project-synergy", "permission-missing")
    assert rows(at.onboard("show", mine, "-o", "csv").out) == exported


def test_a_filter_that_is_none_is_refused_in_words(at: Terminal) -> None:
    ended = at.onboard("list", "--state", "broken")
    assert ended.status == ExitCode.REFUSED
    assert "needs-attention" in ended.err


@pytest.mark.parametrize("text", ["=1+1", "+442079460101", "-1", "@a", "\t=1", "  =1", "＝1", "\n=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert rows(csv_lines(["a"], [{"a": text}]))[0]["a"] == f"'{text}"


def test_other_cells_are_as_they_are() -> None:
    assert csv_lines(["a"], [{"a": "one\rtwo\r\nthree"}]) == 'a\n"one\ntwo\nthree"\n'
    assert csv_lines(["a", "b"], [{"a": 'x, "y"', "b": -3}, {"a": None}]) == 'a,b\n"x, ""y""",-3\n,\n'


def test_a_terminal_gets_no_control_character_of_others() -> None:
    assert in_sight("a\x1b[31mb\u202e\r\nc") == "a[31mb  c"


# -- one onboarding ----------------------------------------------------------------------------------------------------


def test_one_is_shown_with_its_steps_and_the_commands_for_what_is_possible(at: Terminal) -> None:
    mine = at.begun(deployed(at, requests.own_sbc()))
    at.go_on(3)
    ended = at.onboard("show", "CONTOSO-SBC")
    assert ended.status == 0
    assert ended.lines[0].startswith("contoso-sbc: ")
    assert f"onboard confirm {mine} programme-agreement" in ended.out
    assert re.search(r"^On its page: .*Cancel the onboarding\.$", ended.out, re.M)
    assert at.onboard("show", mine, "--exit-code").status == ExitCode.PEOPLE


def test_what_is_not_there_is_4(at: Terminal) -> None:
    mine = at.begun(requests.own_sbc())
    assert at.onboard("show", "../../nothing?x=1").status == ExitCode.NOT_FOUND
    assert at.onboard("confirm", mine, "no-such-step").status == ExitCode.NOT_FOUND


def test_a_watch_asks_only_for_what_has_changed_and_ends_as_the_onboarding_does(at: Terminal) -> None:
    mine = at.begun(deployed(at, requests.own_sbc()))
    looks = 0

    async def cancelled_at_last() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            await at.api.post(f"onboardings/{mine}/cancel", {"reason": "the test"})
            await at.goes_on()

    at.meanwhile = cancelled_at_last
    ended = at.onboard("watch", mine, "--every", "5s", "-o", "json")
    assert ended.status == ExitCode.FAILED
    told = [json.loads(line) for line in ended.lines]
    assert [t["state"] for t in told] == ["running", "cancelled"]
    asked = [r for r in at.requests if r.headers.get("if-none-match")]
    assert len(asked) == 3
    assert at.waits == [5, 5, 5]


def test_a_watch_ends_when_its_time_is_over(at: Terminal) -> None:
    mine = at.begun(requests.own_sbc())
    ended = at.onboard("watch", mine, "--every", "20s", "--timeout", "1m")
    assert ended.status == ExitCode.GOING_ON
    assert at.waits == [20, 20, 20]


def test_a_watch_can_end_where_somebody_has_to_act(at: Terminal) -> None:
    [mine] = stopped(at, "one")
    assert at.onboard("watch", mine, "--until", "attention").status == ExitCode.ATTENTION
    assert at.onboard("watch", mine, "--timeout", "1s").status == ExitCode.GOING_ON


def test_a_time_is_read_as_people_write_it(at: Terminal) -> None:
    assert [duration(t) for t in ("90", "90s", "45m", "2h", "14d")] == [90, 90, 2700, 7200, 1209600]
    assert at.onboard("watch", at.begun(requests.own_sbc()), "--every", "soon").status == ExitCode.USAGE


# -- people act --------------------------------------------------------------------------------------------------------


def open_checkpoint(at: Terminal, wanted: str) -> str:
    """An onboarding that waits at that checkpoint."""
    mine = at.begun(deployed(at, requests.own_sbc()))
    for _ in range(30):
        at.go_on()
        record = at.onboard("show", mine, "-o", "json").json
        able = [a["step"] for a in record["allowedActions"] if a["name"] == "confirm"]
        if wanted in able:
            return mine
        for step in able:
            at.onboard("confirm", mine, step)
    raise AssertionError(f"{wanted} has not opened")


def test_a_checkpoint_is_confirmed_with_typed_answers_a_list_by_giving_it_twice(at: Terminal) -> None:
    mine = open_checkpoint(at, "set-calling-profiles")
    step = next(s for s in at.onboard("show", mine, "-o", "json").json["steps"] if s["name"] == "set-calling-profiles")
    [many] = [a["name"] for a in step["asks"] if a["many"]]
    refused = at.onboard("confirm", mine, "set-calling-profiles", "--answer", "colour=red")
    assert refused.status == ExitCode.REFUSED
    assert "answers.colour" in refused.err
    given = [f"--answer={many}={profile}" for profile in PROFILES]
    ended = at.onboard("confirm", mine, "set-calling-profiles", *given, "--note", "in the portal")
    assert ended.status == 0, ended.err
    step = next(s for s in at.onboard("show", mine, "-o", "json").json["steps"] if s["name"] == "set-calling-profiles")
    assert step["state"] == "done"
    assert step["answers"][many] == PROFILES
    assert step["note"] == "in the portal"


def test_what_is_not_open_is_refused_with_what_is(at: Terminal) -> None:
    mine = open_checkpoint(at, "programme-agreement")
    ended = at.onboard("confirm", mine, "trunks-validated")
    assert ended.status == ExitCode.REFUSED
    assert "it is pending" in ended.err
    assert "programme-agreement" in ended.err
    assert at.onboard("confirm", mine, "programme-agreement", "--answer", "nothing").status == ExitCode.USAGE


def test_all_that_one_missing_permission_stopped_is_one_command(at: Terminal) -> None:
    stopped(at, "one", "two", "three")
    before = at.onboard("list", "--problem", "permission-missing", "-o", "json").json
    assert len(before) == 3
    unasked = at.onboard("retry", "--problem", "permission-missing")
    assert (unasked.status, "--yes" in unasked.err) == (ExitCode.USAGE, True)
    dry = at.onboard("retry", "--problem", "permission-missing", "--dry-run", "-o", "json").json
    assert [r["outcome"] for r in dry] == ["would be retried"] * 3
    ended = at.onboard("retry", "--problem", "permission-missing", "--yes", "-o", "csv")
    assert ended.status == 0, ended.err
    assert {(r["gateway"], r["step"], r["outcome"]) for r in rows(ended.out)} == {
        (name, "add-project-synergy", "retried") for name in ("one", "two", "three")
    }
    assert "3 retried" in ended.err
    at.go_on()
    assert at.onboard("list", "--problem", "permission-missing", "-o", "json").json == []
    assert "Nothing to retry" in at.onboard("retry", "--problem", "permission-missing", "--yes").err


def test_one_that_is_refused_meanwhile_is_a_line_of_the_report(at: Terminal) -> None:
    first, _ = stopped(at, "one", "two")

    def overtaken(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/controls") and "validateOnly" not in str(request.url):
            at.run(at.api.post(f"onboardings/{first}/steps/add-project-synergy/retry"))
        return None

    at.answerer = overtaken
    ended = at.onboard("retry", "--problem", "permission-missing", "--yes", "-o", "json")
    assert ended.status == ExitCode.REFUSED
    assert {r["onboarding"]: r["outcome"] for r in ended.json}[first] == "refused"
    assert sorted(r["outcome"] for r in ended.json) == ["refused", "retried"]
    assert "It is not any more what was asked for: it is running." in ended.out


def test_many_are_paused_resumed_and_cancelled_with_one_reason(at: Terminal) -> None:
    ids = stopped(at, "one", "two")
    assert at.onboard("pause", "--state", "needs-attention", "--yes").status == ExitCode.USAGE
    why = ("--reason", "A change freeze.", "--yes")
    ended = at.onboard("pause", "--state", "needs-attention", *why, "-o", "csv")
    assert (ended.status, {r["outcome"] for r in rows(ended.out)}) == (0, {"paused"}), ended.err
    assert [at.onboard("show", i, "-o", "json").json["pause"]["because"] for i in ids] == ["A change freeze."] * 2
    again = at.onboard("pause", "two", *why)
    assert (again.status, "paused already" in again.out, "1 refused" in again.err) == (ExitCode.REFUSED, True, True)
    dry = at.onboard("resume", "--text", "two", "--dry-run")
    assert (dry.status, "would be resumed" in dry.out) == (0, True)
    assert at.onboard("resume", "--text", "two", "--yes").status == 0
    assert at.onboard("resume", "one", "--yes").status == 0
    no = at.onboard("cancel", "one", "--reason", "x", stdin="n\n", terminal=lambda: True)
    assert (no.status, "Cancel 1 onboarding?" in no.err) == (ExitCode.FAILED, True)
    assert at.onboard("cancel", "--state", "needs-attention", *why).status == 0
    assert {e["state"] for e in at.onboard("list", "-o", "json").json} == {"cancelled"}
    assert at.onboard("cancel", "--yes", "--reason", "x").status == ExitCode.USAGE
    assert at.onboard("retry", "one", "a-step", "--problem", "blocked").status == ExitCode.USAGE
    assert "Nothing to cancel" in at.onboard("cancel", "--state", "running", *why).err


def test_more_than_one_call_takes_is_one_command(at: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboarding.http.chosen.MOST_AT_ONCE", 2)
    monkeypatch.setattr("onboarding.http.chosen._LEAST_PAGE", 1)
    monkeypatch.setattr("onboard.many.MOST", 2)
    stopped(at, "one", "two", "three")
    ended = at.onboard("retry", "--problem", "permission-missing", "--yes")
    assert (ended.status, "3 retried" in ended.err) == (0, True)


def test_somebody_at_a_terminal_is_asked(at: Terminal) -> None:
    stopped(at, "one")
    no = at.onboard("retry", "--problem", "permission-missing", stdin="n\n", terminal=lambda: True)
    assert (no.status, "Nothing was changed" in no.err) == (ExitCode.FAILED, True)
    yes = at.onboard("retry", "--problem", "permission-missing", stdin="y\n", terminal=lambda: True)
    assert (yes.status, "retried" in yes.out) == (0, True)


def test_one_step_is_retried(at: Terminal) -> None:
    [mine] = stopped(at, "one")
    ended = at.onboard("retry", mine)
    assert ended.status == 0, ended.err
    assert "add-project-synergy" in ended.out
    assert at.onboard("retry").status == ExitCode.USAGE


# -- signing in, and what goes wrong on the way ------------------------------------------------------------------------


class Given:
    """A credential, and what it was asked for."""

    def __init__(self) -> None:
        self.scopes: list[str] = []
        self.token, self.expires_on = "a-secret-token", 4102444800

    def get_token(self, *scopes: str) -> Given:
        self.scopes += scopes
        return self


def signed_in(at: Terminal, *arguments: str, credential: Any = None) -> Ended:
    return at.onboard(
        *arguments, "--client-id", CLIENT, url=f"{HTTPS}/api/dashboard", credential=lambda: credential or Given()
    )


def test_it_signs_in_for_the_application_that_was_named_and_the_token_goes_nowhere_else(at: Terminal) -> None:
    given = Given()
    for number in range(60):
        at.begun(named(f"gateway-{number}"))
    at.requests.clear()
    ended = signed_in(at, "list", "-o", "json", credential=given)
    assert ended.status == 0, ended.err
    assert given.scopes == [f"{CLIENT}/.default"]
    assert {(r.url.host, r.url.scheme) for r in at.requests} == {("onboarding.example.com", "https")}
    assert {r.headers["authorization"] for r in at.requests} == {"Bearer a-secret-token"}


def test_a_redirect_is_not_followed(at: Terminal) -> None:
    at.answerer = lambda request: httpx.Response(302, headers={"location": "https://elsewhere.example/"})
    ended = signed_in(at, "list")
    assert ended.status == ExitCode.FAILED
    assert [r.url.host for r in at.requests] == ["onboarding.example.com"]


def test_the_next_page_is_asked_of_the_address_that_was_named(at: Terminal) -> None:
    def elsewhere(request: httpx.Request) -> httpx.Response:
        following = None if "next" in request.url.params else "https://elsewhere.example/api/onboardings?next=here"
        return httpx.Response(200, json={"onboardings": [], "counts": {}, "cut": False, "next": following})

    at.answerer = elsewhere
    assert signed_in(at, "list").status == 0
    assert [(r.url.host, r.url.params.get("next")) for r in at.requests] == [
        ("onboarding.example.com", None),
        ("onboarding.example.com", "here"),
    ]


def test_the_sandbox_gets_no_token(at: Terminal) -> None:
    given = Given()
    assert at.onboard("list", "--client-id", CLIENT, credential=lambda: given).status == 0
    assert (given.scopes, "authorization" in at.requests[0].headers) == ([], False)


def test_no_token_or_secret_is_in_what_is_told(at: Terminal) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    class NotSignedIn(Given):
        def get_token(self, *scopes: str) -> Given:
            raise ClientAuthenticationError("DefaultAzureCredential failed to retrieve a token.")

    ended = signed_in(at, "list", credential=NotSignedIn())
    assert (ended.status, "az login" in ended.err) == (ExitCode.NOT_ALLOWED, True)
    at.answerer = lambda request: httpx.Response(500, text="oops")
    ended = signed_in(at, "list")
    assert ended.status == ExitCode.FAILED
    assert "a-secret-token" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "ONBOARDING_URL"),
        ("http://onboarding.example.com", "is not on this machine"),
        ("https://user:secret@onboarding.example.com", "leave that out"),
        ("onboarding.example.com", "https://"),
        ("https://", "https://"),
        ("http://127.0.0.1:none", "https://"),
        (HTTPS, "ONBOARDING_REGISTRATION_CLIENT_ID"),
    ],
)
def test_an_address_that_is_none_is_said_and_nothing_is_sent(at: Terminal, url: str, said: str) -> None:
    ended = at.onboard("list", url=url)
    assert (ended.status, said in ended.err) == (ExitCode.USAGE, True), ended.err
    assert "secret" not in ended.err
    assert at.requests == []


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://onboarding.example.com", "https://onboarding.example.com"),
        ("https://onboarding.example.com/api/dashboard/x?y=1#z", "https://onboarding.example.com"),
        ("https://Gateway.example.com:8443/apim/voice/api/", "https://gateway.example.com:8443/apim/voice"),
        ("http://localhost:7071/", "http://localhost:7071"),
        ("http://[::1]:7071/api", "http://[::1]:7071"),
    ],
)
def test_an_address_may_be_that_of_a_page(given: str, base: str) -> None:
    assert read_address(given).base == base
    assert read_address(given).secure is given.startswith("https")


@pytest.mark.parametrize(("user", "command"), [("nick.nobody", "list"), ("rita.reader", "request")])
def test_who_lacks_a_role_is_told_which(at: Terminal, tmp_path: Path, user: str, command: str) -> None:
    at.api.settings = app_settings(sandbox_user=user)
    ended = at.onboard(command, *([file(tmp_path, requests.own_sbc())] if command == "request" else []))
    assert ended.status == ExitCode.NOT_ALLOWED
    assert "Onboarding." in ended.err


def test_what_is_busy_is_waited_for_as_it_says_and_not_for_long(at: Terminal, tmp_path: Path) -> None:
    busy = {"title": "Try again shortly", "status": 503, "detail": "Table Storage did not answer."}
    left = 2

    def at_first(request: httpx.Request) -> httpx.Response | None:
        nonlocal left
        left -= 1
        return httpx.Response(503, headers={"retry-after": "7"}, json=busy) if left >= 0 else None

    at.answerer = at_first
    assert at.onboard("request", file(tmp_path, requests.own_sbc())).status == 0
    assert at.waits == [7, 7]
    at.answerer = lambda request: httpx.Response(429, headers={"retry-after": "3000"}, json=busy)
    ended = at.onboard("list")
    assert ended.status == ExitCode.UNREACHABLE
    assert "Try again in 3000 s" in ended.err
    assert at.waits == [7, 7]


def test_what_does_not_answer_is_looked_at_again_but_nothing_is_changed_twice(at: Terminal, tmp_path: Path) -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    at.answerer = gone
    ended = at.onboard("list")
    assert (ended.status, "connection refused" in ended.err) == (ExitCode.UNREACHABLE, True)
    assert len(at.requests) == 4
    at.requests.clear()
    assert at.onboard("request", file(tmp_path, requests.own_sbc())).status == ExitCode.UNREACHABLE
    assert len(at.requests) == 1


def test_what_is_not_this_application_is_said(at: Terminal) -> None:
    at.answerer = lambda request: httpx.Response(200, text="<html>")
    assert "Is this its address?" in at.onboard("list").err


# -- the package, and what is written of it ----------------------------------------------------------------------------


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "cli" / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_package_has_few_dependencies_and_one_version(at: Terminal) -> None:
    names = {re.split(r"[<>=]", d)[0] for d in project()["dependencies"]}
    assert names == {"azure-identity", "httpx", "typer"}
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (project()["requires-python"], project()["version"]) == (whole["requires-python"], whole["version"])
    assert project()["version"] == onboard.__version__
    assert at.onboard("--version").out.strip() == onboard.__version__
    for source in (ROOT / "cli" / "onboard").glob("*.py"):
        assert "onboarding." not in "".join(re.findall(r"^\s*(?:from|import) (\S+)", source.read_text(), re.M))


def test_each_exit_status_and_command_is_documented(at: Terminal) -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert {int(n) for n in re.findall(r"^\| (\d+) \|", page, re.M)} == {int(code) for code in ExitCode}
    told = at.onboard("--help").out
    for command in re.findall(r"^  ([a-z]+)  ", told.partition("Commands:")[2], re.M):
        assert f"| `{command}" in page, command
        for option in set(re.findall(r"--[a-z][a-z-]+", at.onboard(command, "--help").out)) - {"--help"}:
            assert f"`{option}" in page, (command, option)
    for code in ExitCode:
        assert re.search(rf"\b{int(code)}\s", told), code


def test_the_example_of_a_pipeline_is_good_shell_and_uses_what_there_is(at: Terminal, tmp_path: Path) -> None:
    workflow = yaml.safe_load((ROOT / "samples" / "github-actions.yml").read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"id-token": "write", "contents": "read"}
    steps = workflow["jobs"]["onboard"]["steps"]
    [script] = [step["run"] for step in steps if "onboard plan" in step.get("run", "")]
    path = tmp_path / "run.sh"
    path.write_text(f"#!/bin/bash\n{script}", encoding="utf-8")
    shellcheck = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert shellcheck is not None
    found = subprocess.run([shellcheck, path], capture_output=True, text=True, check=False)
    assert found.stdout + found.stderr == ""
    for command, rest in re.findall(r"onboard (plan|request) (.*)", script):
        offered = at.onboard(command, "--help").out
        for option in re.findall(r"--?[a-z][a-z-]*", re.sub(r"\$\(.*", "", rest)):
            assert option in offered, (command, option)
