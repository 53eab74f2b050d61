"""Each trouble of DNS, of the domain and of certificates, the whole way: made as people make it (docs/local.md), told
in words by the API and on the page, put right, and on to completed. Many onboardings go side by side.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.cloud import Cloud
from sandbox.microsoft.certificates import ensure
from sandbox.microsoft.issuer import Made, pem, server_key
from sandbox.ports import Ports
from tests.journeys.test_samples import states
from tests.support.people import Operator, Simulator, sample, with_sandboxs_trunks

Json = dict[str, Any]
SPF = "v=spf1 -all"
ZONES = "/subscriptions/6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63/resourceGroups/rg-dns/providers/Microsoft.Network/dnsZones"
CHECK, NAMES, PUBLISH = "check-certificate", "trunk-names-resolve", "publish-txt-record"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One of its own: servers of DNS that another journey had silent are left alone for a while."""
    with Cloud(Ports.free(), folder=tmp_path_factory.mktemp("troubles")) as running:
        yield running


@dataclass
class People:
    """Somebody who makes troubles, sees what is told of them, and puts them right."""

    operator: Operator
    microsoft: Simulator
    trunks: int

    def asked(self, domain: str, *, zone: str | None = None) -> Json:
        """A request for that domain, whose trunks are there; `zone`: of Azure DNS, where the record is published."""
        body = with_sandboxs_trunks(sample("own-sbc"), self.trunks)
        body["gateway"]["domain"] = domain
        # So many at a time would only be throttled by the channel.
        body["notify"]["teams"] = False
        if zone:
            body["dns"] = {"azureZone": f"{ZONES}/{zone}"}
        for number, trunk in enumerate(body["gateway"]["trunks"], 1):
            trunk["fqdn"] = f"sbc{number}.{domain}"
            self.dns(trunk["fqdn"], a=["127.0.0.1"])
        return body

    def dns(self, name: str, **what: Any) -> None:
        self.microsoft.call("PUT", "/dns", {"name": name, **what})

    def zone(self, name: str, **what: Any) -> None:
        self.microsoft.call("PUT", "/dns-zones", {"name": name, **what})

    def begin(self, body: Json) -> str:
        return str(self.operator.post_anew(body)["id"])

    def stopped(self, onboarding: str, step: str, code: str, *told: str) -> Json:
        """The step needs attention, and says why: by the API, and on the page."""
        record = self.operator.until(onboarding, lambda r: states(r)[step] == "needs-attention")
        problem = dict(next(s["problem"] for s in record["steps"] if s["name"] == step))
        assert problem["code"] == code, problem
        for words in told:
            assert words in problem["seen"], problem
            assert words in self.page(onboarding)
        assert problem["whatNext"]
        return problem

    def waits(self, onboarding: str, step: str, *told: str) -> None:
        """The step goes on waiting, and says for what."""

        def detail(record: Json) -> str:
            return str(next(s["detail"] for s in record["steps"] if s["name"] == step))

        self.operator.until(onboarding, lambda r: all(words in detail(r) for words in told))
        for words in told:
            assert words in self.page(onboarding)

    def page(self, onboarding: str) -> str:
        answer = self.operator.client.get(f"/dashboard/{onboarding}")
        assert answer.status_code == 200
        return html.unescape(answer.text)

    def retry(self, onboarding: str, step: str) -> None:
        answer = self.operator.client.post(f"/onboardings/{onboarding}/steps/{step}/retry")
        assert answer.status_code == 200, answer.text

    def completed(self, onboarding: str) -> Json:
        record = self.operator.completed(onboarding)
        assert record["state"] == "completed", [s for s in record["steps"] if s["problem"]]
        return record

    def values(self, zone: str, name: str = "@") -> list[str]:
        """At the zone's own name, or one in it, as Azure has them."""
        found = next(z for z in self.microsoft.state()["dnsZones"] if z["id"].lower().endswith(f"/{zone}"))
        return list(found["txt"][name])


def published(record: Json) -> str:
    return str(record["findings"]["txtRecord"]["value"])


