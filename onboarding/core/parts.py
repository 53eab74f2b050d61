"""What requests are made of: their models' base, and the texts that stand in more than one of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationInfo
from pydantic.alias_generators import to_camel

Guid = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s<>\"',;]+@[^@\s<>\"',;]+\.[^@\s<>\"',;.]+$", max_length=254)]
UserName = Annotated[
    str,
    StringConstraints(
        pattern=r"^([^@\s/\\?#%'\"<>]+@[A-Za-z0-9.-]+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
        max_length=254,
    ),
]
DomainName = Annotated[
    str,
    StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", to_lower=True, max_length=253),
]


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
