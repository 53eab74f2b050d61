"""What is read at Microsoft for many onboardings at a time: one thin row for each such read, in table `reads`.

A read that Microsoft refuses (a role is missing) is a problem of none of the onboardings that wait for it. So it stops
none, and people are told of it once and not by each: who writes the row tells, on an onboarding of its own choice, and
whoever loses that write, in whichever process, tells nobody. A row says since when a read fails; one that never did has
none. The table holds nothing worth a backup: where a row is lost, people are told once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onboarding.core.policy import Policy, later
from onboarding.ports import ConflictError, Row, Table

READS_TABLE = "reads"
TELLING = 600.0
"""Seconds that whoever took it up has to put a notice on a record; then somebody else does."""
UNSAID_FOR = 86400.0
"""Seconds after people were told in which they are not told anew, though it worked in between: some reads of one
subscription may be refused and others not."""
_FAILED_SINCE, _CODE, _TOLD_AT, _NEXT_WORD_AT = "FailedSince", "Code", "ToldAt", "NextWordAt"


@dataclass(frozen=True, slots=True)
class Reads:
    """How each shared read goes. `what` names its kind (`gateways`), `of` which it is (a subscription).

    A table that does not answer keeps nobody from looking: it is told later.
    """

    table: Table
    policy: Policy

    async def failed(self, what: str, of: str, code: str, now: datetime, *, soon: bool = True) -> bool:
        """Note that Microsoft refuses it. True: the caller is to tell people, and then says so by `told`.

        Not `soon`: it may heal by itself, so they are told when it has been so for `Policy.tell_after`.
        """
        row = await self.table.get(what, of)
        columns = dict(row.columns) if row else {}
        known = _FAILED_SINCE in columns
        columns.setdefault(_FAILED_SINCE, now)
        first_word_at = now if soon else later(columns[_FAILED_SINCE], self.policy.tell_after)
        due = max(columns.get(_NEXT_WORD_AT, first_word_at), first_word_at) <= now
        if known and not due:
            return False
        columns[_CODE] = code
        if due:
            columns[_NEXT_WORD_AT] = later(now, TELLING)
        return await self._written(what, of, columns, row) and due

    async def told(self, what: str, of: str, now: datetime) -> None:
        """People are told: they are reminded like of whatever else needs them."""
        row = await self.table.get(what, of)
        if row is None or _FAILED_SINCE not in row.columns:
            return
        next_word = self.policy.next_reminder(row.columns[_FAILED_SINCE], now)
        await self._written(what, of, {**row.columns, _TOLD_AT: now, _NEXT_WORD_AT: next_word}, row)

    async def works(self, what: str, of: str) -> None:
        """Microsoft answers (again): nobody is reminded any more."""
        row = await self.table.get(what, of)
        if row is None or _FAILED_SINCE not in row.columns:
            return
        told = row.columns.get(_TOLD_AT)
        kept = {_TOLD_AT: told, _NEXT_WORD_AT: later(told, UNSAID_FOR)} if told else {}
        await self._written(what, of, kept, row)

    async def _written(self, what: str, of: str, columns: dict[str, Any], row: Row | None) -> bool:
        """Whether this write was the one that counts."""
        new = Row(what, of, columns, row.etag if row else "")
        try:
            await (self.table.replace(new) if row else self.table.insert(new))
        except ConflictError:
            return False
        return True
