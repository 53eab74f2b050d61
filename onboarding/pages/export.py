"""The list as a file that a browser saves: the API's CSV, with the mark by which spreadsheets know UTF-8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import azure.functions as func

from onboarding.core.record import OnboardingState
from onboarding.http.call import HttpCall
from onboarding.http.chosen import FILTERS
from onboarding.http.export import EXPORTED, csv_answer
from onboarding.http.search import Search
from onboarding.pages.responses import as_page

_MARK = "\ufeff"
EXPORT = "/api/export"


@dataclass(frozen=True, slots=True)
class ExportLink:
    """The dashboard's button."""

    link: str
    parts: bool
    """There may be more than one file holds."""
    most: int = EXPORTED


def export_link(search: Search, counts: Mapping[OnboardingState, int]) -> ExportLink:
    """All that a search's filter matches."""
    kept = {name: value for name, value in search.parameters.items() if name in FILTERS}
    return ExportLink(f"{EXPORT}?{urlencode(kept)}" if kept else EXPORT, sum(counts.values()) > EXPORTED)


@as_page
async def export_page(call: HttpCall) -> func.HttpResponse:
    """GET /api/export (as the list; rows) → 200 with the file, 400."""
    params = {name: value.strip() for name, value in call.request.params.items()}
    return await csv_answer(call, params, "export", _MARK)
