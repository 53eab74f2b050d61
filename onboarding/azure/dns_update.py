"""DNS servers that take updates (RFC 2136), signed with a key that both know (TSIG, RFC 8945), by dnspython.

An update adds one record and touches nothing else: that is the server's business, so there is nothing to merge here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from onboarding.azure.update_server import UpdateServer, zone_of_server
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError
from onboarding.core.publishing import BY_HAND, cut
from onboarding.ports import DnsUpdates, TxtAnswer, TxtRecord

if TYPE_CHECKING:
    from dns.message import Message
    from dns.rrset import RRset


class DnsUpdater(DnsUpdates):
    """A port `DnsUpdates`. `keys`: name of a key → its secret in base64. Seconds: `timeout` for one exchange."""

    def __init__(self, servers: Mapping[str, UpdateServer], keys: Mapping[str, str], timeout: float) -> None:
        self._servers = servers
        self._keys = keys
        self._timeout = timeout

    async def zone_at(self, server: str, name: str) -> str:
        """The zone that the server is sent updates of the name in."""
        return zone_of_server(server, {known: one.zones for known, one in self._servers.items()}, name)

    async def txt_at(self, server: str, name: str) -> TxtAnswer:
        """What that server says of a name's TXT records."""
        found, alias = await self._found(server, name)
        values = tuple(b"".join(rdata.strings).decode("utf-8", "replace") for rdata in found or ())
        return TxtAnswer(server, True, values, alias=alias)

    async def update_txt(self, server: str, record: TxtRecord) -> None:
        """Have it add one TXT record; the TTL of a set that is there already stays, as it is one for all its records.

        An alias at the name makes it fail: servers pass over a record that is added beside one (RFC 2136, 3.4.2.2).
        """
        import dns.name
        import dns.rdataclass
        import dns.rdatatype
        import dns.rdtypes.ANY.TXT
        import dns.update

        there, _ = await self._found(server, record.name)
        zone, name = await self.zone_at(server, record.name), dns.name.from_text(record.name)
        update = dns.update.UpdateMessage(zone)
        update.absent(name, "CNAME")
        texts = [text.encode() for text in cut(record.value)]
        rdata = dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, dns.rdatatype.TXT, texts)
        update.add(name, record.ttl if there is None else there.ttl, rdata)
        await self._exchange(server, update, f"add a TXT record at {record.name}")

    async def _found(self, server: str, name: str) -> tuple[RRset | None, str | None]:
        """The TXT set at a name, and where an alias there leads."""
        import dns.message
        import dns.name
        import dns.rdatatype

        zone_of_server(server, {known: one.zones for known, one in self._servers.items()}, name)
        # With EDNS: without, an answer of more than 512 bytes comes by TCP, which is one way more that may be closed.
        query = dns.message.make_query(name, "TXT", use_edns=0, payload=1232, flags=0)
        response = await self._exchange(server, query, f"say which TXT records stand at {name}")
        qname = dns.name.from_text(name)
        alias = next((r for r in response.answer if r.rdtype == dns.rdatatype.CNAME and r.name == qname), None)
        if alias is not None:
            return None, alias[0].target.to_text(omit_final_dot=True)
        return next((r for r in response.answer if r.rdtype == dns.rdatatype.TXT and r.name == qname), None), None

    async def _exchange(self, server: str, message: Message, what: str) -> Message:
        """Sign a message, send it, and have the answer's signature checked; by TCP where it is too long for UDP.

        Raises StepProblemError for everything but success; that there is no such name is success.
        """
        import dns.asyncquery
        import dns.exception
        import dns.rcode
        import dns.tsig

        known = self._servers[server]
        asked = f"The DNS server '{server}' ({known.address}, port {known.port}), asked to {what},"
        key = dns.tsig.Key(known.key, self._keys.get(known.key, ""), known.algorithm)
        message.use_tsig(key)
        try:
            response, _ = await dns.asyncquery.udp_with_fallback(
                message, known.address, self._timeout, known.port, ignore_unexpected=True
            )
        except (dns.exception.Timeout, TimeoutError):
            raise TryLaterError(ProblemCode.TIMEOUT, f"{asked} did not answer in time.", in_the_end=_WAY) from None
        except (OSError, EOFError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise TryLaterError(ProblemCode.NO_ANSWER, f"{asked} was not reached: {why}.", in_the_end=_WAY) from None
        except (dns.tsig.PeerError, dns.tsig.BadTime, dns.tsig.BadSignature, dns.tsig.BadKey) as error:
            raise _key_refused(asked, known, type(error).__name__) from None
        except dns.exception.DNSException as error:
            told = f"{asked} gave an answer that can't be read ({type(error).__name__})."
            raise TryLaterError(ProblemCode.UNEXPECTED_ANSWER, told) from None
        if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise _refused(asked, known, dns.rcode.to_text(response.rcode()))
        if not response.had_tsig:
            raise _key_refused(asked, known, "BadSignature")
        return response


_WAY = (
    "Let the steps' app send UDP and TCP to that address and port (network security group, firewall), and see that the"
    f" server runs. {BY_HAND}"
)


def _key_refused(asked: str, server: UpdateServer, error: str) -> PersonMustActError:
    """What is wrong with the signature, by dnspython's name for it."""
    named, what_next = _KEY_PROBLEMS.get(error, _KEY_PROBLEMS["BadSignature"])
    return PersonMustActError(
        ProblemCode.DNS_KEY_REFUSED,
        f"{asked} {named} (key {server.key}, {server.algorithm}).",
        f"{what_next} Then retry the step. {BY_HAND}",
    )


_SAME_KEY = (
    "Compare the key's name, algorithm and secret on the server with ONBOARDING_DNS_SERVERS and ONBOARDING_DNS_KEYS of"
    " the steps' app."
)
_CLOCKS = "The time on the server differs from this application's by more than five minutes: have its clock set."
_KEY_PROBLEMS: Mapping[str, tuple[str, str]] = {
    "PeerBadKey": ("does not know the key that signs it, BADKEY", _SAME_KEY),
    "PeerBadSignature": ("says that the signature is wrong, BADSIG", _SAME_KEY),
    "PeerBadTime": ("says that the signature is of another time, BADTIME", _CLOCKS),
    "PeerBadTruncation": ("says that the signature is too short, BADTRUNC", _SAME_KEY),
    "BadTime": ("gave an answer that is signed at another time", _CLOCKS),
    "BadKey": ("gave an answer that is signed with another key", _SAME_KEY),
    "BadSignature": ("gave an answer that is not signed, or wrongly, so it is not believed", _SAME_KEY),
}


def _refused(asked: str, server: UpdateServer, code: str) -> StepProblemError:
    """What a response code means (RFC 2136, 2.2)."""
    seen = f"{asked} answered {code}"
    zones = ", ".join(server.zones)
    if code in ("SERVFAIL", "FORMERR", "NOTIMP"):
        told = _CODES[code]
        return TryLaterError(ProblemCode.OUTAGE, f"{seen}: {told}.", in_the_end=f"See the server's log. {BY_HAND}")
    if code in ("YXRRSET", "YXDOMAIN"):
        return PersonMustActError(
            ProblemCode.TXT_NAME_TAKEN,
            f"{seen}: an alias (CNAME) stands at that name, and no TXT record can stand beside it.",
            f"Have the alias taken away, or the TXT record added where it leads; then retry the step. {BY_HAND}",
        )
    told, what_next = _REFUSALS.get(code, ("", "See the server's log."))
    return PersonMustActError(
        ProblemCode.DNS_UPDATE_REFUSED,
        f"{seen}{told}.",
        f"{what_next.format(key=server.key, zones=zones)} Then retry the step. {BY_HAND}",
    )


_CODES: Mapping[str, str] = {
    "SERVFAIL": "it failed itself",
    "FORMERR": "it does not understand the message",
    "NOTIMP": "it takes no updates",
}
_REFUSALS: Mapping[str, tuple[str, str]] = {
    "REFUSED": (
        ": its rules don't let this key do that",
        "Have the server grant the key {key} to add TXT records in {zones} (BIND: `update-policy`; Knot: an `acl` with"
        " `action: update`), and to ask for them.",
    ),
    "NOTAUTH": (
        ": it is not authoritative for the zone",
        "See that `address` in ONBOARDING_DNS_SERVERS is the primary of {zones}, and `zones` is right.",
    ),
    "NOTZONE": (
        ": the name is not in the zone",
        "See that `zones` in ONBOARDING_DNS_SERVERS are zones of that server as it has them.",
    ),
}
