"""Forms that only our own pages can send.

Every form holds a token made for the caller and the purpose. Its POST must bring it back, and where the browser says
which site sent it, that must be ours.
"""

from __future__ import annotations

import json
import secrets
from hashlib import sha256

from itsdangerous import Signer

from onboarding.http.call import HttpCall
from onboarding.http.origin import from_elsewhere
from onboarding.http.problems import ProblemError

FIELD = "csrf"
_PROCESS_KEY = secrets.token_bytes(32)
"""Without a key in the settings, forms are good until this process ends."""


def token(call: HttpCall, purpose: str) -> str:
    """For a form of this caller with that purpose."""
    return _signer(call).get_signature(_made_for(call, purpose)).decode()


def check_form(call: HttpCall, purpose: str, given: str) -> None:
    """Raises ProblemError (403) unless the form came from our own page, made for this caller and purpose."""
    elsewhere = from_elsewhere(call.request.headers, call.request.url, call.engine.public_url)
    if elsewhere:
        raise ProblemError(
            403,
            "The form came from elsewhere",
            f"Nothing was changed. The form was sent by '{elsewhere[:200]}'; use the page of this application.",
        )
    if not _signer(call).verify_signature(_made_for(call, purpose), given):
        raise ProblemError(
            403,
            "The form is out of date",
            "Nothing was changed. The form was made for another user, or before the application was started again."
            " Open the page again and repeat what you did.",
        )


def _signer(call: HttpCall) -> Signer:
    """With keys that sign forms and nothing else: what signs a link signs no form."""
    keys = [key.encode() for key in reversed(call.settings.link_keys)] or [_PROCESS_KEY]
    return Signer(keys, salt="onboarding.form", key_derivation="hmac", digest_method=sha256)


def _made_for(call: HttpCall, purpose: str) -> str:
    return json.dumps([call.caller.name, purpose])
