"""What a step would change that somebody may not want changed: proposed, shown, and done when a person says yes."""

from __future__ import annotations

import hashlib
import json

from onboarding.core.stored import Stored

SHOWN = 200
"""Characters of a text of a proposal that the record keeps."""
ID_LENGTH = 32


class ValueChange(Stored):
    """One value, and what would become of it, as people read it."""

    what: str
    before: str
    """As it is."""
    after: str
    """As it would be."""


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
