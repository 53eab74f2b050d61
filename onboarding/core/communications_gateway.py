"""Constants of Azure Communications Gateway, as Microsoft's article and its retirement notice give them."""

from __future__ import annotations

AUTOMATED = "Automated"
"""The purpose of service verification lines (article, Enable Operator Connect, step 7)."""

RETIRED = "Microsoft retired Azure Communications Gateway in 2026"
"""Part of what people read when a gateway, or the whole service, is not in Azure (any more)."""
GONE = f"{RETIRED}: a resource that is gone stays gone; then cancel the onboarding."
"""The advice for one gateway that is not there, after what to check first."""
