"""The app's settings in the sandbox: complete, accepted by the app, and led astray by nothing of the user's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onboarding.settings import Settings
from sandbox import settings
from sandbox.ports import Ports

PORTS = Ports(functions=8071, table=20002, broker=20672, identity=20081, arm=20443, graph=20444, teams=20445, dns=20053)


def test_the_app_accepts_every_setting_and_reads_the_sandbox_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings.settings(PORTS).items():
        monkeypatch.setenv(name, value)
    app = Settings()
    assert app.arm_endpoint == "https://127.0.0.1:20443"
    assert app.graph_endpoint == "https://127.0.0.1:20444"
    assert app.public_resolvers == ("127.0.0.1:20053",)
    assert app.dns_authoritative_port == 20053
    assert app.dns_private_servers, "its name servers are on the loopback"
    assert app.service_bus is not None
    assert "sb://127.0.0.1:20672;" in app.service_bus.get_secret_value()
    assert app.tables is not None
    assert "TableEndpoint=http://127.0.0.1:20002/devstoreaccount1;" in app.tables.get_secret_value()
    assert app.public_url == "http://localhost:8071"
    assert (app.poll_first, app.poll_longest, app.retry_first, app.nudge_grace) == (0.5, 2, 1, 5)
    assert app.mail_sender == "onboarding@contoso.com"
    assert app.teams_hosts == ("127.0.0.1",)


def test_every_setting_of_ours_is_one_that_the_app_knows() -> None:
    known = {f"ONBOARDING_{name.upper()}" for name in Settings.model_fields}
    ours = {name for name in settings.settings(PORTS) if name.startswith("ONBOARDING_")}
    assert ours <= known


def test_nothing_inherited_leads_to_a_real_cloud_or_through_a_proxy() -> None:
    inherited = settings.inherited(
        {
            "PATH": "/usr/bin",
            "HTTPS_PROXY": "http://proxy.example:8080",
            "NO_PROXY": "intranet.example",
            "AZURE_CLIENT_ID": "another identity",
            "AZURE_TENANT_ID": "another tenant",
            "IDENTITY_ENDPOINT": "http://169.254.169.254",
            "MSI_ENDPOINT": "http://169.254.169.254",
            "ServiceBus__fullyQualifiedNamespace": "contoso.servicebus.windows.net",
            "Tables__tableServiceUri": "https://contoso.table.core.windows.net",
            "AzureWebJobsStorage__accountName": "contoso",
            "ONBOARDING_ARM_ENDPOINT": "https://management.azure.com",
        }
    )
    assert inherited == {
        "PATH": "/usr/bin",
        "HTTPS_PROXY": "http://proxy.example:8080",
        "NO_PROXY": "intranet.example,127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
    }


def test_local_settings_json_is_written_as_func_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    assert settings.main(["--write", str(file), "--functions-port", "8071"]) == 0
    document = json.loads(file.read_text())
    assert document["IsEncrypted"] is False
    assert document["Host"] == {"LocalHttpPort": 8071}
    assert document["Values"] == settings.settings(Ports(functions=8071))
    assert all(isinstance(value, str) for value in document["Values"].values())


def test_without_a_file_the_settings_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert settings.main([]) == 0
    assert json.loads(capsys.readouterr().out)["Values"]["FUNCTIONS_WORKER_RUNTIME"] == "python"
