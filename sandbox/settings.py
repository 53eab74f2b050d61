"""The function app's settings in the sandbox, as data.

`python -m sandbox.settings --write local.settings.json` writes them for `func start` (docs/local.md).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox import azurite
from sandbox.options import FOLDER, ROOT, add_place, chosen_ports
from sandbox.ports import HOST, Ports

SEED = ROOT / "sandbox" / "microsoft" / "seed.json"
"""The simulated world at its start, with its secrets: the identity endpoint's header, the webhook's signature."""
MAIL_SENDER = "onboarding@contoso.com"

UPDATED_SERVER = "contoso-primary"
"""The DNS server that takes updates, as a request names it."""


def told_of_events(ports: Ports) -> dict[str, str]:
    """Settings with which the receiver in the sandbox is told of events; without them nobody is, as in Azure."""
    world = json.loads(SEED.read_text(encoding="utf-8"))
    return {
        "ONBOARDING_EVENTS_URL": f"https://{HOST}:{ports.events}/events",
        "ONBOARDING_EVENTS_SECRET": world["events"]["secret"],
    }


PROXIES = frozenset({"NO_PROXY", "no_proxy"})
_OF_ANOTHER_CLOUD = (
    "AZURE_", "IDENTITY_", "MSI_", "IMDS_", "ONBOARDING_", "SERVICEBUS", "TABLES", "AZUREWEBJOBS",
    "APPLICATIONINSIGHTS_", "OTEL_",
)  # fmt: skip


def certificate_authority(folder: Path = FOLDER) -> Path:
    """The PEM file of the private authority that signs the simulator's certificates."""
    return folder / "certificates" / "ca.pem"


def settings(ports: Ports, folder: Path = FOLDER) -> dict[str, str]:
    """What `func` reads from local.settings.json, and the Functions host from its environment."""
    storage = azurite.connection_string(ports)
    world = json.loads(SEED.read_text(encoding="utf-8"))
    key = world["dnsUpdates"]["key"]
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": storage,
        "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "262144",
        "Tables": storage,
        "ServiceBus": (
            f"Endpoint=sb://{HOST}:{ports.broker};SharedAccessKeyName=RootManageSharedAccessKey;"
            "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
        ),
        "IDENTITY_ENDPOINT": f"http://{HOST}:{ports.identity}/msi/token",
        "IDENTITY_HEADER": world["identityHeader"],
        "ONBOARDING_ARM_ENDPOINT": f"https://{HOST}:{ports.arm}",
        "ONBOARDING_GRAPH_ENDPOINT": f"https://{HOST}:{ports.graph}",
        "ONBOARDING_CA_FILE": str(certificate_authority(folder)),
        "ONBOARDING_PUBLIC_RESOLVERS": f"{HOST}:{ports.dns}",
        "ONBOARDING_DNS_AUTHORITATIVE_PORT": str(ports.dns),
        "ONBOARDING_DNS_PRIVATE_SERVERS": "true",
        # That of `samples/own-sbc-dns-server.json`, whose zone the simulated ns1 has.
        "ONBOARDING_DNS_SERVERS": json.dumps({UPDATED_SERVER: update_server(ports, world["dnsUpdates"])}),
        "ONBOARDING_DNS_KEYS": json.dumps({key["name"]: key["secret"]}),
        "ONBOARDING_TLS_PRIVATE_ADDRESSES": "true",
        # Two weeks of waiting pass in seconds here; for Azure, the defaults of onboarding.settings hold.
        "ONBOARDING_TIMER_SCHEDULE": "*/1 * * * * *",
        "ONBOARDING_POLL_FIRST": "0.5",
        "ONBOARDING_POLL_LONGEST": "2",
        "ONBOARDING_RETRY_FIRST": "1",
        "ONBOARDING_TXT_SETTLE": "5",
        "ONBOARDING_TXT_TELL_AFTER": "10",
        "ONBOARDING_NUDGE_GRACE": "5",
        "ONBOARDING_STEP_TIMEOUT": "20",
        "ONBOARDING_STEP_LEASE": "25",
        "ONBOARDING_NOTICE_LEASE": "25",
        "ONBOARDING_TEAMS_WEBHOOK_URL": (
            f"https://{HOST}:{ports.teams}/workflows/{world['teams']['workflow']}/triggers/manual/paths/invoke"
            f"?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={world['teams']['signature']}"
        ),
        "ONBOARDING_TEAMS_HOSTS": HOST,
        "ONBOARDING_MAIL_SENDER": MAIL_SENDER,
        "ONBOARDING_OPERATOR_NAME": "Contoso",
        "ONBOARDING_OPERATOR_CONTACT": "voice-ops@contoso.com",
        "ONBOARDING_PUBLIC_URL": f"http://localhost:{ports.functions}",
        "ONBOARDING_LINK_KEY": "a key for the sandbox only, not a secret",
        # All samples name her but `second-person.json`: whoever else of the domain, when a second person says yes.
        "ONBOARDING_PERMITTED_ADMIN_USERS": "voice.admin@contoso.com,@contoso.com",
        # Of the samples with an application of the operator's own.
        "ONBOARDING_PERMITTED_APPLICATIONS": (
            "2b7e4f60-9c1d-4a83-b5e2-7d0f3a6c8e15,8d1c5a92-3e7f-4b06-a9d4-1f6e0c2b7a38"
        ),
        # Whoever tries it out, and the tests, begin many in a few minutes.
        "ONBOARDING_REQUESTS_PER_HOUR": "0",
        "ONBOARDING_PLANS_PER_HOUR": "0",
        "ONBOARDING_MAILS_PER_HOUR": "0",
        "ONBOARDING_SANDBOX_USER": "olga.operator",
        # The control port takes what is exported, and shows it: GET /telemetry/tree?onboarding=…
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{ports.control}",
        "OTEL_METRIC_EXPORT_INTERVAL": "2000",
    }


def update_server(ports: Ports, updates: Mapping[str, Any]) -> dict[str, Any]:
    """The primary of the operator's zone, as ONBOARDING_DNS_SERVERS has one.

    By the resolver's address: what is asked there without recursion goes to ns1, also where the machine has no second
    loopback address.
    """
    key = updates["key"]
    return {
        "address": HOST,
        "port": ports.dns,
        "zones": updates["zones"],
        "key": key["name"],
        "algorithm": key["algorithm"],
    }


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, without what would lead the SDKs to a real cloud or through a proxy."""
    kept = {k: v for k, v in environ.items() if not k.upper().startswith(_OF_ANOTHER_CLOUD)}
    for name in PROXIES:
        kept[name] = ",".join(filter(None, [environ.get(name, ""), HOST, "localhost"]))
    return {**kept, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}


def document(ports: Ports, folder: Path = FOLDER) -> str:
    """The settings as a local.settings.json."""
    content = {
        "IsEncrypted": False,
        "Values": settings(ports, folder),
        "Host": {"LocalHttpPort": ports.functions},
    }
    return json.dumps(content, indent=2) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write or print the settings."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.settings",
        description="The app's settings in the sandbox, for `func start` of the Azure Functions Core Tools.",
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write them here, such as local.settings.json")
    add_place(parser)
    given = parser.parse_args(arguments)
    text = document(chosen_ports(given, Ports.default()), given.folder.resolve())
    if given.write:
        given.write.write_text(text, encoding="utf-8")
        print(f"{given.write}: {len(settings(Ports.default()))} settings.", file=sys.stderr)
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
