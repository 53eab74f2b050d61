"""Signing in as Azure's other tools do: whatever azure-identity finds (Azure CLI, a pipeline, a managed identity)."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Protocol

from onboard.address import Address
from onboard.errors import CommandError
from onboard.exits import ExitCode

CLIENT_ID = "ONBOARDING_REGISTRATION_CLIENT_ID"
"""As `azd env get-values` names it."""
TOLD_LENGTH = 1500
RENEWED_BEFORE = 300
"""Seconds before its end that a token is not used any more."""
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class AccessTokenLike(Protocol):
    """What azure-identity gives."""

    @property
    def token(self) -> str: ...
    @property
    def expires_on(self) -> int: ...


class Credential(Protocol):
    """What azure-identity has many of."""

    def get_token(self, *scopes: str) -> AccessTokenLike:
        """Raises what azure-core names ClientAuthenticationError."""


def default_credential() -> Credential:
    """The one that tries all."""
    # Imported here: half a second that the sandbox and --help do not need.
    from azure.identity import DefaultAzureCredential

    # What it could not do, its exception says; its log says it once more, on the terminal.
    logging.getLogger("azure").addHandler(logging.NullHandler())
    logging.getLogger("azure").propagate = False
    return DefaultAzureCredential()


class SignIn:
    """Tokens for one application. Only whoever calls says for which: an application that could name another one would
    get tokens for that.
    """

    def __init__(self, client_id: str, make: Callable[[], Credential]) -> None:
        self._scope, self._make = f"{client_id}/.default", make
        self._credential: Credential | None = None
        self._token, self._until = "", 0.0

    def token(self) -> str:
        """One that is good for minutes. Raises CommandError."""
        if time.time() > self._until - RENEWED_BEFORE:
            from azure.core.exceptions import ClientAuthenticationError

            try:
                self._credential = self._credential or self._make()
                given = self._credential.get_token(self._scope)
            except ClientAuthenticationError as error:
                told = str(error.message or error)[:TOLD_LENGTH]
                raise CommandError(
                    ExitCode.NOT_ALLOWED, f"Signing in failed. `az login` is the usual way. azure-identity says: {told}"
                ) from None
            self._token, self._until = given.token, given.expires_on
        return self._token


def sign_in_for(address: Address, client_id: str | None, make: Callable[[], Credential]) -> SignIn | None:
    """None: the address is on this machine by plain HTTP, as a sandbox is. Raises CommandError."""
    if not address.secure:
        return None
    wanted = (client_id or "").strip().removeprefix("api://").removesuffix("/.default")
    if not _GUID.fullmatch(wanted):
        raise CommandError(
            ExitCode.USAGE,
            f"Say for which application to sign in: --client-id or {CLIENT_ID}, the client id (a GUID) of its"
            " registration. Whoever deployed the application sees it under that name in `azd env get-values`.",
        )
    return SignIn(wanted, make)
