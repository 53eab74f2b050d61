"""Commands to paste: for PowerShell beside bash, wherever a page has them; and the samples, where a page lists them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.samples import SHOWS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(p for p in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")) if p.name != "CHANGELOG.md")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OF_ONE_SHELL = re.compile(r"\$|\\\n|`\n|&&|\bcurl\b|\bexport\b|/bin/")
"""What is not the same in both."""
A_SENTENCE = 200
"""Characters that may stand between the two."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_for_powershell_too(page: Path) -> None:
    found = list(BLOCK.finditer(page.read_text(encoding="utf-8")))
    for this, after in zip(found, (*found[1:], None), strict=False):
        language, content = this.groups()
        if language == "bash":
            assert after is not None, content
            assert after[1] == "powershell", content
            assert after.start() - this.end() < A_SENTENCE, content
        if language == "":
            assert not OF_ONE_SHELL.search(content), f"it is bash, and must say so: {content}"


def test_each_sample_is_told_of() -> None:
    page = (ROOT / "docs" / "local.md").read_text(encoding="utf-8")
    table = page.partition("## The samples")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([\w.-]+\.json)` \|", table, re.MULTILINE) == list(SHOWS)
