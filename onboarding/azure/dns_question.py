"""One question to one DNS server: by UDP, by TCP when the answer doesn't fit, without EDNS when that is in the way."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dns.message import Message
    from dns.name import Name

UDP_PAYLOAD = 1232
"""Bytes of an answer that cross the Internet unfragmented (DNS Flag Day 2020); a longer one comes by TCP."""
SHOWN_REASON = 60
"""Characters of a server's own words that are kept."""


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to ask, at one address."""

    name: str
    address: str
    port: int
    authoritative: bool

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.address


class UnansweredError(Exception):
    """No answer that tells anything. The message is for people.

    `silent`: nothing came at all, which may be the server's fault as well as our own network's.
    """

    def __init__(self, why: str, *, silent: bool) -> None:
        super().__init__(why)
        self.silent = silent


@dataclass(frozen=True, slots=True)
class Asking:
    """A question: of which name, for records of which type.

    `to_resolver`: the server is to find the answer. `unchecked`: also one that fails DNSSEC, of which a resolver would
    say nothing but SERVFAIL (RFC 4035, 3.2.2: the CD bit).
    """

    name: Name
    kind: str
    to_resolver: bool = False
    unchecked: bool = False


async def ask(server: Server, asking: Asking, seconds: float) -> Message:
    """The server's answer: NOERROR or NXDOMAIN. Raises UnansweredError for anything else.

    The question is sent twice, the second time without EDNS (RFC 6891, 7): datagrams get lost, and servers and
    firewalls that don't know EDNS answer FORMERR, NOTIMP, BADVERS or nothing. All takes `seconds` at most.
    """
    import dns.exception
    import dns.rcode

    ends = time.monotonic() + seconds
    not_edns = (dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS)
    try:
        try:
            response = await _send(server, asking, seconds / 2, edns=True)
        except (dns.exception.Timeout, TimeoutError):
            response = None
        if response is None or response.rcode() in not_edns:
            response = await _send(server, asking, max(ends - time.monotonic(), 0.01), edns=False)
    except (dns.exception.Timeout, TimeoutError):
        raise UnansweredError("timeout", silent=True) from None
    except OSError as error:
        raise UnansweredError(error.strerror or type(error).__name__, silent=True) from None
    except (dns.exception.DNSException, EOFError, ValueError) as error:
        raise UnansweredError(str(error) or type(error).__name__, silent=False) from None
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise UnansweredError(_refusal(response), silent=False)
    return response


async def _send(server: Server, asking: Asking, seconds: float, *, edns: bool) -> Message:
    """The answer to the question sent once, whatever it says. Raises what dnspython raises."""
    import dns.asyncquery
    import dns.exception
    import dns.flags
    import dns.message

    flags = (dns.flags.RD if asking.to_resolver else 0) | (dns.flags.CD if asking.unchecked else 0)
    query = dns.message.make_query(
        asking.name, asking.kind, use_edns=0 if edns else False, payload=UDP_PAYLOAD if edns else None, flags=flags
    )
    # Datagrams that are no answer to the question, whoever sent them, are passed over.
    response: Message = await dns.asyncquery.udp(
        query, server.address, seconds, server.port, ignore_unexpected=True, ignore_errors=True
    )
    if not response.flags & dns.flags.TC:
        return response
    try:
        return await dns.asyncquery.tcp(query, server.address, seconds, server.port)
    except (dns.exception.Timeout, TimeoutError, OSError):
        raise UnansweredError("its answer is too long for UDP, and nothing came by TCP", silent=False) from None


def _refusal(response: Message) -> str:
    """The response code, and why, where the server says so (Extended DNS Errors, RFC 8914)."""
    import dns.rcode

    code = dns.rcode.to_text(response.rcode())
    reasons = [option.to_text().removeprefix("EDE ") for option in response.extended_errors()]
    return f"{code}: {'; '.join(reasons)[:SHOWN_REASON]}" if reasons else code
