"""How a request says where the TXT record is published, and the rules of names, values and zones."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.azure.dns_zone import MOST_VALUES, DnsZone, DnsZoneId, TxtSet
from onboarding.core.publishing import (
    APEX,
    DnsPublishing,
    cut,
    joined,
    longest_zone,
    publishing_reasons,
    relative_name,
    same_name,
)
from onboarding.core.reasons import InvalidRequestError, read_part

SUBSCRIPTION = "6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63"
ZONE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns/providers/Microsoft.Network/dnsZones/contoso.com"
OWNER = {"name": "DNS team", "email": "dns@contoso.com"}


@pytest.mark.parametrize("part", [{"azureZone": ZONE}, {"server": "corp-dns"}, {"owner": OWNER}])
def test_one_of_three_ways(part: dict[str, Any]) -> None:
    assert read_part(DnsPublishing, part).by_us == ("owner" not in part)
    assert [*publishing_reasons(part, "dns")] == []


@pytest.mark.parametrize(
    ("part", "seen"),
    [({}, "none"), ({"azureZone": ZONE, "server": "corp"}, "azureZone and server"), ({"owner": None}, "none")],
)
def test_none_or_several_are_refused(part: dict[str, Any], seen: str) -> None:
    (reason,) = publishing_reasons(part, "dns")
    assert (reason.field, reason.rule) == ("dns", "one_way")
    assert reason.message == f"needs exactly one of azureZone, server, owner; it has {seen} of them"


def test_what_is_no_object_has_its_reason_from_its_field() -> None:
    assert [*publishing_reasons("contoso.com", "dns")] == []


@pytest.mark.parametrize(
    "zone",
    [
        "contoso.com",
        ZONE.replace("/dnsZones/", "/privateDnsZones/"),
        f"{ZONE}/TXT/@",
        ZONE.replace(SUBSCRIPTION, "mine"),
        f"{ZONE}/",
        f"/x{ZONE}",
        f"{ZONE}\n",
    ],
)
def test_a_zone_is_named_by_its_resource_id(zone: str) -> None:
    assert DnsZoneId.parse(zone) is None
    with pytest.raises(InvalidRequestError, match="the resource id of an Azure DNS zone, such as /subscriptions/"):
        read_part(DnsPublishing, {"azureZone": zone})


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_part(DnsPublishing, {"azureZone": "x", "server": "a b", "owner": {"email": "x"}, "zone": ZONE})
    assert [reason.field for reason in caught.value.reasons] == [
        "azureZone",
        "server",
        "owner.name",
        "owner.email",
        "zone",
    ]


def test_a_zones_id_in_any_case_is_one_zone() -> None:
    one, other = DnsZoneId.parse(ZONE), DnsZoneId.parse(ZONE.replace("dnsZones", "dnszones").replace("rg-", "RG-"))
    assert one is not None
    assert other is not None
    assert one.key == other.key
    assert one.arm_id == ZONE
    assert one.txt_set_arm_id(APEX) == f"{ZONE}/TXT/@"


@pytest.mark.parametrize(
    ("name", "zone", "relative"),
    [
        ("contoso.com", "contoso.com", APEX),
        ("Contoso.com.", "contoso.COM", APEX),
        ("sip.contoso.com", "contoso.com.", "sip"),
        ("a.SIP.contoso.com", "contoso.com", "a.sip"),
        ("notcontoso.com", "contoso.com", None),
        ("contoso.com", "sip.contoso.com", None),
    ],
)
def test_a_name_in_a_zone(name: str, zone: str, relative: str | None) -> None:
    assert relative_name(name, zone) == relative


def test_the_longest_zone_has_the_name() -> None:
    zones = ["contoso.com", "sip.contoso.com", "other.example"]
    assert longest_zone("a.sip.contoso.com", zones) == "sip.contoso.com"
    assert longest_zone("www.contoso.com", zones) == "contoso.com"
    assert longest_zone("fabrikam.com", zones) is None
    assert same_name("NS1.contoso.com.", "ns1.contoso.com")


@pytest.mark.parametrize("length", [0, 1, 255, 256, 511])
def test_a_value_is_cut_and_joined_again(length: int) -> None:
    value = "".join(str(n % 10) for n in range(length))
    strings = cut(value)
    assert joined(strings) == value
    assert all(len(string) <= 255 for string in strings)
    assert len(strings) == max(1, -(-length // 255))


# -- what is added to a set

SPF = {"value": ["v=spf1 include:_spf.contoso.com", " -all"]}
SET = {
    "etag": "1",
    "name": "@",
    "properties": {
        "TTL": 300,
        "fqdn": "contoso.com.",
        "provisioningState": "Succeeded",
        "metadata": {"team": "mail"},
        "targetResource": {},
        "TXTRecords": [SPF],
    },
}


def test_a_value_is_added_and_everything_else_stays() -> None:
    there = TxtSet("@", SET)
    assert there.values == ("v=spf1 include:_spf.contoso.com -all",)
    assert there.with_value("MS=ms1", 3600) == {
        "properties": {
            "TTL": 300,
            "metadata": {"team": "mail"},
            "targetResource": {},
            "TXTRecords": [SPF, {"value": ["MS=ms1"]}],
        }
    }
    assert there.body == SET, "what was read is not touched"


def test_a_set_that_is_not_there_is_made() -> None:
    there = TxtSet("sip")
    assert (there.etag, there.values) == (None, ())
    assert there.with_value("MS=ms1", 3600) == {"properties": {"TTL": 3600, "TXTRecords": [{"value": ["MS=ms1"]}]}}


def test_nothing_is_written_without_a_value_that_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may write TXT sets may empty them: the program's own guard."""
    monkeypatch.setattr("onboarding.azure.dns_zone.copy.deepcopy", lambda value: {**value, "TXTRecords": []})
    with pytest.raises(AssertionError, match="a value that was read would not be written"):
        TxtSet("@", SET).with_value("MS=ms1", 3600)


def test_a_full_set_says_of_what() -> None:
    def holding(*values: str) -> TxtSet:
        return TxtSet("@", {"properties": {"TXTRecords": [{"value": cut(value)} for value in values]}})

    assert holding(*"abcdefghijklmnopqrs").why_full("MS=ms1") is None
    many = holding(*(str(n) for n in range(MOST_VALUES))).why_full("MS=ms1")
    assert many == "has 20 values, and 20 is the most that one can have"
    long = holding("x" * 4000, "y" * 95).why_full("MS=ms1")
    assert long == "has values of 4095 characters together, and 4096 is the most that one can have"


def test_a_zone_is_delegated_to_any_of_its_servers() -> None:
    zone = DnsZone({"properties": {"nameServers": ["ns1-01.azure-dns.com.", "ns2-01.azure-dns.net."]}})
    assert zone.is_delegated_to(("NS2-01.azure-dns.net", "ns.other.example"))
    assert not zone.is_delegated_to(("ns.other.example",))
    assert DnsZone({}).name_servers == ()
