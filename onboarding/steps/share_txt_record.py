"""`share-txt-record`: the onboarding team has the TXT record: name, type, value and TTL.

Source: article, "Register your deployment's domain name in Microsoft Entra", step 3.
"""

from __future__ import annotations

from onboarding.azure.calls import mail_call
from onboarding.core.instructions import Instructions, Value
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.proposal import Change, ValueChange
from onboarding.core.record import Record
from onboarding.ports import NO_SENDER, Notification, Sender
from onboarding.steps.add_domain import DOMAIN_SECTION, DomainFound, domain_findings, found_now, txt_values
from onboarding.steps.base import Applied, Inspection, Work
from onboarding.steps.definition import Definition, OutsideWords

ARTICLE = (
    "https://learn.microsoft.com/azure/communications-gateway/connect-operator-connect"
    "#register-your-deployments-domain-name-in-microsoft-entra"
)
TITLE = "Share the TXT record with the onboarding team"
VERIFIED_ALREADY = "The domain is verified already."


def txt_record_values(record: Record) -> tuple[Value, ...]:
    """The TXT record, ready to paste; empty while it is not known."""
    return txt_values(domain_findings(record))


def txt_record_instructions(record: Record) -> Instructions:
    """For somebody of the operator's: here, and while it is waited for."""
    return Instructions(
        (
            f"See that {record.request.txt_record_for.name} has the TXT record below.",
            "See that it is configured for the gateway's domain.",
            "Confirm this step, if the servers that are asked here can't see it (split-horizon DNS).",
        ),
        values=txt_record_values(record),
    )


def message(record: Record, found: DomainFound, sender: Sender = NO_SENDER) -> Notification:
    """What the onboarding team needs to publish the TXT record that was found, ready to paste."""
    request = record.request
    by = f"{sender.name} ({request.gateway.name})" if sender.name else request.gateway.name
    told = (("From", sender.name), ("Contact", sender.contact))
    return Notification(
        f"{by}: please put a TXT record into DNS",
        (
            *((label, text) for label, text in told if text),
            *request.facts,
            ("Section of Microsoft's article", DOMAIN_SECTION),
        ),
        (
            f"For {request.txt_record_for.name} <{request.txt_record_for.email}>:",
            "Microsoft Teams only sends traffic to domains that the operator has confirmed to own. Microsoft Entra"
            " verifies the gateway's domain by the TXT record below, which only you can configure.",
        ),
        ARTICLE,
        "Read why in Microsoft's article",
        (
            "Please put this TXT record into the zone that its name is in.",
            "See that the zone's name stands in the record's name once only: some panels append it to what is entered.",
            "Nothing else is needed: the record is watched, and the domain is verified when it is visible.",
        ),
        tuple((v.label, v.text) for v in txt_values(found)),
        told=("nobody else",),
        reply_to=sender.contact,
    )


class ShareTxtRecord:
    """Nobody can be asked whether a mail was read, so it counts as done when the mail was accepted; an attempt whose
    end was lost tells them twice, which is better than never.
    """

    async def inspect(self, work: Work) -> Inspection:
        found = await found_now(work)
        if found.domain_verified:
            return Inspection((), f"{VERIFIED_ALREADY} Nothing is to be shared.")
        return Inspection((_telling(work.record),), "The onboarding team has not been told.", seen=found)

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        team = work.request.txt_record_for
        told = message(work.record, inspection.seen, work.world.sender)
        if await work.world.notifier.mail((team.email,), told):
            return Applied(f"Told {team.name} by e-mail.")
        if work.request.notify.teams and await work.world.notifier.teams(told):
            return Applied(
                f"Posted it to your Teams channel, to be forwarded to {team.name}: e-mail is not configured."
            )
        raise PersonMustActError(
            ProblemCode.NOBODY_TOLD,
            "Neither e-mail nor Teams is configured, so nobody was sent the TXT record.",
            f"Send the TXT record shown with this onboarding to {team.name} yourself and confirm this step; or set"
            " ONBOARDING_MAIL_SENDER and retry it.",
        )


def _telling(record: Record) -> Change:
    team = record.request.txt_record_for
    told = ValueChange(what=f"{team.name} <{team.email}>", before="not told", after="told the TXT record by e-mail")
    return Change(target=team.name, words="share the TXT record", values=(told,), call=mail_call(team.email))


SHARE_TXT_RECORD = Definition(
    "share-txt-record",
    StepKind.TASK,
    TITLE,
    DOMAIN_SECTION,
    task=ShareTxtRecord(),
    confirmable=True,
    tells_the_team=True,
    instructions=txt_record_instructions,
    outside=OutsideWords(
        "put a TXT record into DNS", ("Please put the TXT record below into the zone that its name is in.",)
    ),
    values_outside=txt_record_values,
    foreseen=lambda record: (_telling(record),),
)
