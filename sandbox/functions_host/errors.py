"""What can be wrong before the host runs. Every message is the sentence that its user reads."""

from __future__ import annotations

import traceback
from collections.abc import Sequence


class HostError(Exception):
    """The host can't start: a mistake in host.json, in the settings or in a binding."""


class AppError(HostError):
    """The function app is one that the real worker refuses too. ``reasons`` holds all of them."""

    def __init__(self, path: str, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(f"{path} can't be served:" + "".join(f"\n  - {reason}" for reason in reasons))


class PortInUseError(HostError):
    """Another program listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"Port {port} on {host} is in use by another program, so the Functions host can't listen there."
            " Stop that program, or choose another port with --port (0 means any free port)."
        )


def one_line(error: BaseException, folder: str | None = None) -> str:
    """An exception as type and first line of its message, with the last place in ``folder`` where it passed.

    Further lines are left out because libraries show the offending data there.
    """
    message = str(error).partition("\n")[0]
    frames = traceback.extract_tb(error.__traceback__) if folder else []
    frame = next((frame for frame in reversed(frames) if frame.filename.startswith(folder or "")), None)
    place = f" (at {frame.filename}:{frame.lineno} in {frame.name})" if frame else ""
    return f"{type(error).__name__}: {message}{place}"
