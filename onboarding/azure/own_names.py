"""What this application knows of itself, by the words that stand for it in advice: names, or the command that tells
them where only Azure knows. Pure.

Source of the names: Microsoft Learn, "Environment variables and app settings in Azure App Service".
"""

from __future__ import annotations

from collections.abc import Mapping

from onboarding.azure.permissions import IDENTITY

_APP, _GROUP = "WEBSITE_SITE_NAME", "WEBSITE_RESOURCE_GROUP"


def own_names(
    environ: Mapping[str, str], client_id: str | None, mail_sender: str | None, namespace: str | None
) -> dict[str, str | None]:
    """Placeholder, without its brackets → what stands in its place; None: it isn't known, as on a laptop.

    `namespace`: of Service Bus, such as `contoso.servicebus.windows.net`.
    """
    app = environ.get(_APP)
    group = environ.get(_GROUP) or (app and _asked(f"functionapp list --query \"[?name=='{app}'].resourceGroup\""))
    principal = app and _asked(f"functionapp identity show --name {app} --resource-group {group} --query principalId")
    identity = client_id or (principal and _asked(f"ad sp show --id {principal} --query appId"))
    object_id = identity and _asked(f"ad sp show --id {identity} --query id")
    bus = (namespace or "").partition(".")[0]
    return {
        "app": app,
        "group": group,
        IDENTITY.strip("<>"): identity,
        "client id": identity,
        "its object id": object_id,
        "principal id of the app's identity": object_id,
        "ONBOARDING_MAIL_SENDER": mail_sender,
        "resource id of the Service Bus namespace": bus
        and _asked(f"servicebus namespace list --query \"[?name=='{bus}'].id\""),
    }


def _asked(question: str) -> str:
    """A part of a command that asks Azure; understood by bash and PowerShell alike."""
    return f"$(az {question} --output tsv)"
