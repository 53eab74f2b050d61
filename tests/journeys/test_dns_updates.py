"""The TXT record by a signed update of the operator's own DNS server; and a sample that fits as it is."""

from __future__ import annotations

import pytest

from onboarding.core.problem_codes import ProblemCode
from sandbox.cloud import Cloud
from sandbox.settings import UPDATED_SERVER
from tests.journeys.test_samples import states
from tests.support.people import Json, Operator, Simulator, sample

PUBLISH = "publish-txt-record"


@pytest.fixture
def body(cloud: Cloud) -> Json:
    """The sample as it is, its trunks at port 5061."""
    if not cloud.facts("microsoft")["trunks"]["usualPort"]:
        pytest.skip("this machine has one loopback address only")
    body = sample("own-sbc-dns-server")
    assert body["dns"] == {"server": UPDATED_SERVER}
    assert [trunk["port"] for trunk in body["gateway"]["trunks"]] == [5061, 5061]
    return body


def test_the_sample_fits_as_it_is_and_its_record_is_added_by_an_update(
    operator: Operator, microsoft: Simulator, body: Json
) -> None:
    record = operator.completed(operator.post_anew(body)["id"])
    assert record["state"] == "completed", [s for s in record["steps"] if s["problem"]]
    value = record["findings"]["txtRecord"]["value"]
    dns = microsoft.state()["dns"]["txt"]
    assert [dns[server]["edge.contoso.example"] for server in ("ns1", "ns2", "resolver")] == [[value]] * 3
    updates = [entry for entry in microsoft.requests("dns") if entry["method"] == "UPDATE"]
    assert [entry["url"] for entry in updates] == ["contoso.example @ns1"]


def test_a_key_that_the_server_does_not_know_is_told_put_right_and_goes_on(
    operator: Operator, microsoft: Simulator, body: Json
) -> None:
    microsoft.options(dnsKey="BADKEY")
    onboarding = operator.post_anew(body)["id"]
    record = operator.until(onboarding, lambda r: states(r)[PUBLISH] == "needs-attention")
    problem = next(step["problem"] for step in record["steps"] if step["name"] == PUBLISH)
    assert problem["code"] == ProblemCode.DNS_KEY_REFUSED
    assert f"'{UPDATED_SERVER}'" in problem["seen"]
    microsoft.options(dnsKey="good")
    operator.client.post(f"/onboardings/{onboarding}/steps/{PUBLISH}/retry").raise_for_status()
    assert operator.completed(onboarding)["state"] == "completed"
