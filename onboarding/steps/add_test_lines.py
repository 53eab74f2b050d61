"""`add-test-lines`: each service verification line of the request exists, purpose Automated.

Source: article, Prerequisites and "Enable … support", step 7. Numbers for integration testing are never added:
the request refuses a line with such a number, and this step adds only the request's lines.

A line whose `provisioningState` is Failed or Canceled is none. One of ours is written again, once: the same number and
purpose stand there already, so nothing is taken from anybody. Should it fail again, `provisioning-complete` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from onboarding.azure.calls import put_test_line_call
from onboarding.azure.gateway_resource import AUTOMATED, TestLineResource
from onboarding.core.phone_numbers import canonical
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.proposal import Change, ValueChange
from onboarding.core.services import TestLine
from onboarding.steps.base import Applied, Inspection, Work, plural
from onboarding.steps.definition import Definition
from onboarding.steps.enable_services import SELECTED, SERVICES_SECTION
from onboarding.steps.gateway_resource import asked, gateway_of

if TYPE_CHECKING:
    from onboarding.kinds.communications_gateway import CommunicationsGatewayRequest

FAILED = frozenset({"failed", "canceled"})
"""The last words of a `provisioningState` that is not good (swagger 2023-09-01), in lower case."""


class AddTestLines:
    """Each line is added by a write of its own."""

    async def inspect(self, work: Work) -> Inspection:
        existing = await work.world.gateways.test_lines(asked(work).gateway.id)
        missing = missing_lines(asked(work), existing)
        expect_lines_of_preselected(asked(work), existing)
        location = (await gateway_of(work)).location if missing else ""
        return Inspection(
            tuple(_adding(asked(work), line, existing, location) for line in missing),
            f"The gateway has {plural(len(existing), 'test line')}{_told_failed(existing)}.",
            seen=(missing, location),
        )

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        missing, location = inspection.seen
        for line in missing:
            await work.world.gateways.put_test_line(asked(work).gateway.id, line, location)
        return Applied(f"Added {plural(len(missing), 'test line')}: {', '.join(m.name for m in missing)}.")


def _adding(
    request: CommunicationsGatewayRequest, line: TestLine, existing: Sequence[TestLineResource], location: str
) -> Change:
    failed = any(line.name.lower() == there.name.lower() for there in existing)
    added = ValueChange(
        what=f"Test line {line.name}",
        before="there, and failed" if failed else "not there",
        after=f"{line.phone_number}, purpose {AUTOMATED}",
    )
    return Change(
        target=f"gateway {request.gateway.name}",
        words=f"add test line {line.name}",
        values=(added,),
        call=put_test_line_call(request.gateway.id, line, location),
        part=line.name,
    )


def missing_lines(request: CommunicationsGatewayRequest, existing: Sequence[TestLineResource]) -> list[TestLine]:
    """The request's lines that the gateway lacks, or that failed there.

    Raises PersonMustActError for a line of that name with another number or purpose, and for a number that
    another line has: to overwrite it could break someone's tests.
    """
    by_name = {line.name.lower(): line for line in existing}
    by_number = {canonical(line.phone_number): line for line in existing}
    missing: list[TestLine] = []
    clashes: list[str] = []
    for line in request.test_lines:
        there = by_name.get(line.name.lower())
        if there is None:
            holder = by_number.get(canonical(line.phone_number))
            if holder is None:
                missing.append(line)
            else:
                clashes.append(f"the number for '{line.name}' is the number of line '{holder.name}' already")
        elif canonical(there.phone_number) != canonical(line.phone_number):
            clashes.append(f"line '{line.name}' exists with another number")
        elif there.purpose.lower() != AUTOMATED.lower():
            clashes.append(f"line '{line.name}' exists with purpose {there.purpose}, not {AUTOMATED}")
        elif has_failed(there):
            missing.append(line)
    if clashes:
        raise PersonMustActError(
            ProblemCode.TEST_LINE_DIFFERS,
            f"The gateway's test lines differ from the request: {'; '.join(clashes)}.",
            "Nothing was overwritten. Correct the line on the gateway's resource page (or delete it there), then retry"
            " this step; or cancel and post the request with the right lines.",
        )
    return missing


def expect_lines_of_preselected(request: CommunicationsGatewayRequest, existing: Sequence[TestLineResource]) -> None:
    """A service selected at deployment must have its lines on the gateway already. Raises PersonMustActError."""
    found = lines_of_preselected(request, existing)
    automated = [x for x in found if not has_failed(x)]
    required = required_of_preselected(request)
    if len(automated) < required:
        services = " and ".join(s.label for s in request.preselected)
        other = len(existing) - len([x for x in existing if x.purpose.lower() == AUTOMATED.lower()])
        raise PersonMustActError(
            ProblemCode.TEST_LINES_MISSING,
            f"The request leaves out the test lines of {services}, so the gateway must have {required} {AUTOMATED}"
            f" lines for it; it has {len(automated)}"
            + (f" ({', '.join(x.name for x in automated)})" if automated else "")
            + (f" and {plural(other, 'line')} with another purpose" if other else "")
            + _told_failed(found)
            + ".",
            f"Add the missing lines on the gateway with purpose {AUTOMATED} and retry this step, or cancel and post the"
            " request with its test lines.",
        )


def lines_of_preselected(
    request: CommunicationsGatewayRequest, existing: Sequence[TestLineResource]
) -> list[TestLineResource]:
    """Those that may be of the services selected at deployment: Automated ones that the request does not name."""
    named = {line.name.lower() for line in request.test_lines}
    return [x for x in existing if x.purpose.lower() == AUTOMATED.lower() and x.name.lower() not in named]


def required_of_preselected(request: CommunicationsGatewayRequest) -> int:
    """How many of those there must be."""
    return request.lines_required * len(request.preselected)


def has_failed(line: TestLineResource) -> bool:
    """Whether it was not provisioned, and won't be by itself."""
    return (line.provisioning_state or "").lower() in FAILED


def _told_failed(lines: Sequence[TestLineResource]) -> str:
    failed = [f"{line.name} {line.provisioning_state}" for line in lines if has_failed(line)]
    return f" ({', '.join(failed)})" if failed else ""


ADD_TEST_LINES = Definition(
    "add-test-lines",
    StepKind.TASK,
    "Add the service verification lines",
    SERVICES_SECTION,
    task=AddTestLines(),
    may_be_skipped_when=SELECTED,
)
