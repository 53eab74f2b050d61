"""What the settings of the steps' app permit: an empty one permits any."""

from __future__ import annotations

import pytest

from onboarding.core.permitted import ANYTHING, Permitted
from tests.support.requests import SUBSCRIPTION

OTHER = "11111111-2222-4333-8444-555555555555"


def test_nothing_set_permits_anything() -> None:
    assert ANYTHING.has_gateway(OTHER, "rg")
    assert ANYTHING.has_subscription(OTHER)
    assert ANYTHING.has_admin_user("eve@evil.example")
    assert ANYTHING.has_domain("evil.example")
    assert ANYTHING.has_address("eve@evil.example")


@pytest.mark.parametrize(
    ("listed", "subscription", "group", "permitted"),
    [
        (SUBSCRIPTION, SUBSCRIPTION.upper(), "any", True),
        (SUBSCRIPTION, OTHER, "any", False),
        (f"{SUBSCRIPTION}/RG-Voice", SUBSCRIPTION, "rg-voice", True),
        (f"{SUBSCRIPTION}/rg-voice", SUBSCRIPTION, "rg-voice2", False),
        (f"{SUBSCRIPTION}/rg-voice", OTHER, "rg-voice", False),
    ],
)
def test_gateways_by_subscription_or_resource_group(
    listed: str, subscription: str, group: str, permitted: bool
) -> None:
    assert Permitted(subscriptions=(listed,)).has_gateway(subscription, group) is permitted
    assert Permitted(subscriptions=(listed,)).has_subscription(subscription) is (subscription != OTHER)


@pytest.mark.parametrize(
    ("user", "permitted"),
    [
        ("Voice.Admin@contoso.com", True),
        ("anybody@fabrikam.com", True),
        ("mallory@contoso.com", False),
        ("mallory@evil.fabrikam.com", False),
        ("mallory@evilfabrikam.com", False),
        (OTHER, True),
        (SUBSCRIPTION, False),
        ("John_gmail.com#ext#@Fabrikam.com", True),
        ("john_gmail.com#EXT#@contoso.com", True),
        ("mary_gmail.com#EXT#@contoso.com", False),
    ],
)
def test_admin_users_by_name_object_id_or_domain(user: str, permitted: bool) -> None:
    listed = ("voice.admin@contoso.com", "@Fabrikam.com", OTHER, "john_gmail.com#EXT#@contoso.com")
    assert Permitted(admin_users=listed).has_admin_user(user) is permitted


@pytest.mark.parametrize(
    ("name", "permitted"),
    [
        ("commsgw.azure.com", True),
        ("abc.CommsGW.azure.com", True),
        ("evilcommsgw.azure.com", False),
        ("commsgw.azure.com.evil.example", False),
    ],
)
@pytest.mark.parametrize("listed", ["commsgw.azure.com", ".commsgw.azure.com"])
def test_domains_and_addresses_by_what_they_end_with(listed: str, name: str, permitted: bool) -> None:
    assert Permitted(domain_suffixes=(listed,)).has_domain(name) is permitted
    assert Permitted(mail_domains=(listed,)).has_address(f"a@{name}") is permitted


def test_one_address_that_is_refused_leaves_the_others() -> None:
    permitted = Permitted(mail_domains=("contoso.com",))
    assert permitted.addresses(("a@contoso.com", "eve@evil.example", "b@contoso.com")) == (
        "a@contoso.com",
        "b@contoso.com",
    )
