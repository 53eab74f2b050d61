"""What is kept in a row of a table, as models."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

DETAIL_LENGTH = 1000
"""Characters of a detail or message that the record keeps: a column of the table holds 32 K."""
DetailText = Annotated[str, Field(max_length=DETAIL_LENGTH)]


class Stored(BaseModel):
    """What is kept: frozen, camelCase in JSON."""

    model_config = ConfigDict(
        alias_generator=to_camel, frozen=True, populate_by_name=True, extra="ignore", defer_build=True
    )

    brief: ClassVar[bool] = False
    """Its text leaves out what is as ever: a row has room for so much."""

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)

    @cached_property
    def text(self) -> str:
        """Its JSON. Kept, because it is written again with each version of the record until it is another."""
        return self.model_dump_json(by_alias=True, exclude_defaults=self.brief)

    def __copy__(self) -> Self:
        """What `model_copy` begins with: a copy may be given other fields, and then has another text."""
        copied = super().__copy__()
        copied.__dict__.pop("text", None)
        return copied
