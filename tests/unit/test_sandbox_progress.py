"""How an onboarding's progress is shown to people."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from sandbox.options import Options, parse
from sandbox.progress import changes, open_checkpoints, problem, screen, to_do
from sandbox.up import NotCompletedError, judge

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
API = "http://127.0.0.1:7071"


def step(name: str, kind: str, state: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "title": f"Title of {name}", "kind": kind, "state": state, "needs": [], "attempts": 0,
        "since": (NOW - timedelta(seconds=90)).isoformat(), "nextAttemptAt": None, "waitsFor": None, "detail": "",
        "skippedBecause": None, **more,
    }  # fmt: skip


@pytest.fixture
def onboarding() -> dict[str, Any]:
    return {
        "id": "o1",
        "state": "waiting-for-people",
        "gateway": {"name": "contoso-acg"},
        "environment": "production",
        "services": ["operatorConnect"],
        "progress": {"done": 3, "total": 6},
        "lastError": None,
        "steps": [
            step("enable-services", "task", "done", detail="The gateway has OperatorConnect."),
            step("provisioning-complete", "wait", "waiting", attempts=2, waitsFor="Microsoft",
                 detail="status is ChangePending", nextAttemptAt=(NOW + timedelta(seconds=2)).isoformat()),
            step("add-domain", "task", "running"),
            step("operator-information", "checkpoint", "skipped", skippedBecause="Onboarded already."),
            step("portal-access", "checkpoint", "waiting", waitsFor="the admin user"),
            step("add-application-ids", "checkpoint", "pending", needs=["portal-access", "operator-information"]),
        ],
    }  # fmt: skip


def drawn(onboarding: dict[str, Any], width: int, height: int | None = None) -> list[str]:
    console = Console(width=width, record=True, file=StringIO())
    console.print(screen(onboarding, API, NOW, height))
    return console.export_text().splitlines()


def shown(onboarding: dict[str, Any], width: int = 160) -> list[str]:
    return [" ".join(line.split()) for line in drawn(onboarding, width) if line.strip()]


def test_the_screen_shows_the_gateway_each_step_and_what_a_person_should_do(
    onboarding: dict[str, Any],
) -> None:
    assert shown(onboarding) == [
        "contoso-acg · production · Operator Connect · waiting for people · 3 of 6 steps",
        f"{API}/api/dashboard/o1",
        "step kind state for what is known",
        "✓ enable-services task done The gateway has OperatorConnect.",
        "… provisioning-complete wait waiting 90 s Microsoft · status is ChangePending · attempt 3 in 2.0 s",
        "▸ add-domain task running 90 s",
        "– operator-information checkpoint skipped Onboarded already.",
        "… portal-access checkpoint waiting 90 s the admin user",
        "add-application-ids checkpoint pending after portal-access",
        "To do: Title of portal-access",
        f"{API}/api/onboardings/o1/checkpoints/portal-access",
    ]


def test_text_of_the_world_is_not_taken_for_markup(onboarding: dict[str, Any]) -> None:
    onboarding["steps"][0]["detail"] = "[bold]lines[/] OC1 [1]"
    assert any("[bold]lines[/] OC1 [1]" in line for line in shown(onboarding))


def test_without_a_terminal_each_change_is_one_line(onboarding: dict[str, Any]) -> None:
    before = copy.deepcopy(onboarding)
    assert list(changes(before, onboarding, NOW)) == []
    onboarding["steps"][2]["state"] = "done"
    onboarding["steps"][4]["state"] = "done"
    onboarding |= {"state": "running", "progress": {"done": 5, "total": 6}}
    assert list(changes(before, onboarding, NOW)) == [
        "add-domain: done",
        "portal-access: done",
        "contoso-acg: running, 5 of 6 steps",
    ]


def test_the_first_line_of_each_step_is_its_first_state_other_than_pending(
    onboarding: dict[str, Any],
) -> None:
    lines = list(changes(None, onboarding, NOW))
    assert lines[0] == "enable-services: done (The gateway has OperatorConnect.)"
    assert lines[-1] == "contoso-acg: waiting-for-people, 3 of 6 steps"
    assert len(lines) == 6


def test_a_new_checkpoint_comes_once_with_the_command_that_confirms_it(onboarding: dict[str, Any]) -> None:
    assert list(to_do(None, onboarding, API)) == [
        "To do: Title of portal-access.",
        f"    what, and the button for it: {API}/api/onboardings/o1/checkpoints/portal-access",
        '    curl -H "Content-Type: application/json" -d "{\\"note\\": \\"done\\"}" '
        f"{API}/api/onboardings/o1/checkpoints/portal-access",
        "    PowerShell: irm -Method Post -ContentType application/json -Body '{\"note\": \"done\"}' "
        f"{API}/api/onboardings/o1/checkpoints/portal-access",
    ]
    assert list(to_do(onboarding, onboarding, API)) == []


def test_the_screen_keeps_one_row_a_step_on_a_narrow_terminal(onboarding: dict[str, Any]) -> None:
    onboarding["steps"][0]["detail"] = "many words " * 30
    narrow = shown(onboarding, width=80)
    assert len(narrow) == len(shown(onboarding, width=160))
    assert narrow[3].startswith("✓ enable-services task done many words")
    assert narrow[3].endswith("…")


@pytest.mark.parametrize("done", [0, 3, 9, 19])
def test_a_terminal_of_80_by_24_keeps_the_dashboards_address_and_whatever_moves(
    onboarding: dict[str, Any], done: int
) -> None:
    moving = onboarding["steps"]
    many = [step(f"step-{n}", "task", "done" if n < done else "pending") for n in range(19 - 4)]
    onboarding["steps"] = [*many, *(one for one in moving if one["state"] in ("waiting", "running"))]
    lines = drawn(onboarding, 80, 23)
    assert len(lines) <= 23
    assert lines[1].strip() == f"{API}/api/dashboard/o1"
    for name in ("provisioning-complete", "add-domain", "portal-access"):
        assert any(name in line for line in lines), name
    assert any(line.startswith("To do: Title of portal-access") for line in lines)
    assert any(" steps " in line and " done " in line for line in lines) or not done


def test_a_high_terminal_shows_each_step(onboarding: dict[str, Any]) -> None:
    assert drawn(onboarding, 160, 60) == drawn(onboarding, 160)


def test_only_checkpoints_that_are_open_can_be_confirmed(onboarding: dict[str, Any]) -> None:
    assert open_checkpoints(onboarding) == ["portal-access"]


def test_what_needs_attention_is_said_with_what_to_do_next(onboarding: dict[str, Any]) -> None:
    onboarding |= {
        "state": "needs-attention",
        "lastError": {
            "code": "x",
            "step": "add-domain",
            "seen": "Another tenant holds it",
            "whatNext": "Ask them.",
        },
    }
    said = "Needs attention: add-domain: Another tenant holds it. Ask them."
    assert said in shown(onboarding)
    assert next(to_do(None, onboarding, API)) == said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"seen": "Seen.", "whatNext": ""}, "Seen."),
        ({"message": "Said"}, "Said."),
        ({"code": "odd"}, '{"code": "odd"}'),
        ("a sentence", "a sentence"),
        (None, ""),
    ],
)
def test_a_problem_of_any_shape_becomes_a_sentence(error: Any, said: str) -> None:
    assert problem(error) == said


@pytest.fixture
def options() -> Options:
    return parse(["--confirm", "--bound", "30"])


def test_confirm_goes_on_while_there_is_hope(onboarding: dict[str, Any], options: Options) -> None:
    judge(onboarding, 29.9, options)


@pytest.mark.parametrize(
    ("state", "elapsed", "sentence"),
    [
        ("needs-attention", 1, "contoso-acg needs attention: add-domain: Held. Ask."),
        ("cancelled", 1, "contoso-acg was cancelled, after 3 of 6 steps."),
        ("running", 31, r"contoso-acg was not completed within 30 s \(--bound\): 3 of 6 steps are done, and it is at "
                        "provisioning-complete, add-domain, portal-access"),
    ],
)  # fmt: skip
def test_confirm_gives_up_with_a_reason(
    onboarding: dict[str, Any], options: Options, state: str, elapsed: float, sentence: str
) -> None:
    onboarding |= {"state": state, "lastError": {"step": "add-domain", "seen": "Held.", "whatNext": "Ask."}}
    with pytest.raises(NotCompletedError, match=sentence):
        judge(onboarding, elapsed, options)
