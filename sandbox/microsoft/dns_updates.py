"""Dynamic updates (RFC 2136), signed by TSIG (RFC 8945), as the primary of the operator's zone takes them.

It grants one key the TXT records of some zones, as BIND does by `update-policy { grant KEY zonesub TXT; };`. What is
added is at ns1 at once, and everywhere else after `dnsDelay`, as secondaries and resolvers have it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import dns.exception
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update

from sandbox.microsoft.options import Options
from sandbox.microsoft.zone import Records

PRIMARY = "ns1"
GOOD = "good"


class UpdateKey:
    """The key that both know. `dnsKey` of the options says how the server takes what it signs."""

    def __init__(self, values: Mapping[str, str], options: Options) -> None:
        self._key = dns.tsig.Key(values["name"], values["secret"], values["algorithm"])
        self._options = options

    def read(self, wire: bytes) -> dns.message.Message:
        """A message, its signature checked where it has one.

        Raises:
            dns.exception.DNSException: it can't be read.
            SignatureRefusedError: it is signed, and wrongly.
        """
        try:
            message = dns.message.from_wire(wire, keyring={self._key.name: self._key})
        except (dns.message.UnknownTSIGKey, dns.tsig.BadKey, dns.tsig.BadAlgorithm):
            raise SignatureRefusedError(wire, dns.rcode.BADKEY) from None
        except dns.tsig.BadSignature:
            raise SignatureRefusedError(wire, dns.rcode.BADSIG) from None
        except dns.tsig.BadTime:
            raise SignatureRefusedError(wire, dns.rcode.BADTIME) from None
        if message.had_tsig and self._options.dns_key != GOOD:
            raise SignatureRefusedError(wire, dns.rcode.from_text(self._options.dns_key))
        return message


class SignatureRefusedError(Exception):
    """A message is signed, and its signature does not hold."""

    def __init__(self, wire: bytes, error: dns.rcode.Rcode) -> None:
        super().__init__(dns.rcode.to_text(error))
        self._wire = wire
        self._error = error

    def answer(self) -> bytes:
        """NOTAUTH with a TSIG record that says why and is signed with nothing (RFC 8945, 5.2)."""
        query = dns.message.from_wire(self._wire, keyring=False, ignore_trailing=True)
        response = dns.message.make_response(query)
        # Nothing may stand after the TSIG record (RFC 8945, 5.1), and the OPT record of EDNS would.
        response.use_edns(False)
        response.set_rcode(dns.rcode.NOTAUTH)
        signed = query.tsig
        assert signed is not None
        rdata: Any = signed[0]
        clock = struct.pack("!HI", 0, rdata.time_signed) if self._error == dns.rcode.BADTIME else b""
        refusal = rdata.replace(mac=b"", error=self._error, other=clock)
        response.additional.append(dns.rrset.from_rdata(signed.name, 0, refusal))
        return response.to_wire()


def updated(records: Records, query: dns.message.Message, zones: frozenset[str]) -> dns.message.Message:
    """Do what an update asks, whole or not at all; the answer to it. `zones` are those that the key may write in."""
    response = dns.message.make_response(query)
    assert isinstance(query, dns.update.UpdateMessage)
    response.set_rcode(_refusal(records, query, zones))
    if response.rcode() == dns.rcode.NOERROR:
        for change in query.update:
            _apply(records, change)
    return response


def _refusal(records: Records, query: dns.update.UpdateMessage, zones: frozenset[str]) -> dns.rcode.Rcode:
    zone = query.zone[0].name
    if zone.to_text(omit_final_dot=True).lower() not in zones:
        return dns.rcode.NOTAUTH
    if not query.had_tsig:
        return dns.rcode.REFUSED
    if not all(named.name.is_subdomain(zone) for named in (*query.prerequisite, *query.update)):
        return dns.rcode.NOTZONE
    for wanted in query.prerequisite:
        there = records.has(PRIMARY, wanted.name, wanted.rdtype)
        if wanted.deleting == dns.rdataclass.NONE and there:
            return dns.rcode.YXRRSET
        if wanted.deleting == dns.rdataclass.ANY and not there:
            return dns.rcode.NXRRSET
        if wanted.deleting is None:
            return dns.rcode.NOTIMP
    kinds = {change.rdtype for change in query.update}
    return dns.rcode.NOERROR if kinds <= {dns.rdatatype.TXT} else dns.rcode.REFUSED


def _apply(records: Records, change: dns.rrset.RRset) -> None:
    name = change.name.to_text(omit_final_dot=True)
    texts = [b"".join(rdata.strings).decode("utf-8", "replace") for rdata in change]
    there = records.txt[PRIMARY].get(change.name, [])
    if change.deleting is not None:
        gone = set(texts or there)
        for server in records.txt:
            records.put(server, name, [text for text in records.txt[server].get(change.name, []) if text not in gone])
    elif change.name not in records.aliases:
        # Beside an alias it is passed over (RFC 2136, 3.4.2.2).
        new = [text for text in texts if text not in there]
        records.put(PRIMARY, name, there + new)
        if (delay := records.options.dns_delay) is not None:
            for text in new:
                records.plan(name, text, delay)
