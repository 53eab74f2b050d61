"""`share-txt-record`, `txt-record-visible`: the onboarding team has the TXT record, and the world sees it.

Source: article, "Register your deployment's domain name in Microsoft Entra", step 3.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from onboarding import limits
from onboarding.core.notice_words import txt_record_words
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError
from onboarding.core.record import TxtRecord
from onboarding.core.txt import judge
from onboarding.steps.base import Applied, Inspection, Look, Work, broken, finding_missing

log = logging.getLogger("onboarding")

VERIFIED_ALREADY = "The domain is verified already."


def _txt_record(work: Work) -> TxtRecord:
    if work.findings.txt_record is None:
        raise finding_missing("the TXT record", "add-domain")
    return work.findings.txt_record


class ShareTxtRecord:
    """Task `share-txt-record`: the onboarding team has been told name, type, value and TTL.

    Nobody can be asked whether a mail was read, so it counts as done when the mail was accepted; an attempt whose
    end was lost tells them twice, which is better than never.
    """

    async def inspect(self, work: Work) -> Inspection:
        if work.findings.domain_verified:
            return Inspection((), f"{VERIFIED_ALREADY} Nothing is to be shared.")
        return Inspection(
            ("tell the onboarding team",), "The onboarding team has not been told.", seen=_txt_record(work)
        )

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        team = work.request.onboarding_team
        message = txt_record_words(work.record)
        if await work.world.notifier.mail((team.email,), message):
            return Applied(f"Told {team.name} by e-mail.")
        if work.request.notify.teams and await work.world.notifier.teams(message):
            return Applied(
                f"Posted it to your Teams channel, to be forwarded to {team.name}: e-mail is not configured."
            )
        raise PersonMustActError(
            ProblemCode.NOBODY_TOLD,
            "Neither e-mail nor Teams is configured, so nobody was sent the TXT record.",
            f"Send the TXT record shown with this onboarding to {team.name} yourself and confirm this step; or set"
            " ONBOARDING_MAIL_SENDER and retry it.",
        )


class TxtRecordVisible:
    """Wait `txt-record-visible`: every authoritative server and every public resolver has the value."""

    async def look(self, works: Sequence[Work]) -> Mapping[str, Look]:
        looks = await asyncio.gather(*(self._one(work) for work in works))
        return {work.record.id: look for work, look in zip(works, looks, strict=True)}

    async def _one(self, work: Work) -> Look:
        if work.findings.domain_verified:
            return Look(True, VERIFIED_ALREADY)
        try:
            expected = _txt_record(work)
            async with limits.within(limits.LOOK, f"asking for the TXT record of {expected.name}"):
                answers = await work.world.dns.txt(expected.name)
            verdict = judge(answers, expected.value, expected.name)
        except StepProblemError as problem:
            return Look(False, problem.seen, problem=problem)
        except Exception as error:
            # It must not keep the others from their look.
            log.exception("txt-record-visible of %s failed unexpectedly", work.record.id)
            return broken(error)
        return Look(verdict.visible, verdict.sentence)
