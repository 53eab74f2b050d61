"""Defects, each put into the application for a test: the invariant that is there for it must break."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from onboarding import engine, records
from onboarding.azure.dns_zone import TxtSet
from onboarding.core import draft as drafts
from onboarding.core.draft import Draft
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import CancelRequested, DriftSeen, Happening, Postponed, Started, TimePassed
from onboarding.core.notices import NoticeKind
from onboarding.core.record import Record, StepState
from onboarding.core.rules import RULES, RefusedError
from onboarding.core.rules.drift import drift_seen
from onboarding.core.rules.transition import Transition
from onboarding.engine import Engine
from onboarding.memory import MemoryTable
from onboarding.records import Loaded, Records
from onboarding.rows import OPEN
from onboarding.steps import add_project_synergy, add_test_lines
from onboarding.steps.add_domain import AddDomain, domain_name
from onboarding.steps.assign_application_roles import AssignApplicationRoles
from onboarding.steps.base import Applied, Inspection, Work

Sabotage = Callable[[pytest.MonkeyPatch], None]


def starts_whatever_the_ticket(patch: pytest.MonkeyPatch) -> None:
    """The engine without its claim."""

    def started(h: Started, draft: Draft) -> Transition | None:
        if draft.record.closed:
            return None
        step = draft.record.step(h.step)
        draft.set_step(h.step, state=StepState.RUNNING, ticket=h.ticket, attempts=step.attempts + 1)
        draft.set_step(h.step, next_attempt_at=draft.lease_end())
        return Transition("step-started", h.step)

    patch.setitem(RULES, Started, started)  # type: ignore[arg-type]


def tells_nobody_of_checkpoints(patch: pytest.MonkeyPatch) -> None:
    owe = Draft.owe

    def silent(self: Draft, kind: NoticeKind, step: str | None = None) -> None:
        if kind is not NoticeKind.CHECKPOINT_OPENED:
            owe(self, kind, step)

    patch.setattr(Draft, "owe", silent)


def withdraws_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Draft, "withdraw", lambda self, step: None)


def grants_six_of_seven_roles(patch: pytest.MonkeyPatch) -> None:
    apply = AssignApplicationRoles.apply

    async def short(self: AssignApplicationRoles, work: Work, inspection: Inspection) -> Applied:
        application, principal, missing = inspection.seen
        fewer = dataclasses.replace(inspection, seen=(application, principal, missing[:6]))
        return await apply(self, work, fewer)

    patch.setattr(AssignApplicationRoles, "apply", short)


def repairs_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(RULES, TimePassed, lambda h, draft: None)  # type: ignore[arg-type]


def ignores_retry_after(patch: pytest.MonkeyPatch) -> None:
    rule = RULES[Postponed]
    hasty = dict[str, Any](retry_after=None)
    patch.setitem(RULES, Postponed, lambda h, draft: rule(dataclasses.replace(h, **hasty), draft))  # type: ignore[arg-type]


def adds_every_line_each_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(add_test_lines, "missing_lines", lambda request, existing: list(request.test_lines))


def forgets_when_it_tries_again(patch: pytest.MonkeyPatch) -> None:
    rule = RULES[Postponed]

    def forgetful(h: Postponed, draft: Draft) -> Transition | None:
        told = rule(h, draft)
        if told is not None and draft.record.step(h.step).state is StepState.DUE:
            draft.set_step(h.step, next_attempt_at=None)
        return told

    patch.setitem(RULES, Postponed, forgetful)  # type: ignore[arg-type]


def begins_before_the_needs_have_ended(patch: pytest.MonkeyPatch) -> None:
    def eager(self: Draft) -> None:
        for step in self.record.steps:
            if self.record.active and step.state is StepState.PENDING:
                self.begin(step.name)

    patch.setattr(Draft, "advance", eager)


def writes_on_after_cancelling(patch: pytest.MonkeyPatch) -> None:
    """Cancelled at once, and the fence is open."""
    rule = RULES[CancelRequested]

    def at_once(h: CancelRequested, draft: Draft) -> Transition | None:
        told = rule(h, draft)
        draft.set(closed_at=draft.now)
        draft.owe(NoticeKind.CANCELLED)
        return told

    patch.setitem(RULES, CancelRequested, at_once)  # type: ignore[arg-type]
    patch.setattr(engine, "may_write", lambda *_: True)


def adds_another_application(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(add_project_synergy, "PROJECT_SYNERGY_APP_ID", "00000000-0000-0000-0000-00000000beef")


def adds_the_domain_while_it_looks(patch: pytest.MonkeyPatch) -> None:
    async def inspect(self: AddDomain, work: Work) -> Inspection:
        await work.world.directory.add_domain(await domain_name(work))
        return Inspection((), "It is there.")

    patch.setattr(AddDomain, "inspect", inspect)


def goes_on_while_paused(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Record, "active", property(lambda self: not self.closed))


def archives_in_the_wrong_order(patch: pytest.MonkeyPatch) -> None:
    async def archive(self: Records, loaded: Loaded) -> None:
        await self._onboardings.delete(OPEN, loaded.record.id, loaded.etag)
        await self._onboardings.upsert([records.to_row(loaded.record, records.CLOSED)])

    patch.setattr(Records, "archive", archive)


def leaves_details_out_of_the_trail(patch: pytest.MonkeyPatch) -> None:
    whole = drafts.changes

    def partial(before: Record | None, after: Record) -> dict[str, Any]:
        return {path: value for path, value in whole(before, after).items() if not path.endswith(".detail")}

    patch.setattr(drafts, "changes", partial)


def writes_whatever_the_etag(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MemoryTable, "_check", lambda self, found, etag: None)


def refuses_what_it_did(patch: pytest.MonkeyPatch) -> None:
    happen = Engine.happen

    async def refusing(self: Engine, key: str, happening: Happening, loaded: Loaded | None = None) -> Any:
        happened = await happen(self, key, happening, loaded)
        if isinstance(happening, CancelRequested):
            raise RefusedError("It can't be cancelled.")
        return happened

    patch.setattr(Engine, "happen", refusing)


def tells_of_drift_each_time(patch: pytest.MonkeyPatch) -> None:
    def seen(h: DriftSeen, draft: Draft) -> Transition | None:
        told = drift_seen(h, draft)
        if told is None:
            draft.owe(NoticeKind.DRIFTED)
        return told or Transition(EventKind.DRIFT_SEEN)

    patch.setitem(RULES, DriftSeen, seen)  # type: ignore[arg-type]


def believes_one_look(patch: pytest.MonkeyPatch) -> None:
    def seen(h: DriftSeen, draft: Draft) -> Transition | None:
        sure = {step: tuple(one.model_copy(update={"sure": True}) for one in d) for step, d in h.deviations.items()}
        return drift_seen(dataclasses.replace(h, deviations=sure), draft)

    patch.setitem(RULES, DriftSeen, seen)  # type: ignore[arg-type]


def repairs_what_it_sees(patch: pytest.MonkeyPatch) -> None:
    def seen(h: DriftSeen, draft: Draft) -> Transition | None:
        told = drift_seen(h, draft)
        deviating = [step.name for step in draft.record.steps if step.deviations]
        if told and deviating:
            draft.set(closed_at=None)
            draft.begin(deviating[0])
        return told

    patch.setitem(RULES, DriftSeen, seen)  # type: ignore[arg-type]


def puts_its_value_in_place_of_others(patch: pytest.MonkeyPatch) -> None:
    def alone(self: TxtSet, value: str, ttl: int) -> dict[str, Any]:
        return {"properties": {"TTL": ttl, "TXTRecords": [{"value": [value]}]}}

    patch.setattr(TxtSet, "with_value", alone)


SABOTAGES: dict[str, Sabotage] = {
    "a duplicated message changes nothing": starts_whatever_the_ticket,
    "a notice for each checkpoint": tells_nobody_of_checkpoints,
    "a plan after completion is empty": grants_six_of_seven_roles,
    "drift is told once": tells_of_drift_each_time,
    "everything ends": repairs_nothing,
    "no call before Retry-After": ignores_retry_after,
    "no effect twice": adds_every_line_each_time,
    "no notice of a closed checkpoint": withdraws_nothing,
    "no silent stop": forgets_when_it_tries_again,
    "no step before its needs": begins_before_the_needs_have_ended,
    "no write after cancel": writes_on_after_cancelling,
    "no write outside the allow-list": adds_another_application,
    "no write while a plan is made": adds_the_domain_while_it_looks,
    "nothing begins while it is not to": goes_on_while_paused,
    "nothing is taken from a TXT set": puts_its_value_in_place_of_others,
    "nothing is lost": archives_in_the_wrong_order,
    "nothing is repaired unasked": repairs_what_it_sees,
    "one look alone tells nobody": believes_one_look,
    "the audit trail rebuilds the record": leaves_details_out_of_the_trail,
    "versions strictly rise": writes_whatever_the_etag,
    "what is refused changes nothing": refuses_what_it_did,
    "what was just completed has not drifted": grants_six_of_seven_roles,
}
"""Invariant → a defect that must break it."""
