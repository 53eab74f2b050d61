"""What a person does at a checkpoint: numbered actions, values to copy, pages to open. From Microsoft's article."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.core.operator_connect import (
    AZURE_COMMUNICATIONS_GATEWAY_APP_ID,
    DO_NOT_TOUCH,
    PORTAL,
    PORTAL_APPLICATION_IDS,
)
from onboarding.core.record import Record


@dataclass(frozen=True, slots=True)
class Value:
    """Something to copy as it is."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Instructions:
    """For one checkpoint (or a wait that a person may confirm) of one onboarding."""

    actions: tuple[str, ...]
    """In their order, without numbers."""
    values: tuple[Value, ...] = ()
    pages: tuple[Value, ...] = ()
    """Label and URL of the pages to open."""
    warning: str | None = None

    @property
    def numbered(self) -> tuple[str, ...]:
        """The actions as lines: `1. …`."""
        return tuple(f"{number}. {action}" for number, action in enumerate(self.actions, 1))


def instructions(step: str, record: Record) -> Instructions:
    """What to do at that step. Raises KeyError for a step that no person can confirm."""
    team = record.request.onboarding_team.name
    match step:
        case "operator-information":
            return Instructions(
                (
                    f"Wait for {team} to send the form for additional information.",
                    "Complete the form and give it back to them.",
                    "Wait until they confirm that the onboarding process is complete.",
                    "Confirm this step.",
                )
            )
        case "portal-access":
            return Instructions(
                (
                    "Open the Operator Connect portal as the admin user.",
                    "Check that you can sign in.",
                    "Confirm this step.",
                ),
                values=(Value("Admin user", record.request.admin_user),),
                pages=(Value("Operator Connect portal", PORTAL),),
                warning=DO_NOT_TOUCH,
            )
        case "add-application-ids":
            return Instructions(
                (
                    "Sign in to the Operator Connect portal and open Application Ids.",
                    "Add a new Application Id: the one of the gateway.",
                    "Add a second Application Id: the one of AzureCommunicationsGateway.",
                    "Confirm this step.",
                ),
                values=(
                    Value("Application Id of the gateway", record.findings.application_id or "not found yet"),
                    Value("Application Id of AzureCommunicationsGateway", AZURE_COMMUNICATIONS_GATEWAY_APP_ID),
                ),
                pages=(Value("Application Ids in the portal", PORTAL_APPLICATION_IDS),),
                warning=DO_NOT_TOUCH,
            )
        case "share-txt-record" | "txt-record-visible":
            return Instructions(
                (
                    f"See that {team} has the TXT record below.",
                    "See that it is configured for the gateway's domain.",
                    "Confirm this step, if the servers that are asked here can't see it (split-horizon DNS).",
                ),
                values=txt_values(record),
            )
    raise KeyError(f"nobody can confirm the step {step}")


def txt_values(record: Record) -> tuple[Value, ...]:
    """The TXT record, ready to paste; empty while it is not known."""
    txt = record.findings.txt_record
    if txt is None:
        return ()
    return (
        Value("Name", txt.name),
        Value("Type", txt.type),
        Value("Value", txt.value),
        Value("TTL", f"{txt.ttl} seconds"),
    )
