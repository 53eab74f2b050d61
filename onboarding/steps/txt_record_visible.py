"""`txt-record-visible`: every authoritative server and every public resolver has the TXT record's value.

Source: article, "Register your deployment's domain name in Microsoft Entra", step 3.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from onboarding import limits
from onboarding.core.plan import Party, StepKind
from onboarding.core.problems import StepProblemError
from onboarding.steps.add_domain import DOMAIN_SECTION, domain_findings, txt_record
from onboarding.steps.base import Look, Work, broken
from onboarding.steps.definition import Definition
from onboarding.steps.share_txt_record import VERIFIED_ALREADY, txt_record_instructions, txt_record_values
from onboarding.steps.txt_verdict import judge_txt_answers

log = logging.getLogger("onboarding")


class TxtRecordVisible:
    """Each onboarding's name is asked for, all at once."""

    async def look(self, works: Sequence[Work]) -> Sequence[Look]:
        return await asyncio.gather(*(self._one(work) for work in works))

    async def _one(self, work: Work) -> Look:
        if domain_findings(work.record).domain_verified:
            return Look(True, VERIFIED_ALREADY)
        try:
            expected = txt_record(work.record)
            async with limits.within(limits.LOOK, f"asking for the TXT record of {expected.name}"):
                answers = await work.world.dns.txt(expected.name)
            verdict = judge_txt_answers(answers, expected.value, expected.name)
        except StepProblemError as problem:
            return Look(False, problem.seen, problem=problem)
        except Exception as error:
            # It must not keep the others from their look.
            log.exception("txt-record-visible of %s failed unexpectedly", work.record.id)
            return broken(error)
        return Look(verdict.visible, verdict.sentence)


TXT_RECORD_VISIBLE = Definition(
    "txt-record-visible",
    StepKind.WAIT,
    "Wait until the TXT record is visible",
    DOMAIN_SECTION,
    Party.ONBOARDING_TEAM,
    wait=TxtRecordVisible(),
    confirmable=True,
    instructions=txt_record_instructions,
    asks_outside=("Please configure the TXT record below for the gateway's domain, if that has not been done yet.",),
    values_outside=txt_record_values,
)
