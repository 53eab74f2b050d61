"""Azure's own compiler and linter have nothing to say of the templates, and predict what stands in infra/snapshots."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.infra.bicep import LEAST, Bicep, prepare
from tests.infra.predicted import CHOICES, file_of
from tests.infra.tools import LeftOutError

pytestmark = pytest.mark.timeout(300)
T = TypeVar("T")


def asked(what: Callable[[], T]) -> T:
    """An answer of Bicep's, if there is a Bicep that can give one."""
    try:
        return what()
    except LeftOutError as reason:
        pytest.skip(f"Bicep was not asked, so the templates are not compiled and not linted: {reason}")


def prepared(folder: Path) -> Bicep:
    """Bicep over a copy of the templates."""
    return asked(lambda: prepare(folder))


@pytest.fixture(scope="module")
def bicep(tmp_path_factory: pytest.TempPathFactory) -> Bicep:
    """One copy for all that change nothing."""
    return prepared(tmp_path_factory.mktemp("bicep") / "copy")


def test_the_compiler_and_the_linter_have_nothing_to_say(bicep: Bicep) -> None:
    assert asked(bicep.build) == ""


@pytest.mark.parametrize("choice", CHOICES)
def test_a_prediction_is_that_of_todays_templates(bicep: Bicep, choice: str) -> None:
    file = file_of(choice)
    stands, today = file.read_text(encoding="utf-8"), asked(lambda: bicep.predict(choice))
    changed = list(difflib.unified_diff(stands.splitlines(), today.splitlines(), file.name, "today", lineterm="", n=1))
    wrote = ".".join(map(str, LEAST))
    hint = f"`python3 dev.py snapshots` writes it anew (this is Bicep {bicep.version}; {wrote} wrote it)"
    assert not changed, "\n".join([hint, *changed[:60]])


MISTAKES = {
    "a property that there isn't": ("modules/monitoring.bicep", "retentionInDays:", "retentionDays:", "BCP089"),
    "a value that isn't taken": (
        "modules/service-bus.bicep",
        "minimumTlsVersion: '1.2'",
        "minimumTlsVersion: 12",
        "BCP036",
    ),
    "what nobody uses": (
        "modules/workbook.bicep",
        "param tags object",
        "param tags object\nparam spare string = ''",
        "no-unused-params",
    ),
    "a length that is known too late": (
        "main.bicep",
        "    teamsWebhookReaders: [",
        "    teamsWebhookReaders: empty(teamsWebhookUrl) ? [] : [",
        "NestedDeploymentShortCircuited",
    ),
}
"""What is wrong, the template, what stands there, what is put in its place, what Bicep calls it."""


def test_a_mistake_is_found(tmp_path: Path) -> None:
    """The control: a compiler that says nothing of these would say nothing of anything."""
    bicep = prepared(tmp_path / "copy")
    for template, right, wrong, _ in MISTAKES.values():
        file = bicep.folder / "infra" / template
        text = file.read_text(encoding="utf-8")
        assert right in text
        file.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(ValueError, match="Bicep says") as refused:
        asked(lambda: bicep.predict("private"))
    assert [what for what, (_, _, _, code) in MISTAKES.items() if code not in str(refused.value)] == []
