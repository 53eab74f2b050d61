"""`trunk-names-resolve`: the name of each trunk leads to public addresses, at every server of its zone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import sha256

from onboarding import limits
from onboarding.core.domain_name import registered_part
from onboarding.core.instructions import Instructions, Value
from onboarding.core.notices import NoticeKind
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.record import Record, StepRecord
from onboarding.core.sight import Sight
from onboarding.steps.address_verdict import AddressKind, AddressVerdict, judge_addresses, together
from onboarding.steps.base import EachAlone, Look, Watched, Work, World
from onboarding.steps.definition import Definition
from onboarding.steps.txt_record_visible import TXT_RECORD_VISIBLE

ADDRESS_SIGHTS: Mapping[AddressKind, Sight] = {
    # What answers agrees, so it is found.
    AddressKind.SOMEWHERE: Sight(AddressKind.SOMEWHERE, settles=True),
    AddressKind.PRIVATE: Sight(AddressKind.PRIVATE, word=NoticeKind.HELD_UP),
    AddressKind.DIFFERENT: Sight(AddressKind.DIFFERENT, word=NoticeKind.HELD_UP),
    AddressKind.NOWHERE: Sight(AddressKind.NOWHERE, word=NoticeKind.HELD_UP),
    AddressKind.FAILING: Sight(AddressKind.FAILING, word=NoticeKind.HELD_UP),
    # They may be about to make it.
    AddressKind.NOTHING_YET: Sight(AddressKind.NOTHING_YET, word=NoticeKind.HELD_UP, soon=False),
    AddressKind.BLIND: Sight(AddressKind.BLIND, word=NoticeKind.CANNOT_SEE),
}
"""What follows when the answers stay as they are."""


class TrunkNamesResolve(EachAlone):
    """All names of an onboarding count together."""

    def watched(self, record: Record, step: StepRecord) -> Watched:
        names = [name for name, _ in record.request.trunk_addresses]
        return Watched(registered_part(names[0]), {"names": " ".join(names)}) if names else Watched("", {})

    async def shown(self, world: World, subject: Mapping[str, str]) -> str | None:
        return _shown_names(await _judged_names(world, subject["names"].split()))

    async def seen(self, work: Work) -> Look:
        verdict = await _judged_names(work.world, [name for name, _ in work.request.trunk_addresses])
        done = verdict.kind is AddressKind.PUBLIC
        return Look(done, verdict.sentence, sight=ADDRESS_SIGHTS.get(verdict.kind), shown=_shown_names(verdict))


def _shown_names(verdict: AddressVerdict) -> str | None:
    """A digest of what DNS says; None: they are there."""
    if verdict.kind is AddressKind.PUBLIC:
        return None
    return f"{verdict.kind}, {sha256(verdict.sentence.encode()).hexdigest()[:16]}"


async def _judged_names(world: World, names: Sequence[str]) -> AddressVerdict:
    async def one(name: str) -> AddressVerdict:
        return judge_addresses(await world.dns.addresses(name), name, loopback=world.trunks_on_loopback)

    async with limits.within(limits.LOOK, f"asking for the addresses of {names[0] if names else 'no trunk'}"):
        return together(await asyncio.gather(*(one(name) for name in names)))


def _instructions(record: Record) -> Instructions:
    return Instructions(
        (
            "See that each name below has an A record with a public IPv4 address, the same on all servers of its zone.",
            "Confirm this step, if the servers that are asked here can't see it (split-horizon DNS) and Microsoft can.",
        ),
        values=tuple(Value("Name of a trunk", name) for name, _ in record.request.trunk_addresses),
    )


TRUNK_NAMES_RESOLVE = Definition(
    "trunk-names-resolve",
    StepKind.WAIT,
    "Wait until the trunks' names lead to public addresses",
    "",
    Party.OPERATOR,
    wait=TrunkNamesResolve(),
    usual=DAY,
    confirmable=True,
    instructions=_instructions,
    to_see=TXT_RECORD_VISIBLE.to_see,
)
