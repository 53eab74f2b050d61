"""`txt-record-visible`: Microsoft would find the TXT record: servers of its zone have the value, and none denies it.

Source: article, "Register your deployment's domain name in Microsoft Entra", step 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from onboarding import limits
from onboarding.core.domain_name import registered_part
from onboarding.core.notices import NoticeKind
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.record import Record, StepRecord
from onboarding.core.sight import Sight
from onboarding.steps.add_domain import DOMAIN_SECTION, domain_findings, txt_record, was_verified_already
from onboarding.steps.base import EachAlone, Look, Watched, Work, World
from onboarding.steps.definition import Definition, OutsideWords
from onboarding.steps.share_txt_record import VERIFIED_ALREADY, txt_record_instructions, txt_record_values
from onboarding.steps.txt_verdict import TxtKind, TxtVerdict, judge_txt_answers

SIGHTS: Mapping[TxtKind, Sight] = {
    # Microsoft is the judge: verify-domain is tried, gently.
    TxtKind.SOMEWHERE: Sight(TxtKind.SOMEWHERE, settles=True),
    TxtKind.CONTRADICTED: Sight(TxtKind.CONTRADICTED, word=NoticeKind.HELD_UP),
    TxtKind.WRONG_VALUE: Sight(TxtKind.WRONG_VALUE, word=NoticeKind.HELD_UP),
    TxtKind.WRONG_NAME: Sight(TxtKind.WRONG_NAME, word=NoticeKind.HELD_UP),
    TxtKind.ALIAS: Sight(TxtKind.ALIAS, word=NoticeKind.HELD_UP),
    TxtKind.FAILING: Sight(TxtKind.FAILING, word=NoticeKind.HELD_UP),
    # They have been asked for it, and have their time.
    TxtKind.NOTHING_YET: Sight(TxtKind.NOTHING_YET, word=NoticeKind.HELD_UP, soon=False),
    TxtKind.BLIND: Sight(TxtKind.BLIND, word=NoticeKind.CANNOT_SEE),
}
"""What follows when the answers stay as they are."""


def _seen_outside(step: StepRecord) -> tuple[str, ...]:
    """What DNS says, which anybody can ask; not what went wrong with a look of ours."""
    return (f"What is seen in DNS: {step.detail}",) if step.detail and step.problem is None else ()



class TxtRecordVisible(EachAlone):
    """Each onboarding's name is asked for, all at once."""

    def watched(self, record: Record, step: StepRecord) -> Watched:
        """Nothing, when the domain is verified already, or its record was never found: the first look sees that."""
        known = domain_findings(record)
        if known.domain_verified or known.txt_record is None:
            return Watched("", {})
        name = known.txt_record.name
        return Watched(registered_part(name), {"name": name, "value": known.txt_record.value})

    async def shown(self, world: World, subject: Mapping[str, str]) -> str | None:
        return _shown(await _judged(world, subject["name"], subject["value"]))

    async def seen(self, work: Work) -> Look:
        if domain_findings(work.record).domain_verified and not work.again:
            return Look(True, VERIFIED_ALREADY)
        if work.again and was_verified_already(work.record):
            return Look(True, VERIFIED_ALREADY)
        expected = txt_record(work.record)
        verdict = await _judged(work.world, expected.name, expected.value)
        done = verdict.kind is TxtKind.EVERYWHERE
        return Look(done, verdict.sentence, sight=SIGHTS.get(verdict.kind), shown=_shown(verdict))


def _shown(verdict: TxtVerdict) -> str | None:
    """A digest of what DNS says; None: it is there."""
    if verdict.kind is TxtKind.EVERYWHERE:
        return None
    return f"{verdict.kind}, {sha256(verdict.sentence.encode()).hexdigest()[:16]}"


async def _judged(world: World, name: str, expected: str) -> TxtVerdict:
    async with limits.within(limits.LOOK, f"asking for the TXT record of {name}"):
        answers = await world.dns.txt(name, expected)
    return judge_txt_answers(answers, expected, name)


TXT_RECORD_VISIBLE = Definition(
    "txt-record-visible",
    StepKind.WAIT,
    "Wait until the TXT record is visible",
    DOMAIN_SECTION,
    Party.ONBOARDING_TEAM,
    wait=TxtRecordVisible(),
    usual=2 * DAY,
    confirmable=True,
    instructions=txt_record_instructions,
    outside=OutsideWords(
        "put a TXT record into DNS",
        ("Please put the TXT record below into the zone that its name is in, if that has not been done yet.",),
        ("The record is watched: nothing need be said when it is there.",),
    ),
    values_outside=txt_record_values,
    seen_outside=_seen_outside,
    to_see=(
        "Let the function app that has the timer send DNS queries to any address on the Internet: UDP and TCP, port 53"
        " (network security group, firewall, NAT).",
        "See that ONBOARDING_PUBLIC_RESOLVERS names DNS resolvers that it reaches: they find the zone's servers.",
        "If DNS gets out elsewhere, ask the zone's owner: its servers may be down.",
    ),
)
