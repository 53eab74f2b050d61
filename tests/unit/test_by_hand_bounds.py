"""Which calls of a record become commands: what this application sends, and nothing that somebody else put there."""

from __future__ import annotations

import json
import shlex
import shutil
import string
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.azure.calls import (
    add_application_call,
    add_domain_call,
    grant_call,
    mail_call,
    put_gateway_call,
    put_test_line_call,
    put_txt_call,
    update_txt_call,
    verify_domain_call,
)
from onboarding.azure.dns_zone import DnsZoneId
from onboarding.azure.gateway_resource import GatewayId
from onboarding.core.proposal import Api, Call
from onboarding.core.services import TestLine
from onboarding.planning.by_hand import command_of, quoted_for_powershell
from onboarding.planning.by_hand_bounds import LONGEST_BODY, may_be_pasted
from onboarding.ports import TxtRecord
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME

GUID, OTHER = "6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63", "7d2f1c9a-5e84-4b36-a0f7-3c8b6e1d9f52"
GATEWAY = GatewayId(GUID, "rg-voice", "contoso-acg")
ZONE = DnsZoneId(GUID, "rg-dns", "contoso.com")
TXT = TxtRecord(name="voice.contoso.com", value="MS=ms12345678", ttl=3600)
LINE = TestLine.model_validate({"name": "line-1", "phoneNumber": "+12065550100"})
OURS = {
    "application": add_application_call(PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME),
    "grant": grant_call(GUID, OTHER, OTHER),
    "domain": add_domain_call("voice.contoso.com"),
    "verify": verify_domain_call("voice.contoso.com"),
    "gateway": put_gateway_call(GATEWAY, {"platforms": ["OperatorConnect"], "onPremMcpEnabled": False}),
    "line": put_test_line_call(GATEWAY, LINE, "uksouth"),
    "txt": put_txt_call(ZONE, "@", "MS=ms12345678"),
    "update": update_txt_call("corp", TXT),
}


@pytest.mark.parametrize("name", OURS)
def test_what_the_application_sends_has_a_command(name: str) -> None:
    assert may_be_pasted(OURS[name])
    command = command_of(OURS[name])
    assert command is not None
    assert "\n" not in command.text


def changed(name: str, **values: Any) -> Call:
    return OURS[name].model_copy(update=values)


def body(call: str, **values: Any) -> Call:
    return changed(call, body={**(OURS[call].body or {}), **values})


def inner(name: str, **values: Any) -> Call:
    return body(name, properties={**(OURS[name].body or {})["properties"], **values})


HOSTILE = {
    "a message as somebody": Call(api=Api.GRAPH, method="POST", path="/users/ada@contoso.com/sendMail", body={}),
    "mail": mail_call("ada@contoso.com"),
    "a deletion": changed("domain", method="DELETE"),
    "another application": body("application", appId=OTHER),
    "a credential": body("application", keyCredentials=[{}]),
    "another name": body("application", displayName="x"),
    "a path in a domain": changed("verify", path="/domains/..%2f..%2fusers/verify"),
    "no domain": body("domain", id="contoso.com'; Remove-Item"),
    "a domain and more": body("domain", isDefault=True),
    "verify with a body": changed("verify", body={}),
    "a merged call to Graph": changed("verify", merged=True),
    "a role of another resource": body("grant", resourceId=OTHER),
    "no id": body("grant", appRoleId="x"),
    "no text": body("grant", appRoleId=7),
    "a principal without a name": changed("grant", path="/servicePrincipals/x/appRoleAssignedTo"),
    "a gateway put whole": changed("gateway", merged=False),
    "a property that is not ours": inner("gateway", apiBridge={}),
    "a gateway's tags": body("gateway", tags={}),
    "no properties": changed("gateway", body={"properties": []}),
    "another version": changed("gateway", path=GATEWAY.arm_id + "?api-version=2015-01-01"),
    "a gateway that is read": changed("gateway", method="GET", body=None),
    "no path": changed("gateway", path="/subscriptions/x"),
    "a manual line": inner("line", purpose="Manual"),
    "no number": inner("line", phoneNumber="+1$(id)"),
    "a line's tags": body("line", tags={}),
    "a set of TXT records with others": inner("txt", TTL=1),
    "more values": inner("txt", TXTRecords=[{"value": ["v=spf1"]}, {"value": ["MS=ms1"]}]),
    "a value that proves nothing": inner("txt", TXTRecords=[{"value": ["v=spf1 -all"]}]),
    "another version of DNS": changed("txt", path=ZONE.txt_set_arm_id("@") + "?api-version=2015-01-01"),
    "a line more for nsupdate": body("update", value='x"\nupdate delete contoso.com'),
    "a server that ends its comment": changed("update", path="corp\nid/voice.contoso.com"),
    "another name than the body's": body("update", name="contoso.com"),
    "no TTL": body("update", ttl=True),
    "no update": changed("update", method="DELETE"),
    "more than is ever sent": body("line", location="x" * LONGEST_BODY),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_it_does_not_send_has_none(what: str) -> None:
    assert command_of(HOSTILE[what]) is None


# Whatever a name holds, it stays one argument.

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40) | st.text(
    string.punctuation + " \n\t\u2018\u2019\u201a\u201b\u201c\u201d", max_size=30
)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash on this machine")
@settings(max_examples=10, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_bash_reads_each_name_as_one_argument(names: list[str]) -> None:
    location = " ".join(names)
    command = command_of(put_test_line_call(GATEWAY, LINE, location))
    assert command is not None
    script = f"az() {{ printf '%s\\0' \"$@\"; }}\n{command.text}\nprintf '%s\\0' {shlex.join(names)}\n"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    said = done.stdout.decode().split("\0")[:-1]
    assert json.loads(said[6])["location"] == location
    assert said[7:] == names
    assert done.stderr == b""


@given(TEXTS)
def test_a_literal_of_powershell_has_no_quote_that_ends_it(name: str) -> None:
    literal = quoted_for_powershell(name)
    assert literal[0] == literal[-1] == "'"
    rest = literal[1:-1]
    for quote in "'\u2018\u2019\u201a\u201b":
        rest = rest.replace(quote * 2, "")
    assert not set(rest) & set("'\u2018\u2019\u201a\u201b")
