"""What Microsoft would refuse of a trunk's certificate: every rule, by certificates made for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from onboarding.core.certificate_chain import certificates_in
from onboarding.core.certificate_check import (
    CertificateFinding,
    Severity,
    TrunkSeen,
    check_chain,
    check_names,
    judge_certificates,
    shown,
)
from onboarding.core.certificate_facts import ChainFacts
from onboarding.core.x509 import UnreadableCertificateError, read_chain, read_given
from sandbox.microsoft.issuer import (
    FOR_CLIENTS,
    FOR_SERVERS,
    Issuer,
    Made,
    authority_key,
    ders,
    self_signed,
    server_key,
)
from tests.support.records import NOW

TRUNK = "sbc1.contoso.com"
ROOT = Issuer.root("Public Root", NOW)
BELOW = ROOT.below("Public CA 1", now=NOW)
GOOD = Made(names=(TRUNK,))


def issued(made: Made = GOOD, by: Issuer = BELOW, **key: object) -> x509.Certificate:
    return by.issue(made, now=NOW, **key)  # type: ignore[arg-type]


def facts(*certificates: x509.Certificate, roots: Sequence[Issuer] = (ROOT,)) -> ChainFacts:
    return read_chain(ders(certificates), ders([root.certificate for root in roots]))


def found(
    *certificates: x509.Certificate, roots: Sequence[Issuer] = (ROOT,), now: datetime = NOW
) -> list[CertificateFinding]:
    chain = facts(*certificates, roots=roots)
    return [*check_names(chain.own, TRUNK), *check_chain(chain, now)]


def wrong(*certificates: x509.Certificate, now: datetime = NOW) -> str:
    """The one thing that is wrong."""
    one = found(*certificates, now=now)
    assert [finding.severity for finding in one] == [Severity.WRONG], one
    assert one[0].what_next
    return one[0].seen


def warned(*certificates: x509.Certificate, now: datetime = NOW) -> str:
    one = found(*certificates, now=now)
    assert [finding.severity for finding in one] == [Severity.WARNING], one
    assert one[0].what_next
    return one[0].seen


def test_a_good_chain_has_nothing_to_be_said_with_its_root_or_without() -> None:
    assert found(issued(), BELOW.certificate) == []
    assert found(issued(), BELOW.certificate, ROOT.certificate) == []
    assert facts(issued(), BELOW.certificate).root == "Public Root"


# -- names


def test_another_name_is_named_with_what_was_expected() -> None:
    assert wrong(issued(Made(names=("sbc2.contoso.com",))), BELOW.certificate) == (
        "the certificate is for another name: its subject alternative names are sbc2.contoso.com; expected"
        " sbc1.contoso.com, or *.contoso.com, whose wildcard stands for one label only"
    )


def test_a_wildcard_two_labels_above_is_not_enough() -> None:
    assert "another name" in wrong(issued(Made(names=("*.com.contoso.com", "*.contoso.org"))), BELOW.certificate)
    assert found(issued(Made(names=("*.contoso.com",))), BELOW.certificate) == []


def test_the_common_name_counts_where_there_are_no_alternative_names_and_only_there() -> None:
    assert found(issued(Made(common_name=TRUNK)), BELOW.certificate) == []
    assert "names are other.example;" in wrong(
        issued(Made(common_name=TRUNK, names=("other.example",))), BELOW.certificate
    )
    assert "common name is other.example;" in wrong(issued(Made(common_name="other.example")), BELOW.certificate)


def test_a_certificate_without_any_name_says_so() -> None:
    chain = facts(issued(), BELOW.certificate)
    nameless = replace(chain.own, common_name=None, has_alternative_names=False, dns_names=())
    (one,) = check_names(nameless, TRUNK)
    assert "its common name is none;" in one.seen


def test_many_names_and_long_ones_are_shortened() -> None:
    many = tuple(f"trunk{number}.{'x' * 60}.example" for number in range(9))
    said = wrong(issued(Made(common_name="many", names=many)), BELOW.certificate)
    assert "and 4 more; expected" in said
    assert f"trunk0.{'x' * 56}…," in said
    assert shown("a\u202eb\nc") == "a?b?c"


# -- dates


def test_an_expired_certificate() -> None:
    made = Made(names=(TRUNK,), begins=timedelta(days=-30), ends=timedelta(days=-1))
    assert wrong(issued(made), BELOW.certificate) == "the certificate has expired on 2026-03-01 09:00 UTC"


def test_one_that_is_not_valid_yet() -> None:
    made = Made(names=(TRUNK,), begins=timedelta(hours=1))
    assert wrong(issued(made), BELOW.certificate).startswith("the certificate is not valid before ")


@pytest.mark.parametrize(("days", "said"), [(29, "in 29 days"), (1, "in 1 day"), (0, "in 0 days")])
def test_one_that_ends_within_thirty_days_is_told_of(days: int, said: str) -> None:
    made = Made(names=(TRUNK,), ends=timedelta(days=days, hours=1))
    assert warned(issued(made), BELOW.certificate).endswith(said)


def test_thirty_days_are_enough() -> None:
    assert found(issued(Made(names=(TRUNK,), ends=timedelta(days=30))), BELOW.certificate) == []


def test_an_intermediate_one_that_has_expired_is_named_and_a_root_that_has_is_not() -> None:
    old = Made(common_name="Old CA", usages=None, is_authority=True, begins=timedelta(days=-9), ends=timedelta(days=-2))
    below = ROOT.below("Old CA", old, now=NOW)
    assert "intermediate certificate 'Old CA' has expired" in wrong(issued(by=below), below.certificate)
    long_gone = Issuer.root("Old Root", NOW - timedelta(days=500))
    under = long_gone.below("CA", now=NOW)
    assert found(issued(by=under), under.certificate, long_gone.certificate, roots=[long_gone]) == []


# -- what it is for


def test_one_for_clients_only() -> None:
    said = wrong(issued(Made(names=(TRUNK,), usages=(FOR_CLIENTS,))), BELOW.certificate)
    assert said == (
        "the certificate is not for servers: its extended key usage lacks server authentication (1.3.6.1.5.5.7.3.1)"
    )
    assert found(issued(Made(names=(TRUNK,), usages=(FOR_CLIENTS, FOR_SERVERS))), BELOW.certificate) == []


def test_one_that_does_not_say_what_it_is_for() -> None:
    silent = issued(Made(names=(TRUNK,), usages=None))
    assert "does not say what it may be used for" in warned(silent, BELOW.certificate)


def test_an_authoritys_certificate_is_no_servers() -> None:
    said = wrong(issued(Made(names=(TRUNK,), is_authority=True)), BELOW.certificate)
    assert "that of an authority" in said


def test_an_issuer_that_is_no_authority() -> None:
    server = Issuer(issued(Made(names=("pretender.example",)), key=(key := authority_key())), key)
    said = [finding.seen for finding in found(issued(by=server), server.certificate)]
    assert "'pretender.example' has issued the one before it and may not: it is no authority's certificate" in said


def test_an_authority_that_may_not_issue_for_servers() -> None:
    made = Made(common_name="Mail CA", usages=(FOR_CLIENTS,), is_authority=True)
    below = ROOT.below("Mail CA", made, now=NOW)
    assert "authority 'Mail CA' may not issue" in wrong(issued(by=below), below.certificate)


# -- strength


def test_a_short_rsa_key() -> None:
    said = wrong(issued(key=server_key(1024)), BELOW.certificate)
    assert said == "the certificate has an RSA key of 1024 bits; expected 2048 or more"


def test_a_short_curve_and_a_good_one() -> None:
    curve = ec.generate_private_key(ec.SECP192R1())
    assert "an EC key of 192 bits; expected 256" in wrong(issued(key=curve), BELOW.certificate)
    assert "are for RSA keys" in warned(issued(key=authority_key()), BELOW.certificate)


def test_a_key_of_another_kind() -> None:
    said = wrong(issued(key=ed25519.Ed25519PrivateKey.generate()), BELOW.certificate)
    assert said == "the certificate has a key of the kind Ed25519; expected RSA"


def test_an_old_hash() -> None:
    """Made by OpenSSL: `cryptography` signs nothing with it any more, nor verifies it."""
    old = certificates_in((Path(__file__).parent / "certificates" / "sha1.pem").read_text())
    chain = read_chain(old, old[1:])
    assert [one.seen for one in check_chain(chain, datetime(2030, 1, 1, tzinfo=UTC))] == [
        "the certificate is signed with SHA1; expected SHA-256 or better"
    ]


# -- order and completeness


def test_the_wrong_order_is_told_with_the_right_one() -> None:
    said = wrong(BELOW.certificate, issued())
    assert said.endswith("is sbc1.contoso.com → Public CA 1")
    second = BELOW.below("Public CA 2", now=NOW)
    said = wrong(issued(by=second), BELOW.certificate, second.certificate)
    assert said.endswith("is sbc1.contoso.com → Public CA 2 → Public CA 1")


def test_what_does_not_belong_there_is_told_of() -> None:
    stranger = Issuer.root("Stranger", NOW).certificate
    assert warned(issued(), BELOW.certificate, stranger) == "these do not belong to the chain: 'Stranger'"


def test_a_missing_intermediate_certificate() -> None:
    assert wrong(issued()) == (
        "the chain is incomplete: the certificate of 'Public CA 1', which has issued this one, is missing"
    )


def test_a_self_signed_one_also_when_it_says_that_it_is_an_authority() -> None:
    assert "self-signed (by 'sbc1.contoso.com')" in wrong(self_signed(GOOD, NOW))
    assert "self-signed" in wrong(self_signed(Made(names=(TRUNK,), is_authority=True), NOW))


def test_an_intermediate_one_of_the_same_name_with_another_key() -> None:
    another = ROOT.below("Public CA 1", now=NOW)
    said = wrong(issued(), another.certificate)
    assert said.startswith("a certificate named 'Public CA 1' is there, and it has not issued 'sbc1.contoso.com'")


def test_an_authority_that_is_not_known_here_is_a_persons_to_judge() -> None:
    private = Issuer.root("Private Root", NOW)
    below = private.below("Private CA", now=NOW)
    for chain, where in (
        ((issued(by=below), below.certificate), "'Private Root' (the issuer of its last certificate)"),
        ((issued(by=below), below.certificate, private.certificate), "'Private Root' (its root)"),
    ):
        (one,) = found(*chain)
        assert one.severity is Severity.UNKNOWN
        assert where in one.seen
        assert "ccadb.org" in one.what_next


def test_a_cross_signed_root_counts_by_its_own_key_though_its_issuer_is_unknown() -> None:
    old = Issuer.root("Forgotten Root", NOW)
    crossed = old.issue(Made(common_name="Public Root", usages=None, is_authority=True), ROOT.key, NOW)
    assert found(issued(), BELOW.certificate, crossed) == []


def test_a_ring_of_authorities_ends() -> None:
    one, two = Issuer.root("One", NOW), Issuer.root("Two", NOW)
    made = Made(common_name="One", usages=None, is_authority=True)
    crossed = two.issue(made, one.key, NOW)
    back = one.issue(replace(made, common_name="Two"), two.key, NOW)
    assert facts(issued(by=one), crossed, back).path == (0, 1, 2)


# -- several trunks, several chains


def test_what_is_the_same_of_several_trunks_is_said_once_what_is_wrong_first() -> None:
    soon = facts(issued(Made(names=("*.contoso.com",), ends=timedelta(days=5))), BELOW.certificate)
    old = facts(issued(Made(names=("*.contoso.com",), ends=timedelta(hours=-1))), BELOW.certificate)
    verdict = judge_certificates(
        [
            TrunkSeen("a.contoso.com", (soon,)),
            TrunkSeen("b.contoso.com", why_not="the connection was refused"),
            TrunkSeen("c.contoso.com", (old,)),
            TrunkSeen("d.contoso.com", (soon,)),
        ],
        NOW,
    )
    assert [(finding.severity, names) for finding, names in verdict.findings] == [
        (Severity.WRONG, ("c.contoso.com",)),
        (Severity.UNKNOWN, ("b.contoso.com",)),
        (Severity.WARNING, ("a.contoso.com", "d.contoso.com")),
    ]
    assert "could not be seen from here: the connection was refused" in verdict.findings[1][0].seen
    assert verdict.valid_until == old.own.not_after
    assert judge_certificates([], NOW).valid_until is None


def test_each_trunk_takes_the_chain_that_was_given_for_it() -> None:
    first, second = issued(), issued(Made(names=("sbc2.contoso.com",), ends=timedelta(days=-1)))
    given = read_given(ders([first, BELOW.certificate, second, BELOW.certificate]), ders([ROOT.certificate]))
    assert [chain.own.common_name for chain in given] == [TRUNK, "sbc2.contoso.com"]
    verdict = judge_certificates([TrunkSeen(TRUNK, given), TrunkSeen("sbc2.contoso.com", given)], NOW)
    assert [(finding.seen[:27], names) for finding, names in verdict.findings] == [
        ("the certificate has expired", ("sbc2.contoso.com",))
    ]


def test_of_two_for_the_same_name_the_better_one_counts() -> None:
    given = read_given(ders([issued(), issued(), BELOW.certificate]), ders([ROOT.certificate]))
    assert judge_certificates([TrunkSeen(TRUNK, given)], NOW).findings == ()


def test_authorities_alone_are_one_chain() -> None:
    (chain,) = read_given(ders([BELOW.certificate, ROOT.certificate]))
    assert chain.leaf == 0


# -- reading


def test_what_is_no_certificate_is_said_with_its_place() -> None:
    with pytest.raises(UnreadableCertificateError) as caught:
        read_chain((*ders([issued()]), b"nonsense"))
    assert caught.value.place == 1


def test_a_root_that_can_not_be_read_is_nobodys_issuer() -> None:
    chain = read_chain(ders([issued(), BELOW.certificate]), (b"nonsense", *ders([ROOT.certificate])))
    assert chain.root == "Public Root"


def test_an_extension_that_can_not_be_read_makes_the_certificate_unreadable() -> None:
    key = authority_key()
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, TRUNK)])
    spoilt = x509.UnrecognizedExtension(x509.oid.ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x01\x02")
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=1))
        .add_extension(spoilt, critical=False)
        .sign(key, hashes.SHA256())
    )
    with pytest.raises(UnreadableCertificateError):
        read_chain(ders([made]))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("2a8648ce3d030107", "2a8648ce3d03017f", "has a key of the kind unknown"),
        ("2a8648ce3d040302", "2a8648ce3d04037f", "is signed with UNKNOWN"),
    ],
)
def test_a_key_or_hash_that_nobody_knows(before: str, after: str, said: str) -> None:
    """The object identifiers of a curve and of a signature, made into ones that mean nothing."""
    (der,) = ders([issued(key=authority_key())])
    chain = read_chain([der.replace(bytes.fromhex(before), bytes.fromhex(after))])
    assert said in " ".join(one.seen for one in check_chain(chain, NOW))


def test_a_name_without_a_common_name_is_shown_whole() -> None:
    key = authority_key()
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.ORGANIZATION_NAME, "Contoso")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=1))
    own = read_chain(ders([made.sign(key, hashes.SHA256())])).own
    assert (own.subject, own.common_name, own.names) == ("O=Contoso", None, ())
