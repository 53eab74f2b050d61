"""App settings: ``Values`` of local.settings.json below the environment, and ``%NAME%`` in bindings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from sandbox.functions_host.errors import HostError

_REFERENCE = re.compile(r"%([^%]+)%")
_TRUE = {"true", "1"}


class Settings(Mapping[str, str]):
    """The settings that the app and its bindings see.

    The environment wins over the file, as with ``func start``. ``port`` is the file's own
    ``Host.LocalHttpPort``, where it has one.
    """

    def __init__(
        self, values: Mapping[str, str], *, environ: Mapping[str, str] | None = None, port: int | None = None
    ) -> None:
        self._file = dict(values)
        self._all = {**values, **(environ or {})}
        self.port = port

    @classmethod
    def load(cls, path: Path, environ: Mapping[str, str]) -> Settings:
        """Read a local.settings.json. Raises HostError for a file that the Core Tools don't read either."""
        document = _read(path)
        if document.get("IsEncrypted") is True:
            raise HostError(
                f"{path} has IsEncrypted true, and only the Azure Functions Core Tools hold the key."
                " Run `func settings decrypt` in that folder, or set IsEncrypted to false and write it anew."
            )
        values = document.get("Values", {})
        if not isinstance(values, dict):
            raise HostError(f"Values in {path} is {type(values).__name__}; expected an object of texts.")
        for name, value in values.items():
            if not isinstance(value, str):
                raise HostError(
                    f"Values.{name} in {path} is {json.dumps(value)}; app settings are texts."
                    f' Put it in quotes: "{name}": {json.dumps(json.dumps(value))}.'
                )
        host = document.get("Host", {})
        port = host.get("LocalHttpPort") if isinstance(host, dict) else None
        return cls(values, environ=environ, port=port if isinstance(port, int) else None)

    def __getitem__(self, name: str) -> str:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def is_true(self, name: str) -> bool:
        return self.get(name, "").strip().lower() in _TRUE

    def expand(self, text: str, where: str) -> str:
        """Replace each ``%NAME%`` in a binding's text by that setting.

        Raises HostError for a name that isn't set; ``where`` says whose text it is.
        """

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name not in self:
                raise HostError(
                    f"{where} is '{text}', but the app setting {name} isn't set."
                    f" Set {name} in the environment, or in Values of local.settings.json."
                )
            return self[name]

        return _REFERENCE.sub(value, text)

    def export(self, environ: MutableMapping[str, str]) -> None:
        """Put the file's values where the app looks for them; what is there already stays."""
        for name, value in self._file.items():
            environ.setdefault(name, value)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise HostError(f"Can't read the settings file {path}: {error.strerror}.") from error
    except ValueError as error:
        raise HostError(f"{path} isn't valid JSON: {error}.") from error
    if not isinstance(document, dict):
        raise HostError(f"{path} holds {type(document).__name__}; expected an object with Values.")
    return document
