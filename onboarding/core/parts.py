"""What requests are made of: their models' base, and the texts that stand in more than one of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationInfo
from pydantic.alias_generators import to_camel

from onboarding.core import patterns

Guid = Annotated[str, StringConstraints(pattern=patterns.GUID)]
Email = Annotated[str, StringConstraints(pattern=patterns.EMAIL, max_length=254)]
UserName = Annotated[str, StringConstraints(pattern=patterns.USER_NAME, max_length=254)]
DomainName = Annotated[str, StringConstraints(pattern=patterns.DOMAIN_NAME, to_lower=True, max_length=253)]


class Part(BaseModel):
    """A part of the request: camelCase in JSON, unknown fields refused, never changed."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        populate_by_name=False,
        str_strip_whitespace=False,
    )


def is_stored(info: ValidationInfo) -> bool:
    """Whether this was accepted earlier: numbering plans change, and it must stay readable for years."""
    return bool(info.context and info.context.get("stored"))
