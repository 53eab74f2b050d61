"""host.json: the part of it that a local host can honour.

Source of names and defaults: https://learn.microsoft.com/azure/azure-functions/functions-host-json and
https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus#hostjson-settings
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sandbox.functions_host.errors import HostError
from sandbox.functions_host.timespan import parse_timespan

_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 10,
}


@dataclass(frozen=True)
class HostConfig:
    """What host.json asks for, with the real host's defaults. ``function_timeout`` None means no bound."""

    route_prefix: str = "api"
    max_concurrent_calls: int = 16
    prefetch_count: int = 0
    max_lock_renewal: timedelta = timedelta(minutes=5)
    function_timeout: timedelta | None = timedelta(minutes=30)
    log_level: int = logging.INFO

    @classmethod
    def load(cls, path: Path, environ: Mapping[str, str] | None = None) -> HostConfig:
        """Read a host.json. Raises HostError with the key, the value seen and what was expected.

        `environ` may change the log level, as `AzureFunctionsJobHost__logging__logLevel__default` does in Azure.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError as error:
            raise HostError(
                f"There is no host.json in {path.parent}, so it is no function app."
                " Point --app at the folder that holds host.json and function_app.py."
            ) from error
        except (OSError, ValueError) as error:
            raise HostError(f"Can't read {path}: {error}.") from error
        if not isinstance(document, dict) or document.get("version") != "2.0":
            raise HostError(f'{path} lacks "version": "2.0", without which the real host refuses it.')
        return _Reader(path, document, environ or {}).config()


class _Reader:
    """Takes values out by their dotted key, so that a complaint can name it."""

    def __init__(self, path: Path, document: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._path, self._document, self._environ = path, document, environ

    def config(self) -> HostConfig:
        bus = "extensions.serviceBus."
        if self._get(bus + "autoCompleteMessages", True) is not True:
            raise HostError(
                f"{bus}autoCompleteMessages in {self._path} is not true. This host settles messages itself:"
                " it completes on return and abandons on an exception. Remove the key."
            )
        defaults = HostConfig()
        return HostConfig(
            route_prefix=self._text("extensions.http.routePrefix", defaults.route_prefix).strip("/"),
            max_concurrent_calls=self._count(bus + "maxConcurrentCalls", defaults.max_concurrent_calls, 1),
            prefetch_count=self._count(bus + "prefetchCount", defaults.prefetch_count, 0),
            max_lock_renewal=self._span(bus + "maxAutoLockRenewalDuration", defaults.max_lock_renewal),
            function_timeout=self._timeout(defaults.function_timeout),
            log_level=self._level(),
        )

    def _get(self, key: str, default: Any = None) -> Any:
        value: Any = self._document
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return default if value is None else value

    def _wrong(self, key: str, value: object, expected: str) -> HostError:
        return HostError(f"{key} in {self._path} is {json.dumps(value)}; expected {expected}.")

    def _text(self, key: str, default: str) -> str:
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, value, "a text")
        return value

    def _count(self, key: str, default: int, least: int) -> int:
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self._wrong(key, value, f"a whole number of at least {least}")
        return value

    def _span(self, key: str, default: timedelta) -> timedelta:
        value = self._get(key)
        if value is None:
            return default
        try:
            return parse_timespan(value if isinstance(value, str) else json.dumps(value))
        except ValueError as error:
            raise self._wrong(key, value, "a time span such as 00:05:00") from error

    def _timeout(self, default: timedelta | None) -> timedelta | None:
        key = "functionTimeout"
        if self._get(key) == "-1":
            return None
        return self._span(key, default or timedelta())

    def _level(self) -> int:
        for key in ("logging.logLevel.Function", "logging.logLevel.default"):
            value = self._environ.get(f"AzureFunctionsJobHost__{key.replace('.', '__')}", self._get(key))
            if value is not None:
                level = _LEVELS.get(str(value).lower())
                if level is None:
                    raise self._wrong(key, value, "one of " + ", ".join(name.title() for name in _LEVELS))
                return level
        return HostConfig.log_level
