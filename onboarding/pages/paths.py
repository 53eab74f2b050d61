"""The addresses of pages of one onboarding."""

from __future__ import annotations

from urllib.parse import quote


def checkpoint_path(onboarding_id: str, step: str) -> str:
    """Address of a checkpoint's page."""
    return f"/api/onboardings/{quote(onboarding_id)}/checkpoints/{quote(step)}"


def onboarding_path(onboarding_id: str) -> str:
    """Address of an onboarding's page."""
    return f"/api/dashboard/{quote(onboarding_id)}"


def copy_path(onboarding_id: str) -> str:
    """Address of the form of a request that is filled with what an onboarding asked for."""
    return f"/api/request/form?from={quote(onboarding_id)}"
