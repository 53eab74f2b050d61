"""How a command ended, for scripts to branch on. A number keeps its meaning for good."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit status of every command."""

    DONE = 0
    """It is done; of `watch`, the onboarding is completed."""
    FAILED = 1
    """It failed; of `watch`, the onboarding was cancelled."""
    USAGE = 2
    """The command was written wrongly, or a file can't be read. Nothing was sent that changes anything."""
    REFUSED = 3
    """The application refused it by its rules: the request is wrong, or the state does not allow it."""
    NOT_FOUND = 4
    """There is no such onboarding, step or plan."""
    ATTENTION = 5
    """The onboarding needs attention."""
    PEOPLE = 6
    """The onboarding waits for people."""
    NOT_ALLOWED = 7
    """Nobody is signed in, or whoever is lacks a role."""
    UNREACHABLE = 8
    """The application does not answer, or is busy. The same command may be given again."""
    GOING_ON = 9
    """It goes on by itself, and the time to wait is over."""
    CHANGES = 10
    """Of `plan --detailed-exitcode`: there are changes to make, and nothing would stop them."""
    BLOCKED = 11
    """Of `plan`: as things stand, the onboarding would stop."""
