"""What must hold whatever happens. Each has a name; the first that breaks ends the run.

Those of calls are checked at each call; `history` checks those of changes, `ending` those of the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from onboarding.core.record import OnboardingState, Record
from onboarding.core.request import OnboardingRequest
from onboarding.memory.directory import PROJECT_SYNERGY_ROLES, service_principal_id, txt_value, user_id
from onboarding.steps.operator_connect import ADMIN_ROLE, APPLICATION_ROLES, PROJECT_SYNERGY_APP_ID
from tests.simulation.journal import Call, Subject

if TYPE_CHECKING:
    from tests.simulation.world import World

WORTH_TELLING = 5
"""What breaks first is worth telling; the rest mostly follows from it."""
TOLERANCE = timedelta(seconds=0.001)

NAMES = (
    "a duplicated message changes nothing",
    "a notice for each checkpoint",
    "a plan after completion is empty",
    "drift is told once",
    "everything ends",
    "no call before Retry-After",
    "no effect twice",
    "no notice of a closed checkpoint",
    "no silent stop",
    "no step before its needs",
    "no write after cancel",
    "no write outside the allow-list",
    "no write while a plan is made",
    "nothing begins while it is not to",
    "nothing is lost",
    "nothing is repaired unasked",
    "nothing is taken from a TXT set",
    "one look alone tells nobody",
    "the audit trail rebuilds the record",
    "versions strictly rise",
    "what is refused changes nothing",
    "what was just completed has not drifted",
)
"""Everything that must hold; each is shown by a sabotage to be able to break (test_sabotage)."""
STEPS_OF_WRITES = {
    "put": ("enable-services",),
    "put_test_line": ("add-test-lines",),
    "add_application": ("add-project-synergy",),
    "assign_roles": ("assign-admin-user", "assign-application-roles"),
    "add_domain": ("add-domain",),
    "verify_domain": ("verify-domain",),
    "add_txt": ("publish-txt-record",),
    "update_txt": ("publish-txt-record",),
}
"""The steps that may ask for each write."""
READS = {
    "get",
    "in_subscription",
    "test_lines",
    "application",
    "service_principal",
    "role_standing",
    "domain",
    "credentials",
    "own_actions",
    "standing",
    "zone",
    "txt_set",
    "txt_at",
}
TELLING = {"mail", "teams"}


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that does not hold."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


class Invariants:
    """Of all calls; and where the other checks report."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.broken: list[Broken] = []
        self.closed = False
        """The run is over: what is broken off now breaks nothing."""
        self._not_before: dict[tuple[tuple[str, str, str], str], datetime] = {}
        self._addresses: dict[str, set[str]] = {}
        """Onboarding → everybody whom its request has ever named."""
        self._done: dict[str, Call] = {}

    def hold(self, name: str, holds: bool, what: str) -> None:
        """Note it when it does not hold."""
        assert name in NAMES
        if not holds and not self.closed and len(self.broken) < WORTH_TELLING:
            self.broken.append(Broken(name, what))
            self.world.journal.note(f"{self.world.stamp()} BROKEN {name}: {what}")
            self.world.over.set()

    def named(self, onboarding: str, request: OnboardingRequest) -> None:
        """A request, new or with other contacts, names these people. Who was named before may hear of it still."""
        known = self._addresses.setdefault(onboarding, set())
        known |= _addressees(request, self.world.telling.escalation_email)

    def kept(self, name: str, before: Sequence[str], after: Sequence[str]) -> None:
        """A TXT set was written: one value is there besides, and all others where they were."""
        grown = tuple(after[: len(before)]) == tuple(before) and len(after) <= len(before) + 1
        self.hold("nothing is taken from a TXT set", grown, f"{name}: {list(before)}, then {list(after)}")

    # -- calls ------------------------------------------------------------------------------------------------

    def before_call(self, subject: Subject, service: str, method: str, about: str, now: datetime) -> None:
        """Somebody is about to call Microsoft."""
        until = self._not_before.get((subject.key, service))
        if until is not None and now < until - TOLERANCE:
            what = f"[{subject}] {service}.{method} {about} at {now}, was told not before {until}"
            self.hold("no call before Retry-After", False, what)
        if subject.kind in ("step", "notice") and not subject.claimed:
            what = f"[{subject}] called {service}.{method} without having taken it up"
            self.hold("a duplicated message changes nothing", False, what)
        if method not in READS:
            self._may_write(subject, service, method, about)

    def outcome_committed(self, subject: Subject) -> None:
        """The record knows how this attempt ended: what it was told to wait binds every later attempt."""
        for service, until in subject.told.items():
            self._not_before[subject.key, service] = until

    def after_call(self, call: Call) -> None:
        """Somebody called Microsoft."""
        if not call.effect or call.subject.kind == "check":
            return
        record = self.world.records.get(call.subject.onboarding)
        if call.method in TELLING:
            self._said(call, record)
            return
        for effect in _apart(call.effect):
            allowed = record is not None and effects_of(record.request).get(effect) == call.subject.name
            self.hold("no write outside the allow-list", allowed, f"{effect}: {call}")
            first = self._done.setdefault(effect, call)
            self.hold("no effect twice", first is call, f"{effect}: [{first.subject}] {first.at}, then {call}")
        if record is None:
            return
        self.hold("no write after cancel", record.state is not OnboardingState.CANCELLED, str(call))
        step = record.step(call.subject.name)
        if step.name == "assign-admin-user":
            # Nobody is permitted here without a second person's word, which stands on the record.
            self.hold("no write outside the allow-list", step.approved is not None, f"{call}: nobody approved the user")
        missing = [n for n in step.plan.needs if not record.step(n).ended]
        self.hold("no step before its needs", not missing, f"{call}, but {missing} have not ended")

    def _said(self, call: Call, record: Record | None) -> None:
        """A notice goes once on each way, as far as the record knows."""
        notice = next((n for n in record.notices if n.id == call.subject.name), None) if record else None
        for sent in notice.sent if notice else ():
            same = call.about == " ".join(sent.to) and (call.method == "teams") == (sent.way == "teams")
            self.hold("no effect twice", not same, f"{call}, though the record says that it went at {sent.at}")

    def _may_write(self, subject: Subject, service: str, method: str, about: str) -> None:
        """Before a write: it is one of the article's, and asked for by its own step."""
        record = self.world.records.get(subject.onboarding)
        if record is None:
            good = False
        elif method in TELLING:
            good = subject.kind == "notice" or (subject.kind, subject.name) == ("step", "share-txt-record")
            good = good and set(about.split()) <= self._addresses[subject.onboarding]
        else:
            good = subject.kind == "step" and subject.name in STEPS_OF_WRITES.get(method, ())
        self.hold("no write outside the allow-list", good, f"[{subject}] {service}.{method} {about}")


