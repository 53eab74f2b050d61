"""Forms that only our own pages can send.

Every form holds a token made for the caller and the purpose. Its POST must bring it back, and where the browser says
which site sent it, that must be ours.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from onboarding.http.call import Call
from onboarding.http.origin import from_elsewhere
from onboarding.http.problems import ProblemError

FIELD = "csrf"
_PROCESS_KEY = secrets.token_bytes(32)
"""Without a key in the settings, forms are good until this process ends."""


def token(call: Call, purpose: str) -> str:
    """For a form of this caller with that purpose."""
    return _signed(_keys(call)[0], call.caller.name, purpose)


def check(call: Call, purpose: str, given: str) -> None:
    """Raises ProblemError (403) unless the form came from our own page, made for this caller and purpose."""
    elsewhere = from_elsewhere(call.request.headers, call.request.url, call.engine.public_url)
    if elsewhere:
        raise ProblemError(
            403,
            "The form came from elsewhere",
            f"Nothing was changed. The form was sent by '{elsewhere[:200]}'; use the page of this application.",
        )
    if not any(
        hmac.compare_digest(_signed(k, call.caller.name, purpose).encode(), given.encode()) for k in _keys(call)
    ):
        raise ProblemError(
            403,
            "The form is out of date",
            "Nothing was changed. The form was made for another user, or before the application was started again."
            " Open the page again and repeat what you did.",
        )


def _keys(call: Call) -> list[bytes]:
    chosen = (call.settings.link_key, call.settings.link_key_previous)
    return [k.get_secret_value().encode() for k in chosen if k] or [_PROCESS_KEY]


def _signed(key: bytes, name: str, purpose: str) -> str:
    return hmac.new(key, f"form\n{name}\n{purpose}".encode(), hashlib.sha256).hexdigest()
