"""A kind of gateway is one module: a made-up one, all of it in this file, goes through the whole application."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

import onboarding
from onboarding.core.decide import create
from onboarding.core.instructions import Instructions, Value
from onboarding.core.plan import NewStep, Party, StepKind
from onboarding.core.reasons import InvalidRequestError
from onboarding.core.record import OnboardingState, Record, StepRecord
from onboarding.core.request import Gateway, KindWords, OnboardingRequest
from onboarding.kinds import KINDS, read_request
from onboarding.rows import OPEN, UnreadableRowError, from_row, to_row
from onboarding.steps import LIBRARY
from onboarding.steps.base import Applied, Inspection, Look, Watched, Work, World
from onboarding.steps.definition import Definition, Findings, OutsideWords
from tests.support import requests
from tests.support.http import Api
from tests.support.records import NOW
from tests.support.system import later

KIND = "pigeon-loft"


class Loft(Gateway):
    kind: Literal["pigeon-loft"]
    name: str
    street: str

    @property
    def key(self) -> str:
        return f"{self.street}/{self.name}"

    @property
    def onboarding_id(self) -> str:
        return f"{self.name.lower()}-0123456789"


class LoftRequest(OnboardingRequest):
    words: ClassVar[KindWords] = KindWords("Pigeon Loft", "Keeping pigeons", "Do not feed.", ("You: wave.",))
    gateway: Loft

    def plan(self) -> tuple[NewStep, ...]:
        return (
            LIBRARY["build-nest"].planned(),
            LIBRARY["pigeon-landed"].planned("build-nest", about="north"),
            LIBRARY["pigeon-landed"].planned("build-nest", about="south"),
            LIBRARY["read-ring"].planned("pigeon-landed:north", "pigeon-landed:south"),
        )


class NestFound(Findings):
    eggs: int | None = None

    def values(self) -> tuple[Value, ...]:
        return (Value("Eggs", str(self.eggs)),) if self.eggs else ()


class BuildNest:
    built = False

    async def inspect(self, work: Work) -> Inspection:
        return Inspection(() if self.built else ("build a nest",), "There is no nest.")

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        self.built = True
        return Applied("Built a nest.", NestFound(eggs=3))


class PigeonLanded:
    looks = 0

    def watched(self, record: Record, step: StepRecord) -> Watched:
        return Watched("sky", {})

    async def glance(self, world: World, subjects: Sequence[Mapping[str, str]]) -> Sequence[str | None]:
        return [None] * len(subjects)

    async def look(self, works: Sequence[Work]) -> Sequence[Look]:
        self.looks += 1
        return [Look(self.looks > 1, f"Looked {work.step.plan.about}.") for work in works]


def instructions(record: Record) -> Instructions:
    return Instructions(("Read the ring.",), warning=record.request.words.warning)


@pytest.fixture
def loft(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The kind is there; a request of it."""
    steps = (
        Definition("build-nest", StepKind.TASK, "Build a nest", "Nests", task=BuildNest(), found=NestFound),
        Definition("pigeon-landed", StepKind.WAIT, "Wait for the pigeon", "Air", Party.MICROSOFT, wait=PigeonLanded()),
        Definition(
            "read-ring",
            StepKind.CHECKPOINT,
            "Read the ring",
            "Rings",
            Party.ONBOARDING_TEAM,
            confirmable=True,
            instructions=instructions,
            outside=OutsideWords("read the ring", ("Please read the ring.",)),
        ),
    )
    for step in steps:
        monkeypatch.setitem(LIBRARY, step.name, step)
    monkeypatch.setitem(KINDS, KIND, LoftRequest)
    body = requests.operator_connect(gateway={"kind": KIND, "name": "Coop", "street": "High Street"})
    del body["environment"]
    return body


async def test_a_made_up_kind_runs_to_its_end(monkeypatch: pytest.MonkeyPatch, loft: dict[str, Any]) -> None:
    api = Api(monkeypatch)
    posted = await api.post("onboardings", loft)
    assert posted.status_code == 202
    record = await later(api.system, "coop-0123456789")
    assert record.state is OnboardingState.WAITING_FOR_PEOPLE
    assert [s.name for s in record.steps[1:3]] == ["pigeon-landed:north", "pigeon-landed:south"]
    assert {s.detail for s in record.steps[1:3]} == {"Looked north.", "Looked south."}
    assert from_row(to_row(record, OPEN)) == record
    assert (to_row(record, OPEN).columns["GatewayId"], record.findings) == ("High Street/Coop", {"eggs": 3})

    shown = (await api.get("onboardings/coop-0123456789")).get_body().decode()
    assert "High Street/Coop" in shown
    page = (await api.get("dashboard/coop-0123456789", accept="text/html")).get_body().decode()
    assert re.search(r"Eggs.*3", page, re.DOTALL)
    overview = (await api.get("dashboard", accept="text/html")).get_body().decode()
    assert "Coop" in overview
    checkpoint = await api.get("onboardings/coop-0123456789/checkpoints/read-ring", accept="text/html")
    assert "Do not feed." in checkpoint.get_body().decode()

    told = api.system.outside.notifier
    (outside,) = [message for to, message in told.mails if to == ("team@example.com",)]
    assert "Pigeon Loft Coop" in " ".join(outside.why)
    assert "Please read the ring." in outside.actions
    ended = await api.system.run("coop-0123456789")
    assert ended.state is OnboardingState.COMPLETED
    assert any("You: wave." in message.actions for _, message in told.mails)


def test_a_kind_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    body = requests.operator_connect()
    body["gateway"]["kind"] = "carrier-pigeon"
    known = "must be one of 'session-border-controller', 'communications-gateway'"
    with pytest.raises(InvalidRequestError, match=known) as error:
        read_request(body)
    assert [reason.field for reason in error.value.reasons] == ["gateway.kind"]


def test_a_row_of_a_kind_that_this_version_does_not_know_is_left_alone(
    loft: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = to_row(create(read_request(loft), "ada", NOW).record, OPEN)
    monkeypatch.delitem(KINDS, KIND)
    with pytest.raises(UnreadableRowError, match="does not know the kind of gateway 'pigeon-loft'"):
        from_row(row)


KNOWS_THEM = ("kinds", "steps", "azure", "memory")
"""The last has in memory what `azure/` has in Azure."""
WORDS = re.compile(r"communications?[ _-]?gateways?|commsgw|VoiceServices", re.IGNORECASE)


def test_no_module_outside_knows_a_word_of_a_kind() -> None:
    root = Path(onboarding.__file__).parent
    files = [f for kind in ("*.py", "*.html", "*.js") for f in root.rglob(kind)]
    outside = [f for f in files if f.relative_to(root).parts[0] not in KNOWS_THEM]
    knowing = {
        f"{file.relative_to(root)}:{number}: {line.strip()}"
        for file in outside
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if WORDS.search(line)
    }
    assert not knowing
