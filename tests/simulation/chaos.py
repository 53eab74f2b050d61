"""How rough a run is: every probability is drawn from its seed, so that calm and wild runs both occur."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Chaos:
    """Probabilities of one call, message or action; seconds of times."""

    lasts: float
    """How long faults go on; then the world is put right and people answer."""
    crash: float
    """At each side of each effect."""
    lost_answer: float
    """A write took effect, and whoever asked for it does not learn so."""
    microsoft: float
    """A call to Microsoft meets a passing fault."""
    table: float
    bus: float
    drop: float
    duplicate: float
    late: float
    """A message comes later than it should, behind others."""
    yields: int
    """Turns that others may get between two effects."""
    windows: int
    """Outages, clock jumps, kills of a process and the like."""
    troubles: int
    """Things that a person must put right."""
    actions: float
    """Seconds between two actions of the restless operator; 0: there is none."""
    meddling: float
    """A person acts upon the onboarding just between two effects of this application."""
    staff: float
    """Seconds between two rounds of people who put things right and answer what they are asked; 0: nobody does."""
    provisioning: tuple[float, float]
    """Least and most that Microsoft takes."""
    throttled: float = 0.0
    """A call to Microsoft is answered 429, with a pause of `PAUSE` seconds."""
    answer: float = 0.0
    """Seconds that Microsoft takes for an answer."""


def drawn(random: Random) -> Chaos:
    """For the small world: about a fifth of all runs lack each kind of fault, so that the others show alone."""

    def some(most: float) -> float:
        return 0.0 if random.random() < 0.2 else random.uniform(0, most)

    lasts = random.choice((HOUR, 3 * HOUR, DAY, 4 * DAY))
    return Chaos(
        lasts=lasts,
        crash=some(0.03),
        lost_answer=some(0.06),
        microsoft=some(0.25),
        table=some(0.05),
        bus=some(0.1),
        drop=some(0.2),
        duplicate=some(0.3),
        late=some(0.3),
        yields=random.choice((0, 1, 3)),
        windows=random.randint(0, 4),
        troubles=random.randint(0, 3),
        actions=0.0 if random.random() < 0.3 else lasts / random.choice((3, 10, 40)),
        meddling=some(0.02),
        staff=0.0 if random.random() < 0.7 else lasts / 4,
        provisioning=random.choice(((60.0, 10 * MINUTE), (MINUTE, HOUR), (HOUR, 8 * HOUR))),
    )


CALM = Chaos(
    lasts=0.0,
    crash=0.0,
    lost_answer=0.0,
    microsoft=0.0,
    table=0.0,
    bus=0.0,
    drop=0.0,
    duplicate=0.0,
    late=0.0,
    yields=0,
    windows=0,
    troubles=0,
    actions=0.0,
    meddling=0.0,
    staff=0.0,
    provisioning=(60.0, HOUR),
)
"""Nothing goes wrong."""

BIG = Chaos(
    lasts=14 * DAY,
    crash=0.0005,
    lost_answer=0.001,
    microsoft=0.01,
    table=0.0005,
    bus=0.002,
    drop=0.01,
    duplicate=0.02,
    late=0.02,
    yields=0,
    windows=6,
    troubles=50,
    actions=2 * HOUR,
    meddling=0.0002,
    staff=4 * HOUR,
    provisioning=(HOUR, 13 * DAY),
)
"""Two weeks of a thousand gateways: faults at the rates that a bad fortnight has."""
