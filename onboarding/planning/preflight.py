"""What is to be known before an onboarding starts, and that no step of the plan has told: a list of small checks.

Each looks and changes nothing, and says what it saw and what to do. A check that can't look says nothing: the steps
that need what it would have looked at tell that themselves. What can't be known before it is done, one note says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from onboarding.azure.allowed import GRAPH_WRITES
from onboarding.azure.dns_zone import DnsZoneId
from onboarding.azure.permissions import IN_EXCHANGE, TABLE, grant_graph, rows
from onboarding.core.bounds import shorten
from onboarding.core.change_plan import Gravity, Outlook, PlanFinding, StepPlan
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError
from onboarding.core.record import Record
from onboarding.fence import ReadsOnlyError
from onboarding.numbers import SharedNumbers
from onboarding.planning.preflight_azure import KNOWN_LATER, azure_roles
from onboarding.ports import Domain, Principal
from onboarding.steps.add_domain import domain_findings
from onboarding.steps.app_roles import expect_enabled
from onboarding.steps.assign_admin_user import WHERE_USERS_ARE_ENABLED, admin_user_unknown
from onboarding.steps.base import Work, World
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID
from onboarding.steps.publish_txt_record import PublishTxtRecord
from onboarding.whom import admin_user_address

log = logging.getLogger("onboarding")

REQUEST, NUMBERS_SHARED, DNS_SILENT = "request", "numbers-shared", "dns-silent"
DOMAIN_ABOVE = "domain-above"
"""Codes of findings that are no step's problem."""
_TO_COME = frozenset({Outlook.CHANGES, Outlook.FORESEEN, Outlook.UNSEEN})


@dataclass(frozen=True, slots=True)
class Preflight:
    """What the checks look at."""

    record: Record
    """As it begins, with what the steps have found."""
    world: World
    """In which nothing is written."""
    steps: tuple[StepPlan, ...]
    shared: tuple[SharedNumbers, ...]
    seconds: float
    """For each check at most."""

    def coming(self, definition: str) -> StepPlan | None:
        """The step of that definition, if it would do something; None: it would not, or there is none."""
        return next((one for one in self.steps if self._is(one, definition) and one.outlook in _TO_COME), None)

    def work(self, step: StepPlan) -> Work:
        return Work(self.record, self.world, self.record.step(step.step), self.record.created_at)

    def definition(self, step: StepPlan) -> str:
        return self.record.step(step.step).plan.definition

    def _is(self, step: StepPlan, definition: str) -> bool:
        return self.definition(step) == definition

    @property
    def writing(self) -> tuple[StepPlan, ...]:
        """The tasks that this application will write for."""
        return tuple(
            step
            for step in self.steps
            if step.outlook in _TO_COME and step.kind is StepKind.TASK and not self.work(step).is_by_hand
        )

    @property
    def azure_zone(self) -> DnsZoneId | None:
        """That the TXT record goes into."""
        publishing = self.record.request.publishing
        return DnsZoneId.parse(publishing.azure_zone) if publishing and publishing.azure_zone else None

    @property
    def domain(self) -> str | None:
        """That is to be the tenant's, as far as it is known."""
        return domain_findings(self.record).domain or self.record.request.domain_to_verify


async def preflight(before: Preflight) -> list[PlanFinding]:
    """What all checks say."""
    findings = [found for told in await asyncio.gather(*(_said(check, before) for check in CHECKS)) for found in told]
    return [*findings, *_known_later(before)]


async def _said(check: Check, before: Preflight) -> list[PlanFinding]:
    try:
        async with asyncio.timeout(before.seconds):
            return [found async for found in check(before)]
    except ReadsOnlyError:
        raise
    except (StepProblemError, TimeoutError) as error:
        log.info("a check before %s could not look: %s", before.record.id, error)
        return []
    except Exception:
        log.exception("a check before %s failed unexpectedly", before.record.id)
        return []


def told_once(findings: Iterable[PlanFinding]) -> Iterator[PlanFinding]:
    """What several steps say alike is told of the first of them."""
    seen: set[tuple[str, str]] = set()
    for found in findings:
        if (found.code, found.seen) not in seen:
            seen.add((found.code, found.seen))
            yield found


# -- checks


async def request_warnings(before: Preflight) -> AsyncIterator[PlanFinding]:
    """What the request itself makes worth a look."""
    for words in before.record.request.warnings:
        yield _finding(Gravity.WARNING, REQUEST, words)


