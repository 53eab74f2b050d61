"""`add-test-lines`: each service verification line of the request exists, purpose Automated.

Source: article, Prerequisites and "Enable … support", step 7. Numbers for integration testing are never added:
the request refuses a line with such a number, and this step adds only the request's lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from onboarding.azure.gateway_resource import AUTOMATED, TestLineResource
from onboarding.core.phone_numbers import canonical
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.services import TestLine
from onboarding.steps.base import Applied, Inspection, Work, plural
from onboarding.steps.definition import Definition
from onboarding.steps.enable_services import SELECTED, SERVICES_SECTION
from onboarding.steps.gateway_resource import asked, gateway_of

if TYPE_CHECKING:
    from onboarding.kinds.communications_gateway import CommunicationsGatewayRequest


class AddTestLines:
    """Each line is added by a write of its own."""

    async def inspect(self, work: Work) -> Inspection:
        existing = await work.world.gateways.test_lines(asked(work).gateway.id)
        missing = missing_lines(asked(work), existing)
        expect_lines_of_preselected(asked(work), existing)
        return Inspection(
            missing=tuple(f"add test line {line.name}" for line in missing),
            found=f"The gateway has {plural(len(existing), 'test line')}.",
            seen=missing,
        )

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        location = str((await gateway_of(work)).body.get("location", ""))
        for line in inspection.seen:
            await work.world.gateways.put_test_line(asked(work).gateway.id, line, location)
        return Applied(
            f"Added {plural(len(inspection.seen), 'test line')}: {', '.join(m.name for m in inspection.seen)}."
        )


def missing_lines(request: CommunicationsGatewayRequest, existing: Sequence[TestLineResource]) -> list[TestLine]:
    """The request's lines that the gateway lacks.

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
    if not request.preselected:
        return
    named = {line.name.lower() for line in request.test_lines}
    automated = [x for x in existing if x.purpose.lower() == AUTOMATED.lower() and x.name.lower() not in named]
    required = request.lines_required * len(request.preselected)
    if len(automated) < required:
        services = " and ".join(s.label for s in request.preselected)
        other = len(existing) - len([x for x in existing if x.purpose.lower() == AUTOMATED.lower()])
        raise PersonMustActError(
            ProblemCode.TEST_LINES_MISSING,
            f"The request leaves out the test lines of {services}, so the gateway must have {required} {AUTOMATED}"
            f" lines for it; it has {len(automated)}"
            + (f" ({', '.join(x.name for x in automated)})" if automated else "")
            + (f" and {plural(other, 'line')} with another purpose" if other else "")
            + ".",
            f"Add the missing lines on the gateway with purpose {AUTOMATED} and retry this step, or cancel and post the"
            " request with its test lines.",
        )


ADD_TEST_LINES = Definition(
    "add-test-lines",
    StepKind.TASK,
    "Add the service verification lines",
    SERVICES_SECTION,
    task=AddTestLines(),
    may_be_skipped_when=SELECTED,
)
