"""What an e-mail address can be. Pure: nobody is asked whether it exists."""

from __future__ import annotations

from functools import lru_cache

from onboarding.core.patterns import ADDRESS_EXAMPLE


@lru_cache(maxsize=1024)
def email_problem(address: str) -> str | None:
    """Why a message can't be sent to this, or not without doubt; None when it can.

    Names only that are in DNS for everybody, and no quoted local part (RFC 5321 advises against both of the others).
    """
    if "?" in address:
        # An encoded word (RFC 2047) in an address is decoded by some mail programs: it could be any other one.
        return f"must not hold a question mark; expected is an e-mail address such as {ADDRESS_EXAMPLE}"
    # Only a request that holds an address pays for it.
    from email_validator import EmailNotValidError, validate_email

    try:
        seen = validate_email(address, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return f"must be an e-mail address that anybody can write to, such as {ADDRESS_EXAMPLE}: {_wrong_part(address)}"
    local, _, domain = address.rpartition("@")
    if local != seen.local_part or domain.lower() not in (seen.domain, seen.ascii_domain):
        # Mail programs write it so too, and what people confirm is to be what is sent to.
        return f"must be written as {seen.normalized}"
    return None


def _wrong_part(address: str) -> str:
    """Which part of what is no address is at fault."""
    from email_validator import EmailNotValidError, validate_email

    local, at, domain = address.rpartition("@")
    if not at or "@" in local:
        return "it has no @" if not at else "it has more than one @"
    try:
        validate_email(f"x@{domain}", check_deliverability=False, strict=True)
    except EmailNotValidError:
        return "what stands after the @ is no name of a domain that is in DNS for everybody"
    return (
        "what stands before the @ is not up to 64 letters, digits and signs such as . _ + - ' without spaces, and"
        " without a dot at its ends or beside another"
    )
