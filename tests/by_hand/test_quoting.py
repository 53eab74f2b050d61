"""Whatever a name holds, PowerShell takes it as one literal: asked of PowerShell itself."""

from __future__ import annotations

import base64
import random
import subprocess
from pathlib import Path

from onboarding.planning.by_hand import quoted_for_powershell

SIGNS = ["'", "''", '"', "`", "$", "$(Get-Date)", "${env:PATH}", "@(", "@'", "'@", ";", "|", "&", "#", "<#", "#>", "{"]
SIGNS += ["}", "(", ")", "\\", "%", ",", "--%", "-Uri", "é", "日", "😀", "a", "0"]
SIGNS += "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u2013\u2014\u00a0\u200b\u202e\u2028\x07 \t\n"
"""What means something to PowerShell, and what looks like it."""
HOW_MANY = 400
READ = "function Invoke-MgGraphRequest { param($Method, $Uri, $ContentType, $Body) \"$(Code $Uri) $(Code $Body)\" }"
CODE = "function Code($text) { [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($text)) }"


def hostile() -> list[str]:
    """Names that are no names, the same in every run."""
    drawn = random.Random(20261127)
    return ["".join(drawn.choices(SIGNS, k=drawn.randint(1, 12))) for _ in range(HOW_MANY)]


def test_every_text_stays_one_argument(pwsh: str, tmp_path: Path) -> None:
    names = hostile()
    lines = [f"Invoke-MgGraphRequest -Method POST -Uri {quoted_for_powershell(name)}"
             f" -ContentType 'application/json' -Body {quoted_for_powershell(name)}" for name in names]  # fmt: skip
    script = tmp_path / "names.ps1"
    script.write_text("\n".join([CODE, READ, *lines]) + "\n", encoding="utf-8", newline="")
    done = subprocess.run(
        [pwsh, "-NoProfile", "-NonInteractive", "-File", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    read = [tuple(base64.b64decode(part).decode() for part in line.split()) for line in done.stdout.splitlines()]
    assert read == [(name, name) for name in names]
