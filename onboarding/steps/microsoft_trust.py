"""What a session border controller must trust of Microsoft's, and let in. Data, with its date and sources: it changes.

Roots: Microsoft 365 message center MC1213773 (Direct Routing and Operator Connect), as reported by
https://spanvox.com/teams-direct-routing-certificate-changes-2026, https://telcobridges.com/?p=171707 and
https://maxime.hiez.ca/en/blog/2025-12-15-teams-certificate-changes-for-teams-direct-routing. Ranges: Microsoft Learn,
"Plan Direct Routing", SIP signalling; that they are Operator Connect's over the Internet too is not published: with
peering the addresses are those of Microsoft's specifications.
"""

from __future__ import annotations

TRUST_AS_OF = "November 2026"
MICROSOFT_ROOTS = (
    "DigiCert Global Root CA",
    "DigiCert Global Root G2",
    "DigiCert Global Root G3",
    "DigiCert TLS ECC P384 Root G5",
    "DigiCert TLS RSA4096 Root G5",
    "Microsoft ECC Root Certificate Authority 2017",
    "Microsoft RSA Root Certificate Authority 2017",
)
SIGNALLING_RANGES = ("52.112.0.0/14", "52.120.0.0/14")
