"""What a step would change, as data: planned, shown, approved by a person where somebody may not want it, then made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from onboarding.core.stored import Stored

SHOWN = 200
"""Characters of a text of a proposal that the record keeps."""
ID_LENGTH = 32


class Api(StrEnum):
    """Where a call goes to."""

    GRAPH = "graph"
    """Microsoft Graph v1.0; the path begins below the version."""
    ARM = "arm"
    """Azure Resource Manager; the path has its `api-version`."""
    DNS = "dns"
    """A server that takes updates (RFC 2136), by its name in the settings."""
    MAIL = "mail"
    """People: an e-mail, or a post in the operator's own channel."""


class Call(Stored):
    """One request that writes, as it is sent; but for `merged`."""

    api: Api
    """Which service: `graph`, `arm`, `dns` or `mail`."""
    method: str
    path: str
    """Below the service's address; of a DNS server, its name in the settings and the record's."""
    body: Mapping[str, Any] | None = None
    """What is sent; null: nothing."""
    merged: bool = False
    """The body is put into what stands there when it is sent, in place of all of it."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class ValueChange(Stored):
    """One value, and what would become of it, as people read it."""

    what: str
    before: str
    """As it is."""
    after: str
    """As it would be."""


class Change(Stored):
    """One call of a step, and what it is for."""

    target: str
    """Which thing is changed, as people know it."""
    words: str
    """What would be done, as an order: `add the domain gw.contoso.com`. Nothing in it is kept out of logs."""
    values: tuple[ValueChange, ...]
    """Before and after."""
    call: Call | None = None
    """None: its ids are not known yet, because an earlier step makes what they are of."""
    part: str = ""
    """Which of its step's changes it is, where there are several: the same however it is told, foreseen or exactly."""


class Proposal(Stored):
    """Exactly these changes. `id` is the same for the same ones, and for no others, so that nobody says yes to what
    they have not seen.
    """

    id: str
    changes: tuple[ValueChange, ...]


def propose(*changes: ValueChange) -> Proposal:
    """These changes, shortened for the record. Its id is made of them whole."""
    whole = json.dumps([[c.what, c.before, c.after] for c in changes])
    shown = (ValueChange(what=c.what[:SHOWN], before=c.before[:SHOWN], after=c.after[:SHOWN]) for c in changes)
    return Proposal(id=hashlib.sha256(whole.encode()).hexdigest()[:ID_LENGTH], changes=tuple(shown))
