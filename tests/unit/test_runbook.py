"""docs/runbook.md tells of everything that can be seen, and of nothing else; the other documents of the rest."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from onboarding.controls import CONTROLS
from onboarding.core.control import ControlPlace
from onboarding.core.event_kinds import EventKind
from onboarding.core.notices import NoticeKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import SCHEMA_VERSION, OnboardingState, StepState
from onboarding.steps import LIBRARY, QUEUES
from tests.support.controls import in_words

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))


def document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


RUNBOOK = document("docs/runbook.md")


def section(title: str, text: str = RUNBOOK) -> str:
    """What stands below a heading, up to the next one of its level."""
    level = title.partition(" ")[0]
    found = re.search(rf"^{re.escape(title)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def rows(text: str) -> list[str]:
    """What the first column of the tables names."""
    cells = [line.split("|")[1] for line in text.splitlines() if re.match(r'\| (<a id="[^"]+"></a>)?`', line)]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def strings(node: ast.AST) -> Iterator[str]:
    return (n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def calls(path: Path, name: str, place: int) -> Iterator[ast.expr]:
    """The argument at that place, of every call of that name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and name == getattr(node.func, "attr", getattr(node.func, "id", None)):
            yield node.args[place]


def test_every_error_code_has_a_row() -> None:
    assert sorted(rows(section("## Error codes"))) == sorted(ProblemCode)


def test_every_state_has_a_row() -> None:
    whole, _, step = section("## What an onboarding says").partition("`state` of a step")
    assert rows(whole) == list(OnboardingState)
    assert rows(step) == list(StepState)


def test_every_event_of_the_audit_trail_has_a_row() -> None:
    assert sorted(rows(section("## The audit trail"))) == sorted(EventKind)


def test_every_kind_of_event_is_told_by_somebody() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "onboarding").rglob("*.py")]
    assert not [kind for kind in EventKind if not any(f"EventKind.{kind.name}" in text for text in texts)]


def test_every_action_has_its_call_and_its_row() -> None:
    table = section("## Before you begin")
    assert set(rows(table)) == set(CONTROLS)
    for control in CONTROLS.values():
        row = next(line for line in table.splitlines() if line.startswith(f"| `{control.name}` "))
        if control.event:
            path = control.route.removeprefix("onboardings").format(id="ID", step="STEP")
            body = in_words(control)
            assert f"| `onb {path} {control.method}" + (f" '{body}'` |" if body else "` |") in row
        button = "Open the checkpoint" if control.place is ControlPlace.CHECKPOINT else control.button or control.label
        assert f"*{button}*" in row


def test_every_alert_has_a_row() -> None:
    named = {path.stem for path in (ROOT / "infra" / "alerts").glob("*.kql")} | {"dead-letters-unread"}
    assert set(rows(section("## Alerts"))) == named


@pytest.mark.parametrize("queue", QUEUES)
def test_every_queue_is_told_of_where_dead_letters_are(queue: str) -> None:
    assert f"`{queue}`" in section("## Dead letters")


def test_the_flow_of_a_step_and_of_an_onboarding_shows_every_state() -> None:
    text = document("docs/how-it-works.md")
    pictures = [p.split("```")[0] for p in text.split("```mermaid\nstateDiagram-v2")[1:]]
    assert len(pictures) == 2
    for picture, states in zip(pictures, (StepState, OnboardingState), strict=True):
        drawn = set(re.findall(r"^ +state \"([a-z-]+)\" as", picture, re.MULTILINE))
        assert drawn == set(states)


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_of_notice_is_told_of(kind: NoticeKind) -> None:
    told = section("## The audit trail").partition("have a kind:")[2].partition(".")[0]
    assert f"`{kind}`" in told


def test_every_step_has_a_row() -> None:
    assert sorted(rows(section("## The steps"))) == sorted(LIBRARY)


def test_every_schema_version_has_a_row() -> None:
    versions = re.findall(r"^\| (\d+) \|", section("## The schema version", document("docs/upgrade.md")), re.MULTILINE)
    assert versions == [str(v) for v in range(1, SCHEMA_VERSION + 1)]


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings, and those that stand there as such."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    named = set(re.findall(r'<a id="([^"]+)"></a>', text))
    return named | {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_an_anchor_is_a_heading_or_stands_there_as_one() -> None:
    assert anchors('<a id="peers"></a>\n\n## This and its peers\n') == {"peers", "this-and-its-peers"}


@pytest.mark.parametrize("path", [ROOT / "README.md", *DOCS], ids=lambda p: p.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found.read_text(encoding="utf-8")), target


def test_every_document_is_in_the_readme() -> None:
    assert [p.name for p in DOCS if f"docs/{p.name}" not in document("README.md")] == []


@pytest.mark.parametrize("path", [ROOT / "README.md", *DOCS], ids=lambda p: p.name)
def test_no_picture_holds_a_semicolon_which_would_end_its_line(path: Path) -> None:
    pictures = path.read_text(encoding="utf-8").split("```mermaid\n")[1:]
    assert [line for p in pictures for line in p.split("```")[0].splitlines() if ";" in line] == []
