r"""What a text of a request looks like: patterns that mean the same to everybody who reads them.

Four engines do: pydantic's (Rust) and Python's `re` here; ECMA-262's with the flag `u` in whatever validates by the
API's description (JSON Schema 2020-12, core 6.4), and with the flag `v` where a form shows one (HTML's `pattern`).
So each is made of what all four have and agree on:

- characters, classes, `( ) | ? * + {m,n}`, and `^ $` around the whole;
- no `\w`, `\d`, `\s` or `\b`, whose characters differ, and no `.`: ranges are written out;
- in a class, what `v` keeps for itself is escaped: `( ) [ ] { } / - \ |`. Nothing else is: `u` refuses `\"` and `\'`.

Python's `$` also matches before a line break at the end: here they are used with `fits`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_BLANKS = r"\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""White space by Unicode and by ECMA-262 (which has U+FEFF, and not U+0085), and the control characters."""
_LETTERS = (
    r"0-9A-Z_a-z\u00aa\u00b5-\u05ff\u0620-\u06d5\u06e5-\u06ff\u0710-\u088f\u08a0-\u08c9\u0904-\u167f\u1681-\u17e9"
    r"\u1810-\u1fff\u2071-\u2e2f\u3005-\ud7ff\uf900-\ufefc\uff10-\uffdc"
)
"""Letters, digits and `_`, of all scripts that Azure takes (by UTF-16 unit, so none beyond U+FFFF): each stretch from
its first letter to its last. What stands between them, and is no letter, Azure refuses itself; blanks, controls and
characters that nobody sees are in none."""

GUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
RESOURCE_NAME = r"^[a-zA-Z0-9\-]{3,24}$"
"""Of a gateway and of a test line (swagger 2023-09-01)."""
RESOURCE_GROUP = rf"^[{_LETTERS}.\(\)\-]{{0,89}}[{_LETTERS}\(\)\-]$"
"""Source: Microsoft Learn, "Naming rules and restrictions for Azure resources"."""
PEERING_NAME = r"^[A-Za-z0-9_.\-]{1,80}$"
"""What one may be is published nowhere; this is what names of Azure resources have in common."""
PEERING_ID = (
    rf"^/subscriptions/{GUID[1:-1]}/resource[Gg]roups/{RESOURCE_GROUP[1:-1]}"
    rf"/providers/[Mm]icrosoft\.[Pp]eering/peerings/{PEERING_NAME[1:-1]}$"
)
"""The resource id of a peering."""
EMAIL = rf"^[^@<>\u0022,;{_BLANKS}]+@[^@<>\u0022,;{_BLANKS}]+\.[^@<>\u0022,;.{_BLANKS}]+$"
_NEVER = rf"@<>\(\)\[\]\\,;:?\u0022{_BLANKS}"
EMAIL_ADDRESS = rf"^[^{_NEVER}]+@[^{_NEVER}]+\.[^.{_NEVER}]+$"
"""What all addresses that are accepted today have in common; EMAIL is what ever was. `email_problem` knows more."""
USER_NAME = rf"^([^@\/\\?%<>\u0022{_BLANKS}]+@[A-Za-z0-9.\-]+|{GUID[1:-1]})$"
"""A user principal name (a guest's has `#EXT#` before the `@`, and a name may have an apostrophe), or an object id."""
DOMAIN_NAME = (
    r"^([A-Za-z0-9]([A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.)+"
    r"([A-Za-z]{2,63}|[Xx][Nn]--[A-Za-z0-9\-]{0,58}[A-Za-z0-9])$"
)
"""The last label is letters, or punycode (`xn--p1ai`)."""
AZURE_ZONE = (
    rf"^\/[sS]ubscriptions\/{GUID[1:-1]}\/[rR]esource[gG]roups\/[{_LETTERS}.\(\)\-]{{0,89}}[{_LETTERS}\(\)\-]"
    rf"\/[pP]roviders\/[mM]icrosoft\.[nN]etwork\/[dD]ns[zZ]ones\/{DOMAIN_NAME[1:-1]}$"
)
"""The resource id of a zone of Azure DNS."""
DNS_SERVER = r"^[0-9A-Z_a-z\-]{1,64}$"
"""What the settings call a DNS server that takes updates."""
TSIG_KEY = r"^[0-9A-Z_a-z\-]{1,63}(\.[0-9A-Z_a-z\-]{1,63})*\.?$"
"""The name of a key, which is written like a name in DNS (RFC 8945)."""
PHONE_NUMBER = r"^\+[1-9][0-9]{6,14}$"
"""E.164 with its country code."""
PORT = r"^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$"
"""1 to 65535."""
OBJECT_ID = r"^[0-9A-Za-z\-]{1,64}$"
"""Of what is kept to be shown: what is asked of Microsoft is asked by GUID."""
TXT_NAME = r"^[0-9A-Z_a-z\-]{1,63}(\.[0-9A-Z_a-z\-]{1,63}){1,10}$"
RECORD_NAME = r"^(@|[0-9A-Z_a-z\-]{1,63}(\.[0-9A-Z_a-z\-]{1,63}){0,10})$"
"""Of a record set, relative to its zone."""
TXT_VALUE = r"^MS=[0-9A-Za-z]{1,100}$"
"""Source: Microsoft Graph v1.0, domainDnsTxtRecord of verificationDnsRecords (`MS=ms…`)."""
ONBOARDING_ID = r"^[A-Za-z0-9\-]{3,24}-[0-9A-Fa-f]{10}$"
"""A gateway's name or domain and ten digits of a digest, in any case (`Gateway.onboarding_id`)."""
PLAN_ID = r"^[0-9]{8}-[0-9]{6}-[0-9a-f]{12}$"
"""When it was asked for, and twelve digits by chance."""
CHECKSUM = r"^[0-9a-f]{64}$"
"""SHA-256, in hexadecimal digits."""
MESSAGE_SUBJECT = r"^[a-z0-9][A-Za-z0-9:._\-]{0,199}$"
"""What a queue message is about: the name of a step, or the id of a notice."""
DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
"""Of a calendar (ISO 8601); that there is such a day it does not say."""
LINK = (
    r"^https:\/\/[0-9A-Za-z]([0-9A-Za-z.\-]{0,251}[0-9A-Za-z])?(:[0-9]{1,5})?"
    rf"([\/?#][^<>\u0022\u0027\\{_BLANKS}]*)?$"
)
"""With a host as it is in DNS (punycode), and no name or password before it: nothing that looks like another place."""
OPERATOR_ID = r"^[0-9A-Z_a-z][0-9A-Z_a-z .:\-]{0,99}$"
"""As the Operator Connect portal shows it. No public page says what one looks like: safe characters."""
SIGNED_LINK = r"^[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]{43}$"
"""What a signed link says, and 32 bytes of signature, in base64url."""

ADDRESS_EXAMPLE = "voice-ops@contoso.com"
IN_WORDS: Mapping[str, str] = {
    GUID: "a GUID, such as 1f0e9d8c-7b6a-4958-8473-62514f3e2d1c",
    RESOURCE_NAME: "3 to 24 letters (A to Z), digits or hyphens",
    RESOURCE_GROUP: "the name of a resource group: up to 90 letters, digits or any of _ - . ( ), not ending with '.'",
    PEERING_ID: (
        "the resource id of a peering: /subscriptions/…/resourceGroups/…/providers/Microsoft.Peering/peerings/…"
    ),
    EMAIL: f"an e-mail address, such as {ADDRESS_EXAMPLE}",
    USER_NAME: "a user principal name, such as voice.admin@contoso.com, or the user's object id",
    DOMAIN_NAME: "a domain name, such as voice.contoso.com",
    AZURE_ZONE: "the resource id of an Azure DNS zone, such as /subscriptions/1f0e9d8c-7b6a-4958-8473-62514f3e2d1c"
    "/resourceGroups/rg-dns/providers/Microsoft.Network/dnsZones/contoso.com",
    DNS_SERVER: "the name of a DNS server in ONBOARDING_DNS_SERVERS: up to 64 letters (A to Z), digits, hyphens or _",
}
"""What a person is told to send."""


def fits(pattern: str, text: str) -> bool:
    """Whether a text is as a pattern of this module says."""
    return re.fullmatch(pattern, text) is not None
