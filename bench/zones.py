"""`python -m bench.zones PORT`: name servers of any number of zones below `zones.example`, all without a TXT record.

`gateway-7.zone-3.zones.example` is in the zone `zone-3.zones.example`, whose servers are at 127.0.0.1 and 127.0.0.2.
The simulated Microsoft has one zone only.
"""

from __future__ import annotations

import asyncio
import sys

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

ROOT = dns.name.from_text("zones.example.")
ADDRESSES = {"ns1": "127.0.0.1", "ns2": "127.0.0.2"}
TTL = 3600


def domain(gateway: str, zone: int) -> str:
    """The domain of a gateway in a zone."""
    return f"{gateway}.zone-{zone}.zones.example"


def answer(query: dns.message.Message) -> dns.message.Message:
    """What each of these servers says: authoritative, and a resolver for whoever asks for recursion."""
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.AA
    question = query.question[0]
    depth = len(question.name.relativize(ROOT).labels) if question.name.is_subdomain(ROOT) else 0
    zone = question.name if depth == 1 else question.name.parent() if depth == 2 else ROOT
    kind = dns.rdatatype.to_text(question.rdtype)
    soa = f"ns1.{zone} hostmaster.{zone} 1 3600 300 1209600 60"
    host = question.name.labels[0].decode()
    if depth == 1 and kind in ("SOA", "NS"):
        values = [soa] if kind == "SOA" else [f"{name}.{zone}" for name in ADDRESSES]
        response.answer.append(dns.rrset.from_text(question.name, TTL, "IN", kind, *values))
    elif depth == 2 and kind == "A" and host in ADDRESSES:
        response.answer.append(dns.rrset.from_text(question.name, TTL, "IN", kind, ADDRESSES[host]))
    else:
        response.authority.append(dns.rrset.from_text(zone, 60, "IN", "SOA", soa))
    return response


class _Server(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self._transport.sendto(answer(dns.message.from_wire(data)).to_wire(), address)  # type: ignore[attr-defined]


async def main(port: int) -> None:
    loop = asyncio.get_running_loop()
    for address in ADDRESSES.values():
        await loop.create_datagram_endpoint(_Server, local_addr=(address, port))
    print("READY {}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
