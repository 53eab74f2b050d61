"""What an e-mail address can be. Pure: nobody is asked whether it exists."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1024)
def email_problem(address: str) -> str | None:
    """Why a message can't be sent to this, or not without doubt; None when it can.

    Names only that are in DNS for everybody, and no quoted local part (RFC 5321 advises against both of the others).
    """
    if "?" in address:
        # An encoded word (RFC 2047) in an address is decoded by some mail programs: it could be any other one.
        return "must not hold a question mark"
    # Only a request that holds an address pays for it.
    from email_validator import EmailNotValidError, validate_email

    try:
        seen = validate_email(address, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        return f"is no e-mail address: {error}"
    local, _, domain = address.rpartition("@")
    if local != seen.local_part or domain.lower() not in (seen.domain, seen.ascii_domain):
        # Mail programs write it so too, and what people confirm is to be what is sent to.
        return f"must be written as {seen.normalized}"
    return None