def test_each_trouble_of_azure_dns_is_told_put_right_and_goes_on(
    operator: Operator, microsoft: Simulator, cloud: Cloud
) -> None:
    people = People(operator, microsoft, cloud.ports.trunks)
    full = [f"somebodys={n}" for n in range(20)]
    people.zone("full.example", txt={"@": full})
    people.zone("elsewhere-hosted.example", delegated=False)
    people.zone("aliased.example", txt={"www": [SPF]})
    people.zone("contoso-two.example", txt={"apart": [SPF]})
    people.zone("longer.example", txt={"@": [SPF]})
    people.zone("deep.longer.example", txt={"@": [SPF]})
    people.zone("raced.example", txt={"@": [SPF]}, rivals=2)
    people.zone("much-raced.example", txt={"@": [SPF]}, rivals=6)
    people.dns("voice.aliased.example", cname="contoso.elsewhere.example")
    apart, longer = people.asked("apart.contoso-two.example", zone="full.example"), people.asked("deep.longer.example")
    longer["dns"] = {"azureZone": f"{ZONES}/longer.example"}
    zones = [f"{name}.example" for name in ("full", "elsewhere-hosted", "aliased", "raced", "much-raced")]
    own = {
        zone: people.begin(people.asked(f"voice.{zone}" if zone == "aliased.example" else zone, zone=zone))
        for zone in zones
    }
    wrong, deep = people.begin(apart), people.begin(longer)

    people.stopped(own["full.example"], PUBLISH, "txt-set-full", "The TXT set at full.example", "Nothing was written")
    led = "The Internet is led to ns1.registrar.example"
    people.stopped(own["elsewhere-hosted.example"], PUBLISH, "dns-zone-not-delegated", led)
    taken = "An alias (CNAME) stands at voice.aliased.example"
    people.stopped(own["aliased.example"], PUBLISH, "txt-name-taken", taken)
    people.stopped(wrong, PUBLISH, "dns-zone-wrong", "apart.contoso-two.example is not in the zone full.example")
    people.stopped(deep, PUBLISH, "dns-zone-wrong", "is in the zone deep.longer.example, which is below longer.example")

    people.zone("full.example", txt={"@": full[1:]})
    people.zone("elsewhere-hosted.example")
    people.dns("voice.aliased.example", cname=None)
    for name in ("full.example", "elsewhere-hosted.example", "aliased.example"):
        people.retry(own[name], PUBLISH)
    for onboarding, body, zone in ((wrong, apart, "contoso-two.example"), (deep, longer, "deep.longer.example")):
        operator.client.post(f"/onboardings/{onboarding}/cancel", json={"reason": "Another zone."})
        body["dns"] = {"azureZone": f"{ZONES}/{zone}"}
        assert people.begin(body) == onboarding

    done = {name: people.completed(onboarding) for name, onboarding in own.items()}
    assert people.values("full.example") == [*full[1:], published(done["full.example"])]
    assert people.values("elsewhere-hosted.example") == [published(done["elsewhere-hosted.example"])]
    assert people.values("aliased.example", "voice") == [published(done["aliased.example"])]
    rivals = ["somebody-else=1", "somebody-else=0"]
    assert people.values("raced.example") == [SPF, *rivals, published(done["raced.example"])]
    assert people.values("much-raced.example")[0] == SPF
    assert people.values("much-raced.example")[-1] == published(done["much-raced.example"])
    assert len(people.values("much-raced.example")) == 8
    assert people.values("deep.longer.example") == [SPF, published(people.completed(deep))]
    assert people.values("longer.example") == [SPF]
    people.completed(wrong)


def test_each_trouble_of_a_domain_and_of_names_is_told_put_right_and_goes_on(
    operator: Operator, microsoft: Simulator, cloud: Cloud
) -> None:
    people = People(operator, microsoft, cloud.ports.trunks)
    differing, looping, inside = (people.asked(f"{label}.contoso.example") for label in ("differ", "loop", "inside"))
    people.dns("sbc1.differ.contoso.example", a=["127.0.0.9"], server="ns2")
    people.dns("sbc1.loop.contoso.example", a=[], cname="sbc2.loop.contoso.example")
    people.dns("sbc2.loop.contoso.example", a=[], cname="sbc1.loop.contoso.example")
    people.dns("sbc1.inside.contoso.example", a=["10.0.0.4"])
    people.dns("sbc2.inside.contoso.example", a=[])
    begun = [people.begin(body) for body in (differing, looping, inside)]
    for zone in ("federated.example", "above.example", "proved.example"):
        people.zone(zone)
    signed_in_elsewhere = {"name": "federated.example", "authenticationType": "Federated"}
    microsoft.call("PUT", "/domains", signed_in_elsewhere)
    federated = people.begin(people.asked("federated.example"))
    microsoft.call("PUT", "/domains", {"name": "above.example", "isVerified": True, "authenticationType": "Federated"})
    microsoft.call("PUT", "/domains", {"name": "proved.example", "isVerified": True})
    below_federated = people.begin(people.asked("voice.above.example"))
    below_verified = people.begin(people.asked("voice.proved.example"))

    people.waits(begun[0], NAMES, "sbc1.differ.contoso.example: the servers of its zone differ", "127.0.0.9")
    people.waits(begun[1], NAMES, "sbc1.loop.contoso.example")
    people.waits(begun[2], NAMES, "10.0.0.4", "sbc2.inside.contoso.example has no A record")
    people.stopped(federated, "add-domain", "domain-federated", "federated.example is federated")

    people.dns("sbc1.differ.contoso.example", a=["127.0.0.1"])
    for number in (1, 2):
        people.dns(f"sbc{number}.loop.contoso.example", a=["127.0.0.1"], cname=None)
        people.dns(f"sbc{number}.inside.contoso.example", a=["127.0.0.1"])
    microsoft.call("PUT", "/domains", {**signed_in_elsewhere, "authenticationType": "Managed"})
    people.retry(federated, "add-domain")
    for onboarding in (*begun, federated):
        people.completed(onboarding)
    for onboarding in (below_federated, below_verified):
        record = people.completed(onboarding)
        detail = {s["name"]: s["detail"] for s in record["steps"]}
        assert "verified" in detail["add-domain"], detail
        assert ("federated" in detail["add-domain"]) is (onboarding == below_federated), detail


