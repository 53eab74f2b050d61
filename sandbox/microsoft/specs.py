"""Microsoft's own API descriptions. They stand once, beside the contract tests that read them too."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import yaml

from sandbox.microsoft.conformance import Description

SPECS = Path(__file__).resolve().parents[2] / "tests" / "contract" / "specs"


@cache
def voice_services() -> Description:
    """Microsoft.VoiceServices 2023-09-01. Unknown properties are allowed: later versions may return them."""
    text = (SPECS / "voiceservices-2023-09-01.bundled.json").read_text(encoding="utf-8")
    return Description(json.loads(text))


@cache
def azure_dns() -> Description:
    """Zones and record sets of Microsoft.Network 2018-05-01, as far as TXT records go."""
    return Description(json.loads((SPECS / "dns-2018-05-01.subset.json").read_text(encoding="utf-8")))


@cache
def peering() -> Description:
    """The two reads of Microsoft.Peering 2022-10-01."""
    return Description(json.loads((SPECS / "peering-2022-10-01.subset.json").read_text(encoding="utf-8")))


@cache
def graph() -> Description:
    """The subset of Microsoft Graph v1.0. Undeclared properties are refused, as Graph does."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with (SPECS / "graph-subset.yaml").open(encoding="utf-8") as file:
        document = yaml.load(file, Loader=loader)  # noqa: S506 - a safe loader, written in C where there is one
    return Description(document, strict="microsoft.graph.")


@cache
def graph_permissions() -> dict[str, dict[str, list[str]]]:
    """Application permissions of each Graph call."""
    text = (SPECS / "graph-permissions.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
