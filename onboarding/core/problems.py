"""What can go wrong at Microsoft and in our own tables, split by what happens next.

StepProblemError
├── TryLaterError        nobody need act: throttled, outage, lost answer, replication lag
│   ├── HeldUpError              it was not sent: a pause that was asked for is not over
│   └── StoreBusyError           our own tables, not Microsoft's services, do not answer as they should
└── PersonMustActError   it won't get better by itself: permission, conflict, a request Microsoft refuses
    ├── NotApprovedError         a person must say yes first
    └── AddresseesRefusedError   an e-mail went to nobody, because of some of its addresses
"""

from __future__ import annotations

from collections.abc import Iterable

from onboarding.core.problem_codes import ProblemCode
from onboarding.core.proposal import Proposal
from onboarding.core.record import DETAIL_LENGTH, Problem

IT_IS_TRIED_AGAIN = "Nothing: it is tried again."
"""What nobody need do."""
IF_IT_STAYS = f"{IT_IS_TRIED_AGAIN} If it stays so: "
"""Before what a person does in the end."""
SOON = 7
"""Attempts with the same problem, one after another: with the gaps of `policy.py` about five minutes, by when
the copies of a directory usually agree."""


class StepProblemError(Exception):
    """A step could not be done now. `seen` says what was seen where, and what was expected."""

    proposal: Proposal | None = None

    def __init__(self, code: ProblemCode, seen: str, what_next: str = "") -> None:
        self.code = code
        self.seen = seen
        self.what_next = what_next
        super().__init__(f"{code}: {seen}")

    @property
    def problem(self) -> Problem:
        """As the record keeps it."""
        return Problem(
            code=self.code.value,
            seen=self.seen[:DETAIL_LENGTH],
            what_next=self.what_next[:DETAIL_LENGTH],
            proposal=self.proposal,
        )


class TryLaterError(StepProblemError):
    """To be tried again, not before `retry_after` seconds when Microsoft named a time.

    `in_the_end` is what a person does when it is not tried any more: when the step's budget is spent, or sooner, after
    `at_most` attempts with this problem one after another.
    """

    behind: float | None = None

    def __init__(
        self,
        code: ProblemCode,
        seen: str,
        retry_after: float | None = None,
        *,
        in_the_end: str = "",
        at_most: int | None = None,
    ) -> None:
        super().__init__(code, seen, f"{IF_IT_STAYS}{in_the_end}" if in_the_end else IT_IS_TRIED_AGAIN)
        self.retry_after = retry_after
        self.in_the_end = in_the_end
        self.at_most = at_most


class HeldUpError(TryLaterError):
    """It was not sent, because a pause is not over that somebody else was asked for: no attempt was made.

    It is over in `retry_after` seconds; those who wait for its end before this one take `behind` seconds more.
    """

    def __init__(self, code: ProblemCode, seen: str, retry_after: float, behind: float = 0.0) -> None:
        super().__init__(code, seen, retry_after)
        self.behind = behind


class StoreBusyError(TryLaterError):
    """A table of ours does not answer as it should: busy, slow, away. A write may have been done all the same.

    Wherever it comes up it is later's business: no defect, and nothing that a person need see to.
    """

    def __init__(self, table: str, seen: str) -> None:
        super().__init__(ProblemCode.STORE_BUSY, f"Table Storage, table {table}: {seen}")


class PersonMustActError(StepProblemError):
    """A person must act; then the step is retried."""


class NotApprovedError(PersonMustActError):
    """A person must say yes to what the step would change; then it is done."""

    def __init__(self, code: ProblemCode, seen: str, what_next: str, proposal: Proposal) -> None:
        super().__init__(code, seen, what_next)
        self.proposal = proposal


class AddresseesRefusedError(PersonMustActError):
    """An e-mail that went to nobody, because of these addresses among it: it can be sent to the others without them.

    Where nobody says which of them it was, it is all.
    """

    def __init__(self, addresses: Iterable[str], why: str) -> None:
        self.addresses = tuple(addresses)
        self.why = why
        super().__init__(
            ProblemCode.ADDRESS_REFUSED,
            f"No e-mail was sent to {', '.join(self.addresses)}: {why}",
            "Correct the address in the request's `notify` or `onboardingTeam` (PUT …/contacts, or on the page), or in"
            " ONBOARDING_ESCALATION_EMAIL. The other addresses are told without it.",
        )

    @classmethod
    def all_of(cls, refusals: Iterable[AddresseesRefusedError]) -> AddresseesRefusedError:
        """Several as one, which names every address. Raises ValueError for none."""
        first, *more = refusals
        return cls((*first.addresses, *(a for one in more for a in one.addresses)), first.why)


def unexpected_problem(error: Exception) -> StepProblemError:
    """Of an error that nobody has translated. Its text may hold anything, so only its type goes onto the record; the
    log has the rest. A call that gave up by itself is tried again; all else is a defect of ours.
    """
    if isinstance(error, TimeoutError):
        return TryLaterError(
            ProblemCode.TIMEOUT,
            f"A call that was made within it gave up before its time was over ({type(error).__name__}).",
        )
    return PersonMustActError(
        ProblemCode.UNEXPECTED,
        f"It failed with {type(error).__name__}, which this application does not expect.",
        "Look at the function's log, then retry the step; report the defect if it stays.",
    )
