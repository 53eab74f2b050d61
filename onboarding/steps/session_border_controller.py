"""What the steps about trunks need of the request: only kinds with trunks plan them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from onboarding.core.instructions import Value
from onboarding.core.record import Record

if TYPE_CHECKING:
    from onboarding.kinds.session_border_controller import SessionBorderControllerRequest
    from onboarding.kinds.trunks import Trunk


def sbc_request(record: Record) -> SessionBorderControllerRequest:
    """The request, as one that has trunks."""
    return cast("SessionBorderControllerRequest", record.request)


def trunks_of(record: Record) -> tuple[Trunk, ...]:
    """Its trunks, in the request's order."""
    return sbc_request(record).gateway.trunks


def trunk_values(record: Record) -> tuple[Value, ...]:
    """Each trunk's FQDN and port, ready to paste."""
    found: list[Value] = []
    for number, trunk in enumerate(trunks_of(record), 1):
        found.append(Value(f"Trunk {number} ({trunk.region}): FQDN", trunk.fqdn))
        found.append(Value(f"Trunk {number} ({trunk.region}): SIP port", str(trunk.port)))
    return tuple(found)


def run_by_vendor(record: Record) -> bool:
    """Whether somebody else runs it for the operator."""
    return sbc_request(record).gateway.hosting == "vendor"


def who_runs_it(record: Record) -> str:
    """In a sentence."""
    return "your vendor" if run_by_vendor(record) else "whoever runs your session border controller"
