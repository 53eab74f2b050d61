"""Two clouds and a browser: one cloud lives, and in the other nothing happens by itself, for pages to look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, expect, sync_playwright

from onboarding.azure.tables import AzureTable
from onboarding.core.record import Record
from onboarding.planning.store import PLANS_TABLE, KeptPlan, Plans
from sandbox import azurite as azurite_part
from sandbox.cloud import Cloud
from sandbox.ports import Ports
from sandbox.setup import chromium
from sandbox.setup.axe import Axe
from tests.browser.watched import Watched
from tests.support import crowd, requests
from tests.support.people import Json, Operator, Simulator, as_seeded, deploying
from tests.support.trunk_lives import kept_plans, trunk_lives

ROOT = Path(__file__).parents[2]
EXPECTED_WITHIN = 15_000
"""Milliseconds that a page may take to show something: a step on the way waits for the timer of one second."""
CROWD = 120
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    # Whatever a page or the browser itself wants elsewhere: there is no elsewhere.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
NEVER = "0 0 0 1 1 *"

Watch = Callable[..., Watched]


@dataclass(frozen=True)
class Still:
    """A cloud in which nothing happens by itself, with a crowd of onboardings in every state."""

    cloud: Cloud
    people: list[Record]
    trunked: Mapping[str, Record]
    """Those of them that are session border controllers, by what they are."""
    plans: Mapping[str, KeptPlan]
    """By what they are."""

    @property
    def base(self) -> str:
        return base_of(self.cloud)

    def one(self, wanted: Callable[[Record], bool]) -> Record:
        """The first onboarding that is as wanted."""
        return next(r for r in self.people if wanted(r))


def base_of(cloud: Cloud) -> str:
    """As people reach it: the host of the links in notices."""
    return f"http://localhost:{cloud.ports.functions}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, with a profile of its own that is thrown away."""
    found = chromium.find()
    if found is None:
        pytest.fail("There is no browser: `python3 dev.py test browser` installs one, or says what to install.")
    expect.set_options(timeout=EXPECTED_WITHIN)
    with sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        except Error as error:
            pytest.fail(f"{found} does not start: {error}")
        yield running
        running.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script that looks for barriers."""
    installed = Axe(ROOT)
    if not installed.ready():
        pytest.fail("axe-core is not installed: `python3 dev.py test browser` installs it.")
    return installed.script.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The whole system, with the times of `dev.py up` and no delay at Microsoft's."""
    # As the sandbox permits, and the user whose name test_injection tries.
    users = "voice.admin@contoso.com,@contoso.com,{{7*7}}&lt;b&gt;@contoso.com"
    overrides = {"ONBOARDING_PERMITTED_ADMIN_USERS": users}
    with Cloud(Ports.free(), folder=tmp_path_factory.mktemp("living"), overrides=overrides) as running:
        yield running


@pytest.fixture(scope="session")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Still]:
    """The crowd, in a cloud whose timer never runs."""
    with still_cloud(tmp_path_factory.mktemp("still"), CROWD) as made:
        yield made


class still_cloud:  # noqa: N801 - used like a function
    """A context: a still cloud with so many onboardings."""

    def __init__(self, folder: Path, count: int) -> None:
        self._cloud = Cloud(Ports.free(), folder=folder, overrides={"ONBOARDING_TIMER_SCHEDULE": NEVER})
        self._count = count

    def __enter__(self) -> Still:
        self._cloud.start()
        try:
            # Playwright keeps an event loop in this thread; another one runs in a thread of its own.
            with ThreadPoolExecutor(1) as thread:
                return thread.submit(asyncio.run, fill(self._cloud, self._count)).result()
        except BaseException:
            self._cloud.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self._cloud.stop()


async def fill(cloud: Cloud, count: int) -> Still:
    """Write the crowd into the cloud's tables: so many gateways of the first kind, and session border controllers."""
    now = datetime.now(UTC)
    trunked, plans = await trunk_lives(now), await kept_plans(now)
    async with tables(cloud, "onboardings", "events", PLANS_TABLE) as (onboardings, events, kept):
        people = await crowd.put([*crowd.crowd(count, now), *trunked.values()], onboardings, events)
        for plan in plans.values():
            await Plans(kept).keep(plan)
    return Still(cloud, people, trunked, plans)


@asynccontextmanager
async def tables(cloud: Cloud, *names: str) -> AsyncIterator[list[AzureTable]]:
    """The cloud's own."""
    connection = azurite_part.connection_string(cloud.ports)
    opened = [AzureTable(name, connection_string=connection) for name in names]
    try:
        yield opened
    finally:
        for table in opened:
            await table.close()


@pytest.fixture
def watch(browser: Browser) -> Iterator[Watch]:
    """Opens windows; at the end of the test they are closed, and must have been without fault."""
    opened: list[Watched] = []

    def make(base: str, *, user: str | None = None, refusals: bool = False, **options: Any) -> Watched:
        window = Watched(browser.new_context(**{"locale": "en-GB", **options}), base, refusals)
        window.scripted = options.get("java_script_enabled", True)
        if user:
            window.context.add_cookies([{"name": "sandbox-user", "value": user, "url": base}])
        opened.append(window)
        return window

    yield make
    for window in opened:
        window.close()


@pytest.fixture
def microsoft(living: Cloud) -> Iterator[Simulator]:
    with as_seeded(living.control) as simulator:
        yield simulator


@pytest.fixture
def operator(living: Cloud, microsoft: Simulator) -> Iterator[Operator]:
    """A program of an operator's, which posts requests."""
    program = Operator(living.api)
    yield program
    program.close()
    living.check()


@pytest.fixture
def gateway(microsoft: Simulator, operator: Operator) -> Iterator[Callable[..., Json]]:
    """Makes a request, with these changes, for a gateway of its own."""
    with deploying(microsoft, operator) as make:
        yield lambda **changes: make(requests.operator_connect(**changes))


@pytest.fixture
def requested(operator: Operator, gateway: Callable[..., Json]) -> Callable[..., Json]:
    """Posts a request, waits until some steps are in a state (checkpoints on the way are not answered)."""

    def make(until: Callable[[Json], bool] = lambda _: True, **changes: Any) -> Json:
        answer = operator.post(gateway(**changes))
        assert answer.status_code == 202, answer.text
        return operator.until(answer.json()["id"], until, confirm=False)

    return make


def stands(step: str, state: str) -> Callable[[Json], bool]:
    """Whether a step of an onboarding is in a state."""
    return lambda record: any(s["name"] == step and s["state"] == state for s in record["steps"])
