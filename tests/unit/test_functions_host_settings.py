"""Settings, host.json and time spans of the local Functions host."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.functions_host import HostError
from sandbox.functions_host.connections import Connections
from sandbox.functions_host.hostjson import HostConfig
from sandbox.functions_host.settings import Settings
from sandbox.functions_host.timespan import format_timespan, parse_timespan


def written(path: Path, document: Any) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


class TestSettings:
    def test_the_environment_wins_over_the_file(self, tmp_path: Path) -> None:
        file = written(tmp_path / "s.json", {"Values": {"A": "file", "B": "file"}})
        settings = Settings.load(file, {"A": "environment", "C": "environment"})
        assert dict(settings) == {"A": "environment", "B": "file", "C": "environment"}

    def test_export_gives_the_app_what_it_lacks(self, tmp_path: Path) -> None:
        file = written(tmp_path / "s.json", {"Values": {"A": "file", "B": "file"}})
        environ = {"A": "environment"}
        Settings.load(file, environ).export(environ)
        assert environ == {"A": "environment", "B": "file"}

    def test_the_port_of_the_file(self, tmp_path: Path) -> None:
        assert Settings.load(written(tmp_path / "s.json", {"Host": {"LocalHttpPort": 7099}}), {}).port == 7099

    def test_a_byte_order_mark_is_no_mistake(self, tmp_path: Path) -> None:
        (tmp_path / "s.json").write_text(json.dumps({"Values": {"A": "x"}}), encoding="utf-8-sig")
        assert Settings.load(tmp_path / "s.json", {})["A"] == "x"

    @pytest.mark.parametrize(
        ("document", "sentence"),
        [
            ("{", "isn't valid JSON"),
            ([], "holds list; expected an object"),
            ({"IsEncrypted": True, "Values": {}}, "func settings decrypt"),
            ({"Values": []}, "Values in"),
            ({"Values": {"SPEED": 5}}, 'Put it in quotes: "SPEED": "5"'),
            ({"Values": {"DEEP": {"A": 1}}}, "app settings are texts"),
        ],
    )
    def test_a_file_that_cant_be_used_says_why(self, tmp_path: Path, document: Any, sentence: str) -> None:
        with pytest.raises(HostError, match=r"s\.json") as caught:
            Settings.load(written(tmp_path / "s.json", document), {})
        assert sentence in str(caught.value)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(HostError, match=r"nowhere\.json"):
            Settings.load(tmp_path / "nowhere.json", {})

    def test_names_between_percent_signs_are_replaced(self) -> None:
        settings = Settings({"STEP": "add-domain", "N": "2"})
        assert settings.expand("%STEP%-%N%", "The queue of x") == "add-domain-2"
        assert settings.expand("plain", "The queue of x") == "plain"

    def test_an_unset_name_says_whose_it_is_and_where_to_set_it(self) -> None:
        with pytest.raises(HostError, match=r"The queue of x is '%STEP%', but the app setting STEP isn't set"):
            Settings({}).expand("%STEP%", "The queue of x")


class TestConnections:
    @pytest.mark.parametrize("name", ["ServiceBus", "AzureWebJobsServiceBus", "ServiceBus__fullyQualifiedNamespace"])
    def test_the_forms_that_the_real_host_knows(self, name: str) -> None:
        Connections(Settings({name: "somewhere"})).check("ServiceBus", "The queue trigger of x")

    def test_no_form_at_all_is_refused(self) -> None:
        with pytest.raises(HostError, match="ServiceBus__fullyQualifiedNamespace"):
            Connections(Settings({"ServiceBus": ""})).check("ServiceBus", "The queue trigger of x")

    async def test_an_identity_based_connection_goes_to_its_namespace(self) -> None:
        host_name = "contoso.servicebus.windows.net"
        connections = Connections(Settings({"ServiceBus__fullyQualifiedNamespace": host_name}))
        client = await connections.client("ServiceBus")
        assert client.fully_qualified_namespace == host_name
        assert await connections.client("ServiceBus") is client
        await connections.close()


class TestHostJson:
    def test_the_real_hosts_defaults(self, tmp_path: Path) -> None:
        config = HostConfig.load(written(tmp_path / "host.json", {"version": "2.0"}))
        debugged = HostConfig.load(
            tmp_path / "host.json", {"AzureFunctionsJobHost__logging__logLevel__default": "Debug"}
        )
        assert (config.log_level, debugged.log_level) == (logging.INFO, logging.DEBUG)
        assert config == HostConfig()
        assert (config.route_prefix, config.max_concurrent_calls, config.prefetch_count) == ("api", 16, 0)
        assert config.max_lock_renewal == timedelta(minutes=5)
        assert config.function_timeout == timedelta(minutes=30)

    def test_what_is_set_is_taken(self, tmp_path: Path) -> None:
        document = {
            "version": "2.0",
            "functionTimeout": "00:10:00",
            "logging": {"logLevel": {"default": "Warning", "Function": "Debug"}},
            "extensions": {
                "http": {"routePrefix": ""},
                "serviceBus": {
                    "maxConcurrentCalls": 4,
                    "prefetchCount": 2,
                    "maxAutoLockRenewalDuration": "00:01:30",
                },
            },
            "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
        }
        assert HostConfig.load(written(tmp_path / "host.json", document)) == HostConfig(
            route_prefix="",
            max_concurrent_calls=4,
            prefetch_count=2,
            max_lock_renewal=timedelta(seconds=90),
            function_timeout=timedelta(minutes=10),
            log_level=logging.DEBUG,
        )

    def test_no_timeout(self, tmp_path: Path) -> None:
        document = {"version": "2.0", "functionTimeout": "-1"}
        assert HostConfig.load(written(tmp_path / "host.json", document)).function_timeout is None

    @pytest.mark.parametrize(
        ("document", "sentence"),
        [
            ("{", "Can't read"),
            ({}, 'lacks "version": "2.0"'),
            ({"version": "2.0", "functionTimeout": 300}, "functionTimeout"),
            ({"version": "2.0", "functionTimeout": "24:00:00"}, "expected a time span such as 00:05:00"),
            (
                {"version": "2.0", "logging": {"logLevel": {"default": "Loud"}}},
                "expected one of Trace, Debug",
            ),
            ({"version": "2.0", "extensions": {"http": {"routePrefix": 1}}}, "expected a text"),
            (
                {"version": "2.0", "extensions": {"serviceBus": {"maxConcurrentCalls": 0}}},
                "expected a whole number of at least 1",
            ),
            (
                {"version": "2.0", "extensions": {"serviceBus": {"prefetchCount": True}}},
                "prefetchCount",
            ),
            (
                {"version": "2.0", "extensions": {"serviceBus": {"autoCompleteMessages": False}}},
                "settles messages itself",
            ),
        ],
    )
    def test_a_mistake_says_key_value_and_what_was_expected(self, tmp_path: Path, document: Any, sentence: str) -> None:
        with pytest.raises(HostError) as caught:
            HostConfig.load(written(tmp_path / "host.json", document))
        assert sentence in str(caught.value)
        assert str(tmp_path) in str(caught.value)

    def test_a_folder_without_one_is_no_function_app(self, tmp_path: Path) -> None:
        with pytest.raises(HostError, match="Point --app at the folder"):
            HostConfig.load(tmp_path / "host.json")


class TestTimespan:
    @pytest.mark.parametrize(
        ("text", "span"),
        [
            ("00:05:00", timedelta(minutes=5)),
            ("23:59", timedelta(hours=23, minutes=59)),
            ("1.02:03:04", timedelta(days=1, hours=2, minutes=3, seconds=4)),
            ("00:00:00.5", timedelta(milliseconds=500)),
            ("00:00:00.1234567", timedelta(microseconds=123456)),
        ],
    )
    def test_as_dotnet_reads_it(self, text: str, span: timedelta) -> None:
        assert parse_timespan(text) == span

    @pytest.mark.parametrize("text", ["", "5", "24:00:00", "00:60:00", "-00:01:00", "five minutes"])
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no time span"):
            parse_timespan(text)

    def test_and_back(self) -> None:
        assert format_timespan(timedelta(days=1, seconds=61)) == "1.00:01:01"
        assert format_timespan(timedelta(minutes=5)) == "00:05:00"
