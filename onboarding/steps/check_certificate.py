"""`check-certificate`: the certificates of the session border controller's trunks are what Microsoft takes.

Looked at is what was given as PEM, else what each trunk shows in a TLS handshake. Most session border controllers
answer Microsoft's addresses only, so a trunk that can't be reached from here is nothing against it: a person gives the
certificates, or confirms. Source: Microsoft Learn, "Plan Direct Routing", "What's new for Direct Routing".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from pydantic import AwareDatetime, Field

from onboarding.core.bounds import shorten
from onboarding.core.certificate_chain import certificate_chain_problem, certificates_in
from onboarding.core.certificate_check import (
    WARN_BEFORE,
    CertificateFinding,
    CertificateVerdict,
    Severity,
    TrunkSeen,
    judge_certificates,
    shown,
)
from onboarding.core.instructions import Instructions, Value
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.proposal import ValueChange
from onboarding.core.record import Record
from onboarding.core.stored import DETAIL_LENGTH
from onboarding.core.x509 import UnreadableCertificateError, read_chain, read_given
from onboarding.steps.base import Applied, Inspection, Work, plural
from onboarding.steps.definition import Definition, Findings

TRUSTED_ROOTS = "https://ccadb.my.salesforce-sites.com/microsoft/IncludedCACertificateReportForMSFT"
"""Source: github.com/TrustedRootProgram/Program-Requirements, "Participants List"."""
PROBES_AT_ONCE = 4
REMARK_LENGTH = 300
MOST_REMARKS = 5
_Remark = Annotated[str, Field(max_length=REMARK_LENGTH)]
_Told = tuple[CertificateFinding, tuple[str, ...]]


class CertificatesFound(Findings):
    """The certificates of the trunks."""

    certificates_valid_until: AwareDatetime | None = None
    """When the first of them ends."""
    certificate_remarks: Annotated[tuple[_Remark, ...], Field(max_length=MOST_REMARKS)] = ()
    """What is to be known of them though they are good."""

    def values(self) -> tuple[Value, ...]:
        ends = self.certificates_valid_until
        return (Value("The certificates are good until", f"{ends:%Y-%m-%d}"),) if ends else ()

    def remarks(self) -> tuple[str, tuple[str, ...]] | None:
        return ("About the certificates", self.certificate_remarks) if self.certificate_remarks else None


class CheckCertificate:
    """Reads, and changes nothing."""

    async def inspect(self, work: Work) -> Inspection:
        verdict = judge_certificates(await _look(work), work.at)
        wrong, unknown = verdict.of(Severity.WRONG), verdict.of(Severity.UNKNOWN)
        if wrong:
            # What can't be known is said too: whoever mends the one is to hear of the other.
            raise _problem(ProblemCode.CERTIFICATE_WRONG, (*wrong, *unknown))
        if unknown:
            raise _problem(ProblemCode.CERTIFICATE_UNKNOWN, unknown)
        remarks = [shorten(_line(told), REMARK_LENGTH) for told in verdict.of(Severity.WARNING)[:MOST_REMARKS]]
        found = CertificatesFound(certificates_valid_until=verdict.valid_until, certificate_remarks=tuple(remarks))
        told = _good(verdict, given=work.request.certificate_text is not None)
        return Inspection((), told, found, also=tuple(map(_ending, verdict.ending)))

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        raise AssertionError("a step that only reads has nothing to apply")


async def _look(work: Work) -> Sequence[TrunkSeen]:
    """What there is to see of each trunk's certificate: what was given, else what it shows."""
    roots = await work.world.tls.roots()
    addresses = work.request.trunk_addresses
    given = work.request.certificate_text
    if given is not None:
        _expect_chain(given)
        chains = read_given(certificates_in(given), roots)
        return [TrunkSeen(name, chains) for name, _ in addresses]
    at_once = asyncio.Semaphore(PROBES_AT_ONCE)

    async def one(name: str, port: int) -> TrunkSeen:
        async with at_once:
            answer = await work.world.tls.chain(name, port)
        if not answer.chain:
            return TrunkSeen(name, why_not=shorten(answer.why_not, REMARK_LENGTH))
        try:
            return TrunkSeen(name, (read_chain(answer.chain, roots),))
        except UnreadableCertificateError as error:
            return TrunkSeen(name, why_not=f"it shows something at place {error.place + 1}, but {error}")

    return await asyncio.gather(*(one(name, port) for name, port in addresses))


def _ending(told: _Told) -> ValueChange:
    finding, names = told
    before = f"good for {WARN_BEFORE.days} days and more"
    return ValueChange(what=f"Certificates of {', '.join(names)}", before=before, after=finding.ends)


def _expect_chain(given: str) -> None:
    """It was checked when it was accepted; the table may have been written by somebody else."""
    if problem := certificate_chain_problem(given):
        raise PersonMustActError(
            ProblemCode.CERTIFICATE_WRONG,
            f"The text that the record holds as the trunks' certificates {problem}.",
            "Give the certificates again.",
        )


def _good(verdict: CertificateVerdict, *, given: bool) -> str:
    if not verdict.seen:
        return "The request names no trunks, so there is no certificate to look at."
    each = "; ".join(
        f"{name}: '{shown(own.subject)}' by '{shown(own.issuer)}', until {own.not_after:%Y-%m-%d}"
        for name, own in verdict.seen
    )
    seen = "As they were given, the" if given else "The"
    remarks = verdict.of(Severity.WARNING)
    more = f" {plural(len(remarks), 'remark')}." if remarks else ""
    return shorten(f"{seen} certificates of {plural(len(verdict.seen), 'trunk')} are good. {each}.{more}")


def _line(told: _Told) -> str:
    finding, names = told
    return f"{', '.join(names)}: {finding.seen}. To do: {finding.what_next}."


def _problem(code: ProblemCode, findings: Sequence[_Told]) -> PersonMustActError:
    """All of them in one list; what has no room is counted."""
    seen = [f"{', '.join(names)}: {finding.seen}." for finding, names in findings]
    advice = list(dict.fromkeys(f"{finding.what_next[0].upper()}{finding.what_next[1:]}." for finding, _ in findings))
    return PersonMustActError(code, _fitting(seen), _fitting(advice))


def _fitting(sentences: Sequence[str]) -> str:
    """As many as a problem has room for, numbered where there are several."""
    if len(sentences) == 1:
        return shorten(sentences[0])
    lines = [f"({number}) {sentence}" for number, sentence in enumerate(sentences, 1)]
    for kept in range(len(lines), 0, -1):
        more = f" … and {len(lines) - kept} more" if kept < len(lines) else ""
        text = " ".join(lines[:kept]) + more
        if len(text) <= DETAIL_LENGTH:
            return text
    return shorten(lines[0])


def _instructions(record: Record) -> Instructions:
    return Instructions(
        (
            "Look at the certificate that each trunk of the session border controller sends: its names, its dates, the"
            " extended key usage server authentication, and the whole chain, each certificate issued by the next.",
            "See that its authority is in Microsoft's Trusted Root Program.",
            "Confirm this step when all of that is right; else have it put right, and retry the step.",
        ),
        values=tuple(Value("Trunk", f"{name}:{port}") for name, port in record.request.trunk_addresses),
        pages=(Value("Authorities of Microsoft's Trusted Root Program", TRUSTED_ROOTS),),
        warning=record.request.words.warning,
    )


CHECK_CERTIFICATE = Definition(
    "check-certificate",
    StepKind.TASK,
    "Check the certificates of the trunks",
    "",
    task=CheckCertificate(),
    found=CertificatesFound,
    confirmable=True,
    only_reads=True,
    instructions=_instructions,
)
