"""The zip of a package, as it is sent to Azure."""

from __future__ import annotations

import zipfile
from pathlib import Path

TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can hold: the same files make the same zip."""
READABLE = 0o100644 << 16
"""A plain file that everybody may read: the host runs as another user than the one who unpacks."""
UNIX = 3
"""Whose modes those are. On Windows a zip would say otherwise, and Linux read none of them."""


def zipped(folder: Path) -> Path:
    """Zip what is in the folder, not the folder itself, into a file beside it."""
    archive = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, READABLE
            entry.create_system = UNIX
            file.writestr(entry, path.read_bytes())
    return archive