async def shared_numbers(before: Preflight) -> AsyncIterator[PlanFinding]:
    """The same numbers in two requests: one of them is wrong."""
    for shared in before.shared:
        yield _finding(
            Gravity.WARNING,
            NUMBERS_SHARED,
            shared.words,
            "Compare both requests: each gateway's test numbers are its own, and Microsoft tells of one that is used"
            " twice only when calls are tried.",
        )


async def graph_permissions(before: Preflight) -> AsyncIterator[PlanFinding]:
    """Those that the steps' writes need. What reading needs, reading has told."""
    needed = _needed_by_writes(before)
    own = await before.world.directory.own_permissions() if needed else None
    if own is None:
        return
    contained = {name: row.get("contains", ()) for row in TABLE["permissions"] for name in (row["value"],)}
    held = {*own.graph, *(less for name in own.graph for less in contained.get(name, ()))}
    missing = {name: steps for name, steps in needed.items() if name not in held}
    if not missing:
        return
    by = before.world.project_synergy_by
    steps = [step.step for step in before.steps if any(step.step in names for names in missing.values())]
    command = grant_graph(own.client_id, tuple(sorted(missing)), by)
    yield _finding(
        Gravity.BLOCKER,
        ProblemCode.PERMISSION_MISSING,
        f"This application's token for Microsoft Graph does not have {_and(sorted(missing))}, which {_and(steps)}"
        f" need{'s' if len(steps) == 1 else ''}.",
        f"Grant it: `{command}` (or grant.ps1 beside it; docs/permissions.md). If it was granted already, restart the"
        " app, and plan again: Azure keeps a token for up to a day.",
        steps[0],
    )


def _needed_by_writes(before: Preflight) -> Mapping[str, list[str]]:
    """Permission of Graph → the steps whose writes need it; what Exchange may give in its place is not among them."""
    needed: dict[str, list[str]] = {}
    for step in before.writing:
        definition = before.definition(step)
        for row in rows("calls", before.world.project_synergy_by):
            if row["call"] in GRAPH_WRITES and definition in row["by"]:
                for name in row["needs"]:
                    if name not in IN_EXCHANGE and step.step not in needed.setdefault(name, []):
                        needed[name].append(step.step)
    return needed


async def admin_user(before: Preflight) -> AsyncIterator[PlanFinding]:
    """There, and enabled: while Project Synergy is not in the tenant, the step that needs the user does not look."""
    step = before.coming("assign-admin-user")
    if step is None or step.outlook is not Outlook.FORESEEN:
        return
    user = before.record.request.admin_user
    standing = await before.world.directory.role_standing(Principal("users", user), PROJECT_SYNERGY_APP_ID)
    try:
        if standing.principal_id is None:
            raise admin_user_unknown(user)
        expect_enabled(standing.principal_enabled, "The admin user of the request", WHERE_USERS_ARE_ENABLED)
    except PersonMustActError as problem:
        yield _problem(step, problem)


async def domain_above(before: Preflight) -> AsyncIterator[PlanFinding]:
    """A domain below one of the tenant's has its state from there."""
    step = before.coming("add-domain")
    if step is None or step.outlook is not Outlook.CHANGES or before.domain is None:
        return
    above = await _first_above(before, before.domain)
    if above is None or not above.is_verified:
        return
    yield _finding(
        Gravity.NOTE,
        DOMAIN_ABOVE,
        f"{above.name} is a verified domain of this tenant: {before.domain} below it will be verified as soon as it is"
        " added, and no TXT record is needed.",
        step=step.step,
    )
    if above.federated:
        yield _finding(
            Gravity.WARNING,
            ProblemCode.DOMAIN_FEDERATED,
            f"{above.name} is federated (its users sign in elsewhere), and {before.domain} below it will be too: no"
            " user can be made in it.",
            f"Ask whoever administers that federation whether {before.domain} is to be Managed, before it is used.",
            step.step,
        )


async def _first_above(before: Preflight, name: str) -> Domain | None:
    """The nearest domain of the tenant's above a name; None: there is none, or none that may be looked at."""
    while (name := name.partition(".")[2]).count("."):
        try:
            found = await before.world.directory.domain(name)
        except PersonMustActError as problem:
            if problem.code is not ProblemCode.NOT_PERMITTED:
                raise
            return None
        if found is not None:
            return found
    return None


