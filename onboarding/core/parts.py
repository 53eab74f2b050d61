"""What requests are made of: their models' base, and the texts that stand in more than one of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from onboarding.core import patterns
from onboarding.core.email_address import email_problem


def is_stored(info: ValidationInfo) -> bool:
    """Whether this was accepted earlier: numbering plans change, and it must stay readable for years."""
    return bool(info.context and info.context.get("stored"))


def _email(address: str, info: ValidationInfo) -> str:
    problem = None if is_stored(info) else email_problem(address)
    if problem:
        raise PydanticCustomError("email_address", "{problem}", {"problem": problem})
    return address


Flag = Annotated[bool, Strict()]
"""`true` or `false`, and no text or number that could mean either."""
Guid = Annotated[str, StringConstraints(pattern=patterns.GUID)]


def kept_as(pattern: str) -> AfterValidator:
    """Of a text that a step found: when it is read from a table, where others may have written it, it fits this."""

    def check(text: str | None, info: ValidationInfo) -> str | None:
        if is_stored(info) and text is not None and not patterns.fits(pattern, text):
            raise PydanticCustomError("kept", "{problem}", {"problem": "is not what a step could have found"})
        return text

    return AfterValidator(check)


ObjectId = Annotated[str, kept_as(patterns.OBJECT_ID)]
Email = Annotated[
    str,
    StringConstraints(pattern=patterns.EMAIL, max_length=254),
    AfterValidator(_email),
    Field(json_schema_extra={"pattern": patterns.EMAIL_ADDRESS}),
]
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
        defer_build=True,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _counted_first(cls, value: Any, info: ValidationInfo) -> Any:
        """A list that is too long is refused as a whole: each of its items would have reasons of its own."""
        assert info.field_name is not None
        bounds = (getattr(each, "max_length", None) for each in cls.model_fields[info.field_name].metadata)
        most = next((bound for bound in bounds if bound is not None), None)
        if isinstance(value, list) and most is not None and len(value) > most:
            raise PydanticCustomError(
                "too_long", "has {seen} items; at most {most} are taken", {"seen": len(value), "most": most}
            )
        return value
