"""App roles of this application's own registration in Microsoft Entra: who may do what."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """One of them. What each control asks for stands in `controls.py`."""

    READ = "Onboarding.Read"
    """See onboardings."""
    SUBMIT = "Onboarding.Submit"
    """Request onboardings."""
    APPROVE = "Onboarding.Approve"
    """Confirm checkpoints, and report problems with them."""
    OPERATE = "Onboarding.Operate"
    """Use an operator's controls."""