def _apart(effect: str) -> list[str]:
    """Each role of a grant is an effect of its own."""
    if not effect.startswith("grant "):
        return [effect]
    _, principal, application, *roles = effect.split(" ")
    return [f"grant {principal} {application} {role}" for role in roles]


def _addressees(request: OnboardingRequest, escalation: str | None) -> set[str]:
    asked = (request.onboarding_team.email, request.txt_record_for.email)
    admin = request.admin_user if request.notify.tell_admin_user else None
    others = (request.notify.escalate_to, *asked, admin, escalation)
    return {*request.notify.emails, *(address for address in others if address)}


@lru_cache(maxsize=4096)
def effects_of(request: OnboardingRequest) -> Mapping[str, str]:
    """Everything that an onboarding of this request may change at Microsoft → the step that may."""
    name, user = request.gateway.name, user_id(request.admin_user)
    domain = request.gateway.domain or f"{name.lower()}-label.commsgw.azure.com"
    client_id, by_us = request.client_id, request.publishing is not None and request.publishing.by_us
    caller = f"principal-of-{name}" if client_id is None else service_principal_id(client_id)
    application = PROJECT_SYNERGY_APP_ID
    admin = next(r.id for r in PROJECT_SYNERGY_ROLES if r.value == ADMIN_ROLE)
    return {
        f"put gateway {name}": "enable-services",
        **{f"put line {name} {x.name} {x.phone_number}": "add-test-lines" for x in request.test_lines},
        f"add application {application}": "add-project-synergy",
        f"grant {user} {application} {admin}": "assign-admin-user",
        **{
            f"grant {caller} {application} {r}": "assign-application-roles"
            for r in APPLICATION_ROLES.values()
        },
        f"add domain {domain}": "add-domain",
        f"verify domain {domain}": "verify-domain",
        **({f"publish {domain} {txt_value(domain)}": "publish-txt-record"} if by_us else {}),
    }
