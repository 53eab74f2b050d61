"""What has drifted is shown before and after; it is accepted or repaired on the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID
from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.browser.conftest import Watch, base_of
from tests.browser.test_controls import unfold
from tests.browser.test_everybody import LOOK, PHONE
from tests.support.people import Operator, as_seeded, deploying

OFTEN = {"ONBOARDING_DRIFT_EVERY": "3", "ONBOARDING_DRIFT_SURE_AFTER": "1"}
ROLES = "Give the gateway its application roles: not as it was"


@pytest.fixture
def drifting(tmp_path: Path) -> Iterator[Cloud]:
    with Cloud(Ports.free(), folder=tmp_path, overrides=OFTEN) as running:
        yield running


def test_what_has_drifted_is_accepted_or_repaired_on_the_page(drifting: Cloud, watch: Watch, axe: str) -> None:
    operator = Operator(drifting.api)
    with as_seeded(drifting.control) as microsoft, deploying(microsoft, operator) as make:
        body = make()
        onboarding_id = operator.post_anew(body)["id"]
        assert operator.completed(onboarding_id)["state"] == "completed"
        principal = microsoft.gateway(body["gateway"]["name"])["principalId"]

        def take(role: str) -> None:
            gone = {"principalId": principal, "appId": PROJECT_SYNERGY_APP_ID, "role": role, "remove": True}
            microsoft.call("PUT", "/role-assignments", gone)
            operator.until(onboarding_id, lambda r: r["state"] == "drifted")

        take("Data.Read")
        page = watch(base_of(drifting)).open(f"/api/dashboard/{onboarding_id}")
        section = page.get_by_role("region", name=ROLES)
        row = section.get_by_role("row").nth(1)
        expect(row).to_contain_text("Data.Read")
        expect(row).to_contain_text("not held")
        page.evaluate(axe)
        for scheme, look in LOOK.items():
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert page.evaluate(look)["violations"] == []
        small = watch(base_of(drifting), **PHONE).open(f"/api/dashboard/{onboarding_id}")
        assert small.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

        form = unfold(page, "Accept the deviation")
        form.get_by_label("Reason").fill("It is not needed.")
        form.get_by_role("button", name="Accept the deviation").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Completed")
        expect(section).to_contain_text("It is not needed.")

        take("Data.Write")
        page.reload()
        unfold(page, "Repair").get_by_role("button", name="Repair").click()
        assert operator.until(onboarding_id, lambda r: r["state"] == "completed")
        page.reload()
        expect(section).to_have_count(0)
    operator.close()
