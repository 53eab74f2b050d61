"""DNS records without sockets: what each server has, and the onboarding team that publishes them."""

from __future__ import annotations

import dns.message
import dns.rcode
import pytest

from sandbox.microsoft.clock import Clock
from sandbox.microsoft.graph.state import Directory
from sandbox.microsoft.options import Options
from sandbox.microsoft.team import OnboardingTeam
from sandbox.microsoft.zone import SERVERS, Records

NAME = "abc.commsgw.azure.com"


@pytest.fixture
def clock() -> Clock:
    return Clock(source=lambda: 1_000_000.0)


@pytest.fixture
def records(clock: Clock) -> Records:
    return Records(clock)


@pytest.fixture
def team(clock: Clock, records: Records) -> OnboardingTeam:
    options = Options(dns_delay=60)
    directory = Directory(clock, options, "tenant")
    directory.add_domain(NAME)
    return OnboardingTeam(directory, records, options)


def ask(records: Records, server: str, name: str = NAME, kind: str = "TXT") -> dns.message.Message:
    return records.answer(dns.message.make_query(name, kind), server)


def test_long_values_are_split_into_strings(records: Records) -> None:
    value = 'a"b\\' + "c" * 600
    records.put("*", NAME, [value])
    record = ask(records, "resolver").answer[0][0]
    assert b"".join(record.strings).decode() == value
    assert max(map(len, record.strings)) == 255


def test_a_name_between_is_empty_not_absent(records: Records) -> None:
    records.put("*", f"deep.down.{NAME}", ["x"])
    assert ask(records, "ns1", f"down.{NAME}").rcode() == dns.rcode.NOERROR
    assert ask(records, "ns1", f"other.{NAME}").rcode() == dns.rcode.NXDOMAIN


def test_names_are_case_insensitive(records: Records) -> None:
    records.put("*", NAME, ["x"])
    assert ask(records, "ns1", NAME.upper()).answer


def test_the_team_publishes_on_every_server_after_its_delay(
    team: OnboardingTeam, records: Records, clock: Clock
) -> None:
    value = team.directory.verification_text(NAME)
    team.hear("mailbox", f"TXT for {NAME}: {value}")
    team.hear("teams", f"Reminder: {value}")
    assert len(records.planned) == 1, "telling it twice does not publish it twice"
    clock.advance(59)
    assert all(records.values(server, NAME) == set() for server in SERVERS)
    clock.advance(1)
    assert all(records.values(server, NAME) == {value} for server in SERVERS)
    team.hear("mailbox", value)
    assert records.planned == []


def test_the_team_keeps_other_values_of_the_name(team: OnboardingTeam, records: Records, clock: Clock) -> None:
    records.put("*", NAME, ["MS=ms00000001"])
    value = team.directory.verification_text(NAME)
    team.hear("mailbox", value)
    clock.advance(60)
    assert records.values("ns1", NAME) == {"MS=ms00000001", value}


@pytest.mark.parametrize(
    ("channel", "text"),
    [("mailbox", "nothing to publish"), ("mailbox", "MS=ms99999999 of no domain of ours"), ("portal", "VALUE")],
)
def test_the_team_does_nothing_otherwise(channel: str, text: str, team: OnboardingTeam, records: Records) -> None:
    team.hear(channel, text.replace("VALUE", team.directory.verification_text(NAME)))
    assert records.planned == []


def test_the_team_may_never_act(team: OnboardingTeam, records: Records) -> None:
    team.options.dns_delay = None
    team.hear("mailbox", team.directory.verification_text(NAME))
    assert records.planned == []
