"""The writes that only a session border controller's onboarding makes: whoever dies at one finds it done."""

from __future__ import annotations

import pytest

from tests.chaos.crash_points import Orders
from tests.chaos.ends import check_people_were_told, check_trail
from tests.chaos.system import System, Wanted
from tests.support.people import sample, with_sandboxs_trunks

pytestmark = pytest.mark.timeout(300)

DEATHS = (
    "find-application: after onboardings.replace step-started find-application",
    "publish-txt-record: after onboardings.replace step-started publish-txt-record",
    "publish-txt-record: after dns_zones.add_txt",
    "publish-txt-record: after onboardings.replace step-done publish-txt-record",
    "check-certificate: after onboardings.replace step-started check-certificate",
)


def test_killed_where_it_publishes_it_has_published_once(system: System) -> None:
    system.new_tenant()
    system.microsoft.options(dnsDelay=0)
    body = with_sandboxs_trunks(sample("vendor-sbc-azure-dns"), system.cloud.ports.trunks)
    one = Wanted(body | {"peerings": []})
    system.order(Orders(kill_at=DEATHS))
    (record,) = system.drive([one], dns=False)
    assert {k["point"] for k in system.killed()} == set(DEATHS)
    zone = next(z for z in system.microsoft.state()["dnsZones"] if z["id"].endswith("contoso-voice.com"))
    assert zone["txt"]["@"] == ["v=spf1 -all", record["findings"]["txtRecord"]["value"]]
    written = [e for e in system.microsoft.requests("arm") if e["method"] == "PUT"]
    assert [e["url"].partition("?")[0].rpartition("/TXT/")[2] for e in written] == ["@"]
    check_people_were_told(check_trail(system, one))
