"""Session border controllers on their way, each as far as it comes: lived on the real engine, in memory, until now."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any

from onboarding.core.events import CancelRequested, Confirmed
from onboarding.core.record import Record
from onboarding.core.request import OnboardingRequest
from onboarding.memory import ManualClock
from onboarding.planning.planner import ask_for_plan, give_up_plan
from onboarding.planning.store import KeptPlan, Start
from tests.support import requests
from tests.support.system import System
from tests.support.trunks import show_certificates

OLGA, ADAM = "olga.operator@contoso.com", "adam.approver@contoso.com"
CITIES = ("West Europe", "North Europe")
ANSWERS: Mapping[str, dict[str, Any]] = {
    "portal-access": {"operatorId": "contoso-1"},
    "set-calling-profiles": {"callingProfileIds": ["0d1e2f3a-4b5c-4d6e-8f90-a1b2c3d4e5f6"]},
}
DAY = timedelta(days=1)


def own(name: str, domain: str, **changes: Any) -> OnboardingRequest:
    """The request for a session border controller of that name."""
    body = requests.own_sbc(**changes)
    trunks = [{"fqdn": f"sbc{n}.{domain}", "port": 5061, "region": city} for n, city in enumerate(CITIES, 1)]
    body["gateway"].update(name=name, domain=domain, trunks=trunks)
    return requests.parsed(body)


class TrunkLife:
    """One onboarding, as it happens."""

    def __init__(self, request: OnboardingRequest, began: datetime) -> None:
        self.request = request
        self.system = System(clock=ManualClock(began))
        self.system.outside.deploy(request)
        show_certificates(self.system.outside, request, began)

    @property
    def id(self) -> str:
        return self.request.gateway.onboarding_id

    async def begin(self) -> None:
        """Posted, and taken as far as nobody is needed."""
        await self.system.request(self.request)
        await self._deliver()
        await self.pass_time(timedelta(minutes=5))

    async def pass_time(self, time: timedelta) -> None:
        """The timer runs at its end."""
        await self.system.tick(time.total_seconds())
        await self._deliver()

    async def confirm(self, *steps: str) -> None:
        """Somebody has done these, a few hours apart."""
        for step in steps:
            await self.system.engine.happen(self.id, Confirmed(step, ADAM, answers=ANSWERS.get(step, {})))
            await self._deliver()
            await self.pass_time(timedelta(hours=5))

    async def publish(self) -> None:
        """The zone's owner has published the record, and it is seen."""
        self.system.outside.settle()
        await self.pass_time(timedelta(hours=2))

    async def record(self) -> Record:
        return await self.system.record(self.id)

    async def _deliver(self) -> None:
        while await self.system.deliver():
            pass


Deed = Callable[[TrunkLife], Coroutine[Any, Any, None]]


async def _first_day(life: TrunkLife) -> None:
    await life.begin()


async def _agreed(life: TrunkLife) -> None:
    await life.begin()
    await life.pass_time(2 * DAY)
    await life.confirm("programme-agreement", "trust-microsoft-roots")
    await life.publish()


async def _joining(life: TrunkLife) -> None:
    await _agreed(life)
    await life.pass_time(3 * DAY)
    await life.confirm("operator-information", "portal-access", "add-application-ids")


async def _profiles(life: TrunkLife) -> None:
    await _joining(life)
    await life.pass_time(2 * DAY)
    await life.confirm("add-trunks", "set-calling-profiles")


async def _finished(life: TrunkLife) -> None:
    await _profiles(life)
    await life.confirm("trunks-validated")


async def _wrong_certificate(life: TrunkLife) -> None:
    tls = life.system.outside.tls
    (first, second), *_ = [life.request.trunk_addresses]
    tls.serve(*second, *tls.answers[first].chain)
    await _agreed(life)


async def _no_names(life: TrunkLife) -> None:
    for name, _ in life.request.trunk_addresses:
        life.system.outside.dns.place(name)
    await _agreed(life)


async def _given_up(life: TrunkLife) -> None:
    await _agreed(life)
    await life.system.engine.happen(life.id, CancelRequested(OLGA, "The vendor has another domain for us."))
    await life.pass_time(timedelta(minutes=1))


LIVES: Mapping[str, tuple[timedelta, Deed, OnboardingRequest]] = {
    "joining": (9 * DAY, _joining, own("contoso-sbc", "contoso-voice.example")),
    "first day": (timedelta(minutes=40), _first_day, own("adatum-sbc", "adatum-voice.example")),
    "agreed": (6 * DAY, _agreed, own("northwind-sbc", "northwind-voice.example")),
    "wrong certificate": (5 * DAY, _wrong_certificate, own("litware-sbc", "litware-trunks.example")),
    "no names": (4 * DAY, _no_names, own("proseware-sbc", "proseware-voice.example")),
    "profiles": (21 * DAY, _profiles, own("tailspin-sbc", "tailspin-sbc.example")),
    "finished": (30 * DAY, _finished, own("alpine-sbc", "alpine-voice.example")),
    "given up": (12 * DAY, _given_up, own("wingtip-sbc", "wingtip-voice.example")),
    "by hand": (timedelta(hours=3), _first_day, own("relecloud-sbc", "relecloud-voice.example", byHand=True)),
}
"""What it is → how long ago it began, how it went, and the request."""


async def trunk_lives(now: datetime) -> dict[str, Record]:
    """All of them, as they stand now."""
    return {name: await _lived(request, deed, now - ago, now) for name, (ago, deed, request) in LIVES.items()}


async def _lived(request: OnboardingRequest, deed: Deed, began: datetime, now: datetime) -> Record:
    life = TrunkLife(request, began)
    await deed(life)
    left = now - life.system.clock.now()
    if left > timedelta(0) and not (await life.record()).closed:
        await life.pass_time(left)
    whole = tuple(await life.system.events(life.id))
    return (await life.record()).model_copy(update={"tail": whole})


async def kept_plans(now: datetime) -> dict[str, KeptPlan]:
    """A plan in each way to stand."""
    services = {
        "operatorConnect": {"testLines": requests.lines("OC", 5, 701), "integrationTestNumbers": ["+442079460790"]}
    }
    request = own("contoso-emea-sbc", "contoso-emea.example", services=services)
    system = TrunkLife(request, now).system
    engine = system.engine

    async def made(start: Start | None = None) -> KeptPlan:
        asked = await ask_for_plan(engine, request, OLGA, start)
        await system.deliver()
        return await kept(asked.id)

    async def kept(plan_id: str) -> KeptPlan:
        found = await engine.plans.load(plan_id)
        assert found is not None
        return found

    ready = await made()
    assert ready.plan is not None
    start = Start(checksum=ready.plan.checksum)
    started = await made(start)
    await system.outside.world.directory.add_domain(request.gateway.key)
    refused = await made(start)
    coming, given_up = await ask_for_plan(engine, request, OLGA), await ask_for_plan(engine, request, OLGA)
    await give_up_plan(engine, given_up.id, "Its message was given up after 10 deliveries.")
    given_up = await kept(given_up.id)
    return {"ready": ready, "started": started, "refused": refused, "coming": coming, "given up": given_up}