WRONG = {
    "expired": "has expired on",
    "not-yet-valid": "is not valid before",
    "wrong-name": "the certificate is for another name",
    "deep-wildcard": "whose wildcard stands for one label only",
    "incomplete": "the chain is incomplete",
    "out-of-order": "the certificates are out of order",
    "self-signed": "the certificate is self-signed",
    "client-only": "lacks server authentication",
    "short-key": "has an RSA key of 1024 bits; expected 2048 or more",
}
UNKNOWN = {
    "nothing": "the certificate could not be seen from here",
    "unknown-authority": "none of the authorities that are known here",
}


def test_each_wrong_certificate_is_told_put_right_and_goes_on(
    operator: Operator, microsoft: Simulator, cloud: Cloud
) -> None:
    people = People(operator, microsoft, cloud.ports.trunks)

    def begun(shows: str) -> str:
        body = people.asked(f"cert-{shows}.contoso.example")
        microsoft.call("PUT", "/trunks", {"name": body["gateway"]["trunks"][0]["fqdn"], "shows": shows})
        return people.begin(body)

    wrong, unknown = ({shows: begun(shows) for shows in kinds} for kinds in (WRONG, UNKNOWN))
    ending = begun("soon-over")
    for shows, onboarding in wrong.items():
        people.stopped(onboarding, CHECK, "certificate-wrong", WRONG[shows], f"sbc1.cert-{shows}.contoso.example")
        microsoft.call("PUT", "/trunks", {"name": f"sbc1.cert-{shows}.contoso.example", "shows": "good"})
        people.retry(onboarding, CHECK)
    for shows, onboarding in unknown.items():
        problem = people.stopped(onboarding, CHECK, "certificate-unknown", UNKNOWN[shows])
        assert "wrong" not in problem["seen"]
    authority = ensure(cloud.folder / "certificates").authority()
    names = tuple(f"sbc{number}.cert-nothing.contoso.example" for number in (1, 2))
    chain = pem([authority.issue(Made(names=names), server_key()), authority.certificate])
    _give_on_the_page(people, unknown["nothing"], chain)
    looked = operator.confirm(unknown["unknown-authority"], CHECK, "it is in Microsoft's program")
    assert looked.status_code == 200
    for onboarding in (*wrong.values(), *unknown.values()):
        people.completed(onboarding)
    remarks = " ".join(people.completed(ending)["findings"]["certificateRemarks"])
    assert "ends on" in remarks
    assert "in 9 days" in remarks or "in 10 days" in remarks
    assert remarks.split(":")[0] in people.page(ending)


def _give_on_the_page(people: People, onboarding: str, chain: str) -> None:
    """As a person does: into the form of the step, on the onboarding's page."""
    page = people.page(onboarding)
    form = page.partition(f"do-give-certificates-{CHECK}")[2].partition("</form>")[0]
    csrf = form.partition('name="csrf" value="')[2].partition('"')[0]
    sent = {"csrf": csrf, "action": "give-certificates", "step": CHECK, "certificate": chain}
    answer = people.operator.client.post(
        f"/dashboard/{onboarding}/actions", data=sent, headers={"Origin": str(people.operator.client.base_url)[:-5]}
    )
    assert answer.status_code == 303, answer.text
