"""The requests in `samples/`, and what each shows. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "samples"
USUAL = "own-sbc.json"

SHOWS: Mapping[str, str] = {
    USUAL: "an SBC of one's own; somebody publishes",
    "own-sbc-dns-server.json": "the same; a signed update publishes",
    "vendor-sbc-azure-dns.json": "a vendor's SBC; Azure DNS publishes",
    "operator-connect.json": "a Communications Gateway",
    "teams-phone-mobile.json": "the same for Teams Phone Mobile",
    "lab-both-services.json": "a lab gateway with both services",
    "services-selected-at-deployment.json": "nothing is left to do at the gateway",
    "already-onboarded.json": "an operator who was onboarded before",
    "second-person.json": "a second person says yes, twice",
}
"""File → in a few words: `up` lists them on a terminal of 80 columns."""


def listed() -> list[str]:
    """One line each, for a terminal."""
    return [f"  {name:<36} {shown}" for name, shown in SHOWS.items()]
