"""Constants of the Operator Connect and Teams Phone Mobile programmes, as Microsoft's article gives them."""

from __future__ import annotations

from collections.abc import Mapping

from onboarding.core import patterns
from onboarding.core.answers import AnswerKind, Field

PROJECT_SYNERGY_APP_ID = "eb63d611-525e-4a31-abd7-0cb33f679599"
PROJECT_SYNERGY_DISPLAY_NAME = "Operator Connect"
"""The name that the article's New-AzureADServicePrincipal gives it."""

AZURE_COMMUNICATIONS_GATEWAY_APP_ID = "8502a0ec-c76d-412f-836c-398018e2312b"
"""The second id to enter in the portal: the same for everyone."""

ADMIN_ROLE = "Admin"
"""Its id is published nowhere: it is looked up in Project Synergy's app roles."""

APPLICATION_ROLES: Mapping[str, str] = {
    "TrunkManagement.Read": "72129ccd-8886-42db-a63c-2647b61635c1",
    "TrunkManagement.Write": "e907ba07-8ad0-40be-8d72-c18a0b3c156b",
    "PartnerSettings.Read": "d6b0de4a-aab5-4261-be1b-0e1800746fb2",
    "NumberManagement.Read": "130ecbe2-d1e6-4bbd-9a8d-9a7a909b876e",
    "NumberManagement.Write": "752b4e79-4b85-4e33-a6ef-5949f0d7d553",
    "Data.Read": "eb63d611-525e-4a31-abd7-0cb33f679599",
    "Data.Write": "98d32f93-eaa7-4657-b443-090c23e69f27",
}
"""Value → the article's id. Data.Read's equals Project Synergy's own app id, which may be a slip of the article:
so roles are resolved by value in the tenant, and these ids are only compared with what is found."""

OTHER_APPLICATION_ROLES = ("PartnerSettings.Write",)
"""Values that are given to applications too, beyond the article's. Their ids are published nowhere.
Source: azure-docs, articles/communications-gateway/provision-user-roles.md."""

PORTAL = "https://operatorconnect.microsoft.com/"
PORTAL_APPLICATION_IDS = "https://operatorconnect.microsoft.com/operator/configuration"

ONBOARDED_ALREADY = "the operator is onboarded to the Operator Connect or Teams Phone Mobile environment already"
"""When the article lets a step be left out, as the end of a sentence."""

ASK_OPERATOR_ID = Field(
    "operatorId",
    "Operator ID",
    hint=f"As the portal shows it at {PORTAL_APPLICATION_IDS}. The onboarding team asks for it before the tests.",
    pattern=patterns.OPERATOR_ID,
    expected="the Operator ID as the portal shows it: at most 100 letters (A to Z), digits, spaces or any of . _ : -",
)
"""Source: article "Prepare for live traffic with Operator Connect", where it is found and who is given it."""
ASK_EVIDENCE = Field(
    "evidence",
    "Link to evidence",
    AnswerKind.LINK,
    hint="Such as the form or the mail, where your people can open it. Whoever reads the onboarding sees the link.",
)
