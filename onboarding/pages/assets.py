"""The stylesheet, the script and the icon: packaged files, served under a name that changes with their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is served."""

    name: str
    """With the hash of its content, such as `pages.0f3c….css`."""
    media_type: str
    content: bytes

    @property
    def etag(self) -> str:
        return f'"{self.name}"'


@lru_cache(maxsize=1)
def assets() -> Mapping[str, Asset]:
    """Name with hash → the file."""
    return {asset.name: asset for asset in map(_asset, sorted(_FOLDER.iterdir())) if asset}


def url(name: str) -> str:
    """Path of a file by its plain name. Raises KeyError when it isn't packaged."""
    stem, _, suffix = name.rpartition(".")
    for asset in assets().values():
        if asset.name.startswith(f"{stem}.") and asset.name.endswith(f".{suffix}"):
            return f"/api/assets/{asset.name}"
    raise KeyError(f"{name} is not in {_FOLDER.name}/")


def _asset(path: Path) -> Asset | None:
    media_type = _TYPES.get(path.suffix)
    if media_type is None:
        return None
    content = path.read_bytes()
    return Asset(f"{path.stem}.{hashlib.sha256(content).hexdigest()[:16]}{path.suffix}", media_type, content)
