"""Constants of Azure Communications Gateway, as Microsoft's article and its retirement notice give them."""

from __future__ import annotations

AUTOMATED = "Automated"
"""The purpose of service verification lines (article, Enable Operator Connect, step 7)."""

RETIRED = "Microsoft retired Azure Communications Gateway in 2026"
"""Begins the sentence that people read when a gateway, or the whole service, is not in Azure any more."""
