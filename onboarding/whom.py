"""On whom a step waits: which party, by what name people know them, and where they are written to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.core.email_address import email_problem
from onboarding.core.plan import Party
from onboarding.core.record import Record, StepRecord
from onboarding.steps.assign_admin_user import admin_user_findings

OUTSIDE = (Party.ONBOARDING_TEAM, Party.DNS_OWNER)
"""Who is no part of the tenant, and is named by the request."""


@dataclass(frozen=True, slots=True)
class Whom:
    """Whoever a step waits for."""

    party: Party
    name: str | None = None
    """Of the person or the team; None: the request names nobody."""
    email: str | None = None
    """None: they are not known by an address."""

    @property
    def is_outside(self) -> bool:
        """Whether they are no part of the tenant: they read nothing internal."""
        return self.party in OUTSIDE

    @property
    def in_words(self) -> str:
        """In a sentence: `Northwind (the onboarding team)`."""
        return f"{self.name} ({self.party})" if self.name else self.party.value


def whom(record: Record, step: StepRecord) -> Whom:
    """On whom a step waits now, by its turn."""
    return whom_of(record, step.waits_on)


def whom_of(record: Record, party: Party) -> Whom:
    """Who that is in this onboarding."""
    asked = record.request
    match party:
        case Party.ONBOARDING_TEAM:
            return Whom(party, asked.onboarding_team.name, asked.onboarding_team.email)
        case Party.DNS_OWNER:
            return Whom(party, asked.txt_record_for.name, asked.txt_record_for.email)
        case Party.ADMIN_USER:
            found = admin_user_findings(record)
            return Whom(party, found.admin_user_name or asked.admin_user, admin_user_address(record))
    return Whom(party)


def admin_user_address(record: Record) -> str | None:
    """Where the admin user is written to: as Microsoft Entra knows them, else by their user name, if that is an
    address. None: a guest's or an object id is none."""
    known = (admin_user_findings(record).admin_user_mail, record.request.admin_user)
    return next((each for each in known if each and "@" in each and email_problem(each) is None), None)
