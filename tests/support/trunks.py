"""A system in memory whose session border controllers show certificates as good as they can be."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from onboarding.core.record import Record
from onboarding.core.request import OnboardingRequest
from onboarding.memory import MemoryWorld
from onboarding.memory.clock import START
from sandbox.microsoft.issuer import Issuer, Made, ders
from tests.support import requests
from tests.support.system import System


@cache
def authorities(now: datetime) -> tuple[Issuer, Issuer]:
    """One that is trusted, and one below it."""
    root = Issuer.root("Public Root", now)
    return root, root.below("Public CA 1", now=now)


def with_trunks(request: OnboardingRequest, system: System | None = None) -> System:
    """The operator has done its part: the application, the names, the certificates."""
    system = system or System()
    system.outside.deploy(request)
    show_certificates(system.outside, request)
    return system


def show_certificates(outside: MemoryWorld, request: OnboardingRequest, now: datetime = START) -> None:
    """Its trunks show good certificates, issued now."""
    if request.trunk_addresses:
        root, below = authorities(now)
        outside.tls.trusted[:] = ders([root.certificate])
        for name, port in request.trunk_addresses:
            outside.tls.serve(name, port, *_certificates(name, now), below.certificate.public_bytes(Encoding.DER))


@cache
def _certificates(name: str, now: datetime) -> tuple[bytes, ...]:
    return ders([authorities(now)[1].issue(Made(names=(name,)), now=now)])


async def onboarded(body: dict[str, Any] | None = None, system: System | None = None) -> tuple[System, Record]:
    """A system in which this request has been taken as far as it goes."""
    request = requests.parsed(body or requests.own_sbc())
    system = system or with_trunks(request)
    accepted = await system.request(request)
    return system, await system.run(accepted.record.id)
