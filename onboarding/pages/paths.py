"""The addresses of pages of one onboarding."""

from __future__ import annotations

from urllib.parse import quote


def checkpoint_path(onboarding_id: str, step: str) -> str:
    """Address of a checkpoint's page."""
    return f"/api/onboardings/{quote(onboarding_id)}/checkpoints/{quote(step)}"


def onboarding_path(onboarding_id: str) -> str:
    """Address of an onboarding's page."""
    return f"/api/dashboard/{quote(onboarding_id)}"


def anew_path(onboarding_id: str) -> str:
    """Address of the page that starts a closed onboarding anew with changes."""
    return f"{onboarding_path(onboarding_id)}/anew"
