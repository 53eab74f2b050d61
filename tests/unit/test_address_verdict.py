"""What the servers of a zone say of a trunk's name, and what that comes to."""

from __future__ import annotations

import pytest

from onboarding.ports import AddressAnswer
from onboarding.steps.address_verdict import AddressKind, judge_addresses, together

NAME = "sbc1.voice.contoso.example"
ONE, TWO = AddressAnswer("ns1", ("20.0.0.1",)), AddressAnswer("ns2", ("20.0.0.1",))
SILENT = AddressAnswer("ns2", error="timeout", silent=True)


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        ((ONE, TWO), AddressKind.PUBLIC, f"{NAME} is 20.0.0.1."),
        ((ONE, SILENT), AddressKind.SOMEWHERE, "no answer from ns2 (timeout)"),
        ((ONE, AddressAnswer("ns2", ("20.0.0.2",))), AddressKind.DIFFERENT, "ns1 says 20.0.0.1, ns2 says 20.0.0.2"),
        ((ONE, AddressAnswer("ns2")), AddressKind.DIFFERENT, "ns2 says none"),
        ((AddressAnswer("ns1", ("192.168.1.4",)),), AddressKind.PRIVATE, "has 192.168.1.4, which nobody"),
        ((AddressAnswer("ns1", ("203.0.113.5",)),), AddressKind.PRIVATE, "203.0.113.5"),
        ((AddressAnswer("ns1", ("127.0.0.1",)),), AddressKind.PRIVATE, "127.0.0.1"),
        ((AddressAnswer("ns1", ("20.0.0.1", "10.0.0.1")),), AddressKind.PRIVATE, "has 10.0.0.1,"),
        ((AddressAnswer("ns1"),), AddressKind.NOTHING_YET, "has no A record, by ns1"),
        ((AddressAnswer("ns1", alias="x.example"),), AddressKind.NOWHERE, "an alias (CNAME) of x.example, which has"),
        ((AddressAnswer("ns1", error="SERVFAIL"), SILENT), AddressKind.FAILING, "ns1 (SERVFAIL)"),
        ((SILENT,), AddressKind.BLIND, "no answer from ns2"),
        ((), AddressKind.BLIND, "no answer from any server"),
    ],
)
def test_a_verdict_for_each_case(answers: tuple[AddressAnswer, ...], kind: AddressKind, said: str) -> None:
    verdict = judge_addresses(answers, NAME)
    assert verdict.kind is kind
    assert said in verdict.sentence


def test_in_the_sandbox_trunks_are_on_this_machine_and_nowhere_else_private() -> None:
    assert judge_addresses([AddressAnswer("ns1", ("127.0.0.1",))], NAME, loopback=True).kind is AddressKind.PUBLIC
    assert judge_addresses([AddressAnswer("ns1", ("10.0.0.1",))], NAME, loopback=True).kind is AddressKind.PRIVATE


def test_the_gravest_of_several_counts_and_those_that_are_good_are_not_told() -> None:
    good, none = judge_addresses([ONE], "good.example"), judge_addresses([AddressAnswer("ns1")], "none.example")
    private = judge_addresses([AddressAnswer("ns1", ("10.0.0.1",))], "private.example")
    found = together([none, good, private])
    assert found.kind is AddressKind.PRIVATE
    assert found.sentence.startswith("private.example")
    assert "none.example" in found.sentence
    assert "good.example" not in found.sentence
    assert together([good, good]).sentence == f"{good.sentence} {good.sentence}"
    assert together([]).kind is AddressKind.PUBLIC
