"""Queue definitions, from a file in the format of Microsoft's Service Bus emulator.

https://learn.microsoft.com/azure/service-bus-messaging/test-locally-with-service-bus-emulator. Limits and
defaults are those of the service's Standard tier, so that what starts here can be created in Azure. The
official emulator's own limits may be narrower.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal
from pydantic_core import ErrorDetails

from sandbox.servicebus.message import QueueSettings
from sandbox.servicebus.namespace import forwarding_problems

_DURATION = re.compile(
    r"P(?=.)(?:(?P<days>\d+)D)?(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_MAX_TIMESPAN = 10_675_199 * 86_400.0
"""Seconds; .NET's largest TimeSpan (P10675199DT2H48M5.4775807S), by which the service means "never"."""


class ConfigError(Exception):
    """The file can't be used; the message holds every reason."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        self.problems = problems
        lines = "\n".join(f"- {problem}" for problem in problems)
        super().__init__(f"{path} can't be used as queue definitions:\n{lines}\nCorrect the file, then start again.")


def load(path: Path) -> list[QueueSettings]:
    """The queues defined in a file. Raises ConfigError, with every reason at once."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        seen = f"seen {problem.strerror or problem} at {path.absolute()}"
        why = f"{seen}, expected a readable file; name another by --config"
        raise ConfigError(path, [why]) from problem
    except ValueError as problem:
        raise ConfigError(path, [f"seen text that isn't JSON: {problem}"]) from problem
    try:
        file = _File.model_validate(raw)
    except ValidationError as invalid:
        raise ConfigError(path, [_sentence(error, raw) for error in invalid.errors()]) from invalid
    queues = [queue.settings() for queue in file.user_config.namespaces[0].queues]
    if problems := forwarding_problems(queues):
        raise ConfigError(path, problems)
    return queues


def seconds(duration: object) -> float:
    """Seconds from an ISO 8601 duration such as PT1M or P7DT12H; ``math.inf`` for the service's "never".

    Years and months are refused, because their length depends on the date. Raises ValueError.
    """
    found = _DURATION.fullmatch(duration) if isinstance(duration, str) else None
    if found is None:
        raise ValueError("expected an ISO 8601 duration in days, hours, minutes and seconds, such as PT1M or P7D")
    part = {unit: float(text or 0) for unit, text in found.groupdict().items()}
    total = part["days"] * 86_400 + part["hours"] * 3_600 + part["minutes"] * 60 + part["seconds"]
    return math.inf if total >= _MAX_TIMESPAN else total


def _between(shortest: str, longest: str | None) -> BeforeValidator:
    def check(value: object) -> float:
        length = seconds(value)
        if length < seconds(shortest) or (longest is not None and length > seconds(longest)):
            raise ValueError(f"expected a duration from {shortest}" + (f" to {longest}" if longest else " on"))
        return length

    return BeforeValidator(check)


def _only(accepted: object, why: str) -> BeforeValidator:
    def check(value: object) -> object:
        if value != accepted:
            raise ValueError(f"expected {_shown(accepted)}: {why}; use the official emulator instead")
        return value

    return BeforeValidator(check)


class _Strict(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="forbid", strict=True)


class _Properties(_Strict):
    dead_lettering_on_message_expiration: bool = False
    default_message_time_to_live: Annotated[float, _between("PT1S", None)] = math.inf
    duplicate_detection_history_time_window: Annotated[float, _between("PT20S", "P7D")] = 600.0
    forward_dead_lettered_messages_to: str = ""
    forward_to: Annotated[str, _only("", "this broker forwards dead letters only")] = ""
    lock_duration: Annotated[float, _between("PT5S", "PT5M")] = 60.0
    max_delivery_count: Annotated[int, Field(ge=1, le=2000)] = 10
    requires_duplicate_detection: bool = False
    requires_session: Annotated[bool, _only(False, "this broker has no sessions")] = False


class _Queue(_Strict):
    # A path of letters, digits, periods, hyphens, underscores and slashes, as the service allows.
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]{0,258}[A-Za-z0-9])?$")]
    properties: _Properties = Field(default_factory=_Properties)

    def settings(self) -> QueueSettings:
        own = self.properties
        return QueueSettings(
            name=self.name,
            lock_duration=own.lock_duration,
            max_delivery_count=own.max_delivery_count,
            duplicate_window=own.duplicate_detection_history_time_window if own.requires_duplicate_detection else 0.0,
            default_ttl=own.default_message_time_to_live,
            dead_letter_on_expiry=own.dead_lettering_on_message_expiration,
            forward_dead_letters_to=own.forward_dead_lettered_messages_to or None,
        )


class _Namespace(_Strict):
    name: str
    queues: Annotated[list[_Queue], Field(min_length=1)]
    topics: Annotated[list[Any], _only([], "this broker has queues only")] = Field(default_factory=list)


class _UserConfig(_Strict):
    namespaces: Annotated[list[_Namespace], Field(min_length=1, max_length=1)]
    logging: Any = None


class _File(_Strict):
    user_config: _UserConfig


def _sentence(error: ErrorDetails, raw: Any) -> str:
    expected = error["msg"].removeprefix("Value error, ")
    return f"{_place(error['loc'], raw)}: seen {_shown(error['input'])}; {expected}"


def _place(location: tuple[int | str, ...], raw: Any) -> str:
    """Where in the file, such as UserConfig.Namespaces[0].Queues[2] (notices).LockDuration."""
    place, here = "", raw
    for step in location:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else step
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
        if isinstance(step, int) and isinstance(here, dict) and isinstance(here.get("Name"), str):
            place += f" ({here['Name']})"
    return place or "the file"


def _shown(value: object, most: int = 80) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= most else text[:most] + "…"
