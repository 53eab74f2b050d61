"""The samples: what the article asks of each kind of gateway, and requests that the app accepts."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import phonenumbers
import pytest

from onboarding.kinds import read_request

SAMPLES = {path.stem: json.loads(path.read_text()) for path in (Path(__file__).parents[2] / "samples").glob("*.json")}
GATEWAYS = {
    "own-sbc": ("contoso-sbc", "production", {"operatorConnect": 6}),
    "own-sbc-dns-server": ("contoso-edge-sbc", "production", {"operatorConnect": 6}),
    "vendor-sbc-azure-dns": ("contoso-hosted-sbc", "production", {"teamsPhoneMobile": 6}),
    "operator-connect": ("contoso-acg", "production", {"operatorConnect": 6}),
    "teams-phone-mobile": ("contoso-mobile-acg", "production", {"teamsPhoneMobile": 6}),
    "lab-both-services": ("contoso-lab-acg", "lab", {"operatorConnect": 3, "teamsPhoneMobile": 3}),
    "already-onboarded": ("contoso-established-acg", "production", {"operatorConnect": 6}),
    "second-person": ("contoso-in-use-acg", "production", {"teamsPhoneMobile": 6}),
    "services-selected-at-deployment": ("contoso-preselected-acg", "production", {"operatorConnect": 0}),
}

each = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES.keys())


def numbers(sample: dict[str, Any]) -> list[str]:
    services = sample["services"].values()
    return list(
        chain(
            (line["phoneNumber"] for s in services for line in s.get("testLines", [])),
            (number for s in services for number in s["integrationTestNumbers"]),
            (s["voicemailPilotNumber"] for s in services if "voicemailPilotNumber" in s),
        )
    )


@each
def test_the_app_accepts_it(sample: dict[str, Any]) -> None:
    assert read_request(sample).gateway.name == sample["gateway"]["name"]


@each
def test_its_numbers_are_valid_and_each_is_used_once(sample: dict[str, Any]) -> None:
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in numbers(sample))
    assert len(set(numbers(sample))) == len(numbers(sample))


def test_no_two_samples_share_a_number_or_a_gateway() -> None:
    every = [number for sample in SAMPLES.values() for number in numbers(sample)]
    assert len(set(every)) == len(every)
    assert len({sample["gateway"]["name"] for sample in SAMPLES.values()}) == len(SAMPLES)


def test_there_is_one_for_each_situation_with_the_lines_that_it_needs() -> None:
    found = {
        name: (
            sample["gateway"]["name"],
            sample["environment"],
            {service: len(s.get("testLines", [])) for service, s in sample["services"].items()},
        )
        for name, sample in SAMPLES.items()
    }
    assert found == GATEWAYS
    assert [name for name, sample in SAMPLES.items() if sample["alreadyOnboarded"]] == ["already-onboarded"]
