"""Ports that are taken."""

from __future__ import annotations


class PortInUseError(Exception):
    """A port that another program listens on."""

    def __init__(self, part: str, port: int, option: str) -> None:
        super().__init__(
            f"Port {port} on 127.0.0.1, wanted for Microsoft's {part}, is in use by another program. "
            f"Stop that program, or choose another port with {option}."
        )
