"""What drift costs at Microsoft Graph: 1,000 completed onboardings a day in at most 200 requests an hour."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.planning.drift import SLICES, inspect_all
from tests.support.adapters import connected
from tests.support.drift_load import KINDS, SLICE, completed_alone, gathering, looking
from tests.support.system import System

AN_HOUR = 200


@pytest.mark.parametrize("body", KINDS.values(), ids=list(KINDS))
async def test_a_thousand_a_day_take_few_requests(monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]) -> None:
    async with connected(monkeypatch) as microsoft, gathering(microsoft) as gathered:
        system = System()
        records = [completed_alone(system, microsoft, body, number) for number in range(SLICE)]
        before = len(microsoft.sent("graph"))
        writes = microsoft.writes("graph")
        await inspect_all(looking(system, microsoft, gathered), records)
        sent = microsoft.sent("graph")[before:]
        assert len(sent) * SLICES / 24 <= AN_HOUR
        assert microsoft.writes("graph") == writes
        assert sum(request.endswith("/$batch") for request in sent) >= 1
        assert microsoft.violations() == []