async def publishing(before: Preflight) -> AsyncIterator[PlanFinding]:
    """The zone or the DNS server takes the TXT record: before the domain is added, the step that publishes it does not
    look."""
    step = before.coming("publish-txt-record")
    if step is None or step.outlook is not Outlook.FORESEEN or before.domain is None:
        return
    try:
        await PublishTxtRecord().expect_place(before.work(step), before.domain)
    except PersonMustActError as problem:
        yield _problem(step, problem)


async def dns_answers(before: Preflight) -> AsyncIterator[PlanFinding]:
    """Somebody answers for the domain: else no TXT record will ever be seen."""
    step = next((one for one in before.steps if before.definition(one) == "txt-record-visible"), None)
    name = before.domain
    if step is None or name is None or step.outlook in (Outlook.DONE, Outlook.LEFT_OUT):
        return
    led_to = await before.world.dns.delegation(name)
    if led_to is not None and led_to.answered:
        return
    seen = (
        f"No DNS server says in which zone {name} is."
        if led_to is None
        else f"None of the servers of the zone {led_to.zone} ({', '.join(led_to.servers) or 'none'}) answers for"
        f" {name}."
    )
    yield _finding(
        Gravity.WARNING,
        DNS_SILENT,
        seen,
        "Have the domain's zone delegated and served, or look whether this application's network lets it ask DNS"
        " (ONBOARDING_PUBLIC_RESOLVERS): until then nobody can see the TXT record.",
        step.step,
    )


async def ways_to_people(before: Preflight) -> AsyncIterator[PlanFinding]:
    """Whether people will hear of it."""
    request = before.record.request
    asked, team = request.notify, (request.onboarding_team.email, request.txt_record_for.email)
    admin = admin_user_address(before.record) if asked.tell_admin_user else None
    named = dict.fromkeys((*asked.emails, *team, *filter(None, (asked.escalate_to, admin))))
    ways = await before.world.notifier.ways(tuple(named))
    if ways.wrong and asked.teams:
        what_next = "Copy the URL of the Teams workflow once more, and check ONBOARDING_TEAMS_HOSTS."
        yield _finding(Gravity.WARNING, ProblemCode.REFUSED, f"Nothing can be posted to Teams: {ways.wrong}", what_next)
    if not ways.mail:
        posts = ways.teams and asked.teams
        others = "posts in Teams are all that there will be" if posts else "nobody will be told anything"
        yield _finding(
            Gravity.WARNING,
            ProblemCode.NOBODY_TOLD,
            f"E-mail is not configured: {others}, and whom the request names gets nothing.",
            f"Set ONBOARDING_MAIL_SENDER{'' if posts else ', or ONBOARDING_TEAMS_WEBHOOK_URL for posts in Teams'}.",
        )
    if ways.refused:
        domains = sorted({address.rpartition("@")[2].lower() for address in ways.refused})
        yield _finding(
            Gravity.WARNING,
            ProblemCode.NOT_PERMITTED,
            f"Addresses of the request at {_and(domains)} will get no e-mail: ONBOARDING_PERMITTED_MAIL_DOMAINS does"
            " not permit them.",
            "If they are right, add these domains to ONBOARDING_PERMITTED_MAIL_DOMAINS of the steps' app.",
        )


Check = Callable[[Preflight], AsyncIterator[PlanFinding]]
CHECKS: Sequence[Check] = (
    graph_permissions,
    azure_roles,
    admin_user,
    publishing,
    request_warnings,
    shared_numbers,
    domain_above,
    dns_answers,
    ways_to_people,
)
"""In the order in which they are told, where they are as grave."""


def _known_later(before: Preflight) -> Iterator[PlanFinding]:
    """What Microsoft tells only when it is done."""
    unknown: list[str] = []
    if before.coming("add-domain") is not None:
        unknown.append("whether another tenant holds the domain (when it is added, or verified; docs/plans.md)")
    if before.coming("share-txt-record") or before.record.request.notify.emails:
        unknown.append("whether Exchange lets it send as the mailbox of the settings (at the first e-mail)")
    if unknown:
        words = f"What this application can't know before it writes: {'; '.join(unknown)}."
        yield _finding(Gravity.NOTE, KNOWN_LATER, words)


def _finding(
    gravity: Gravity, code: str, seen: str, what_next: str = "", step: str | None = None
) -> PlanFinding:
    return PlanFinding(gravity=gravity, code=code, seen=shorten(seen), what_next=shorten(what_next), step=step)


def _problem(step: StepPlan, problem: PersonMustActError) -> PlanFinding:
    return _finding(Gravity.BLOCKER, problem.code, problem.seen, problem.what_next, step.step)


def _and(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
