"""`trust-microsoft-roots`: the session border controller trusts Microsoft's certificates, and lets Microsoft in.

Nobody can look into it from here, so a person says so. What is to be there is a setting
(`outside_facts.py`).
"""

from __future__ import annotations

from onboarding.core.instructions import Instructions, Value
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.record import Record
from onboarding.outside_facts import outside_facts
from onboarding.steps.definition import Definition
from onboarding.steps.session_border_controller import run_by_vendor, trunks_of, who_runs_it


def _instructions(record: Record) -> Instructions:
    trust = outside_facts().trust
    ports = ", ".join(str(port) for port in sorted({trunk.port for trunk in trunks_of(record)}))
    ask = (f"Ask {who_runs_it(record)} to do the following, and to tell you.",) if run_by_vendor(record) else ()
    return Instructions(
        (
            *ask,
            f"See that every session border controller trusts the root certificates below (as of {trust.as_of},"
            f" by {trust.source}; compare them with Microsoft's own announcement, which changes). With one missing,"
            " calls stop one day, and nothing in Teams says why.",
            f"Let Microsoft's signalling in on port {ports} (TLS): from the ranges below where it comes over the"
            " Internet, and from the addresses of Microsoft's specifications where it comes over peering.",
            "Confirm this step.",
        ),
        values=(
            *(Value("Root certificate", root) for root in trust.roots),
            *(Value("Signalling of Teams, over the Internet", source) for source in trust.ranges),
        ),
    )


TRUST_MICROSOFT_ROOTS = Definition(
    "trust-microsoft-roots",
    StepKind.CHECKPOINT,
    "Trust Microsoft's root certificates, and let Microsoft in",
    "",
    Party.OPERATOR,
    confirmable=True,
    usual=3 * DAY,
    instructions=_instructions,
)
