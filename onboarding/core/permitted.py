"""What the settings of the steps' app permit, whoever writes the table or sends messages: `bounded` holds to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Permitted:
    """What the settings permit. Empty: any."""

    subscriptions: tuple[str, ...] = ()
    """Subscription ids, or `subscription id/resource group`."""
    admin_users: tuple[str, ...] = ()
    """User names and object ids, or `@domain` for every user of a domain."""
    domain_suffixes: tuple[str, ...] = ()
    mail_domains: tuple[str, ...] = ()
    dns_zones: tuple[str, ...] = ()
    """Resource ids of zones of Azure DNS."""
    applications: tuple[str, ...] = ()
    """Client ids."""

    def has_gateway(self, subscription_id: str, resource_group: str) -> bool:
        """Whether gateways of a resource group may be read and changed."""
        return _any(self.subscriptions, (subscription_id.lower(), f"{subscription_id}/{resource_group}".lower()))

    def has_subscription(self, subscription_id: str) -> bool:
        """Whether there may be such a gateway in a subscription."""
        return not self.subscriptions or subscription_id.lower() in {
            one.partition("/")[0].lower() for one in self.subscriptions
        }

    def has_admin_user(self, user: str) -> bool:
        """Whether a user may be made Admin."""
        return _any(self.admin_users, (user.lower(), f"@{user.rpartition('@')[2]}".lower() if "@" in user else ""))

    def has_application(self, client_id: str) -> bool:
        """Whether an application that a request names may be given roles."""
        return _any(self.applications, (client_id.lower(),))

    def has_domain(self, name: str) -> bool:
        """Whether a domain may be made the tenant's."""
        return not self.domain_suffixes or _is_within(name, self.domain_suffixes)

    def has_dns_zone(self, arm_id: str) -> bool:
        """Whether TXT records may be added to a zone of Azure DNS."""
        return _any(self.dns_zones, (arm_id.lower(),))

    def has_address(self, address: str) -> bool:
        """Whether e-mail may be sent to an address."""
        return not self.mail_domains or _is_within(address.rpartition("@")[2], self.mail_domains)

    def addresses(self, to: Sequence[str]) -> tuple[str, ...]:
        """Those that e-mail may be sent to: one that may not have any must not silence the others."""
        return tuple(address for address in to if self.has_address(address))


ANYTHING = Permitted()
"""No setting bounds it."""


def _any(listed: Iterable[str], names: Iterable[str]) -> bool:
    known = {one.lower() for one in listed}
    return not known or not known.isdisjoint(names)


def _is_within(name: str, domains: Iterable[str]) -> bool:
    """Whether a domain is one of these, or below one."""
    lower = name.lower()
    return any(lower == one or lower.endswith(f".{one}") for one in (d.lower().strip(".") for d in domains))
