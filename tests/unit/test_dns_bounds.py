"""What a zone's owner can't do: have private addresses asked, or keep others from their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from onboarding import app
from onboarding.azure.dns import DnsLookup
from onboarding.azure.dns_bounds import (
    ADDRESSES_OF_A_SERVER,
    LOOKS_AT_ONCE,
    LOOKS_OF_A_DOMAIN,
    Turns,
    is_on_the_internet,
    to_ask,
)
from onboarding.settings import settings

PUBLIC = ["1.1.1.1", "40.90.4.1", "2606:4700:4700::1111", "2603:1061::1"]
NOT_PUBLIC = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "10.0.0.4",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.251",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::fb",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:1.1.1.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "2001:0:7f00:1::1",
]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    settings.cache_clear()
    app.engine.cache_clear()


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_asked(address: str) -> None:
    assert is_on_the_internet(address)
    assert to_ask([address], private=False) == [address]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_any_other_is_asked_only_where_a_setting_says_so(address: str) -> None:
    assert not is_on_the_internet(address)
    assert to_ask([address], private=False) == []
    assert to_ask([address], private=True) == [address]


def test_of_many_addresses_some_are_asked_and_private_ones_take_no_place() -> None:
    many = [f"1.1.1.{n}" for n in range(9)]
    assert to_ask(many, private=True) == many[:ADDRESSES_OF_A_SERVER]
    assert to_ask(["10.0.0.1", "10.0.0.2", "10.0.0.3", "1.1.1.1"], private=False) == ["1.1.1.1"]


async def test_names_below_one_domain_leave_the_others_their_turn() -> None:
    turns, release, begun = Turns(), asyncio.Event(), list[str]()

    async def look(name: str) -> None:
        async with turns.turn(name):
            begun.append(name)
            await release.wait()

    async def settle() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    slow = [asyncio.create_task(look(f"gw.z{n}.Evil.example.")) for n in range(100)]
    await settle()
    assert len(begun) == LOOKS_OF_A_DOMAIN
    other = asyncio.create_task(look("contoso.commsgw.azure.com"))
    await settle()
    assert begun[-1] == "contoso.commsgw.azure.com"
    more = [asyncio.create_task(look(f"a.of{n}.example")) for n in range(LOOKS_AT_ONCE)]
    await settle()
    assert len(begun) == LOOKS_AT_ONCE
    release.set()
    await asyncio.gather(*slow, other, *more)
    assert len(begun) == 101 + LOOKS_AT_ONCE


@pytest.mark.parametrize(("said", "private"), [(None, False), ("false", False), ("true", True)])
def test_the_setting_reaches_the_lookup(said: str | None, private: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, object]] = []

    class Noted(DnsLookup):
        def __init__(self, resolvers: Sequence[str], **options: Any) -> None:
            made.append(options)
            super().__init__(resolvers, **options)

    monkeypatch.setattr(app, "DnsLookup", Noted)
    monkeypatch.setenv("ServiceBus", "Endpoint=sb://localhost;SharedAccessKeyName=a;SharedAccessKey=b")
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    monkeypatch.setenv("ONBOARDING_DNS_LOOK_TIMEOUT", "7")
    monkeypatch.delenv("ONBOARDING_DNS_PRIVATE_SERVERS", raising=False)
    if said:
        monkeypatch.setenv("ONBOARDING_DNS_PRIVATE_SERVERS", said)
    settings.cache_clear()
    app.engine.cache_clear()
    app.engine()
    of_dns, of_tls = made
    assert (of_dns["private"], of_dns["look_timeout"], of_tls["private"]) == (private, 7, False)
