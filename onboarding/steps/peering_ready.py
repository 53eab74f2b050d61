"""`peering-ready`: the connections of each peering are Active, and its registered prefixes Verified.

Source: Microsoft Learn, "Azure Internet peering for Communications Services walkthrough". The states are read as
Azure has them; one that is not known here is shown, and waited for. Whoever knows that voice can come all the same
confirms.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from onboarding import limits
from onboarding.azure.peering_resource import ACTIVE, VERIFIED, PeeringId, PeeringStanding
from onboarding.core.instructions import Instructions, Value
from onboarding.core.notices import NoticeKind
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.record import Record, StepRecord
from onboarding.core.sight import Sight
from onboarding.steps.base import EachAlone, Look, Watched, Work, World, plural
from onboarding.steps.definition import Definition
from onboarding.steps.session_border_controller import sbc_request
from onboarding.steps.txt_verdict import on_one_line

SHOWN_STATE = 40
SHOWN_PREFIXES = 5
FAILED_STATES = ("failed", "invalid", "disconnected")
"""Of prefixes and connections, in lower case: they don't change by themselves."""


class PeeringReady(EachAlone):
    """All peerings of an onboarding count together."""

    def watched(self, record: Record, step: StepRecord) -> Watched:
        peerings = sbc_request(record).peerings
        found = PeeringId.parse(peerings[0]) if peerings else None
        return Watched(found.subscription_id.lower(), {"peerings": " ".join(peerings)}) if found else Watched("", {})

    async def shown(self, world: World, subject: Mapping[str, str]) -> str | None:
        return _digest_of(await _standings(world, subject["peerings"].split()))

    async def seen(self, work: Work) -> Look:
        return judge_peerings(await _standings(work.world, sbc_request(work.record).peerings))


Standings = Mapping[str, PeeringStanding | None]
"""Resource id → how far it is; None: there is none."""


async def _standings(world: World, peerings: Sequence[str]) -> Standings:
    async def one(arm_id: str) -> PeeringStanding | None:
        peering = PeeringId.parse(arm_id)
        return await world.peerings.standing(peering) if peering else None

    async with limits.within(limits.LOOK, f"reading {plural(len(peerings), 'peering')}"):
        return dict(zip(peerings, await asyncio.gather(*map(one, peerings)), strict=True))


def judge_peerings(standings: Standings) -> Look:
    """Are all of them ready?"""
    gone = [arm_id for arm_id, standing in standings.items() if standing is None]
    if gone:
        problem = PersonMustActError(
            ProblemCode.PEERING_GONE,
            f"There is no peering {', '.join(map(_name, gone))}, or this application may not read it.",
            "Check its resource id in the request, and that the managed identity of the app that has the timer holds"
            " Reader on it; then retry this step, or confirm it if the peering is elsewhere and in use.",
        )
        return Look(False, f"{problem.seen} It is looked for again before anybody is asked.", problem, absent=True)
    known = {arm_id: standing for arm_id, standing in standings.items() if standing is not None}
    sentence = " ".join(f"{_name(arm_id)}: {_told_of(standing)}." for arm_id, standing in known.items())
    failed = any(state.lower() in FAILED_STATES for standing in known.values() for state in _states(standing))
    sight = Sight("failed" if failed else "under-way", word=NoticeKind.HELD_UP if failed else None)
    return Look(all(s.ready for s in known.values()), sentence, sight=sight, shown=_digest_of(standings))


def _name(arm_id: str) -> str:
    return arm_id.rpartition("/")[2]


def _states(standing: PeeringStanding) -> tuple[str, ...]:
    return (*standing.connections, *(state for _, state in standing.prefixes))


def _told_of(standing: PeeringStanding) -> str:
    if standing.ready:
        return f"{plural(len(standing.connections), 'connection')} Active, {_prefixes(standing)} Verified"
    lacking = [f"{count} {state}" for state, count in _counted(standing.connections) if state.lower() != ACTIVE]
    active = sum(state.lower() == ACTIVE for state in standing.connections)
    connections = f"{active} of {plural(len(standing.connections), 'connection')} Active"
    open_prefixes = [f"{p} {on_one_line(s, SHOWN_STATE)}" for p, s in standing.prefixes if s.lower() != VERIFIED]
    shown = ", ".join(on_one_line(one, 2 * SHOWN_STATE) for one in open_prefixes[:SHOWN_PREFIXES])
    more = f" and {len(open_prefixes) - SHOWN_PREFIXES} more" if len(open_prefixes) > SHOWN_PREFIXES else ""
    prefixes = f"prefixes {shown}{more}" if open_prefixes else f"{_prefixes(standing)} Verified"
    return f"{connections}{' (' + ', '.join(lacking) + ')' if lacking else ''}; {prefixes}"


def _prefixes(standing: PeeringStanding) -> str:
    count = len(standing.prefixes)
    return "no registered prefix" if not count else f"{count} registered {'prefix' if count == 1 else 'prefixes'}"


def _counted(states: Sequence[str]) -> Sequence[tuple[str, int]]:
    return list(Counter(on_one_line(state, SHOWN_STATE) for state in states).items())


def _digest_of(standings: Standings) -> str | None:
    """Their states, as long as they are under way; None: ready, or gone."""
    if any(standing is None or standing.ready for standing in standings.values()):
        return None
    return " ".join(_told_of(standing) for standing in standings.values() if standing)[:200]


def _instructions(record: Record) -> Instructions:
    return Instructions(
        (
            "See in the Azure portal that each peering below has all of its connections Active.",
            "See that its prefixes are registered and Verified, and activate them under Peering Services with its key.",
            "Confirm this step, if voice comes over them though Azure shows something else.",
        ),
        values=tuple(Value("Peering", arm_id) for arm_id in sbc_request(record).peerings),
    )


PEERING_READY = Definition(
    "peering-ready",
    StepKind.WAIT,
    "Wait until the peerings are ready",
    "",
    Party.MICROSOFT,
    wait=PeeringReady(),
    usual=14 * DAY,
    confirmable=True,
    may_be_skipped_when="voice traffic does not come over these peerings",
    instructions=_instructions,
)
