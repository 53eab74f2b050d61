"""A plan as Markdown and as commands: whatever a name holds, it stays text, one argument and one line."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from onboarding.azure.calls import (
    add_application_call,
    add_domain_call,
    grant_call,
    mail_call,
    put_gateway_call,
    put_test_line_call,
    put_txt_call,
    update_txt_call,
)
from onboarding.azure.dns_zone import DnsZoneId
from onboarding.azure.gateway_resource import GatewayId
from onboarding.core.change_plan import ChangePlan, Gravity, Outlook, PlanFinding, StepPlan
from onboarding.core.events import MakePlan
from onboarding.core.messages import kind_of_message
from onboarding.core.plan import StepKind
from onboarding.core.proposal import Call, Change, ValueChange
from onboarding.core.services import TestLine
from onboarding.planning.by_hand import Shell, command_of, quoted_for_powershell, script
from onboarding.planning.markdown import as_markdown
from onboarding.planning.store import KeptPlan
from onboarding.ports import TxtRecord
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME
from tests.support import requests
from tests.support.records import NOW

NASTY = "it's \u2019quoted\u2019; $(rm -rf /) `whoami` \"x\" & <b>|x|</b>\n# not a comment"
GATEWAY = GatewayId("6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63", "rg-(voice)", "contoso-acg")
ZONE = DnsZoneId("6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63", "rg-dns", "contoso.com")


def az(call: Call) -> list[str]:
    command = command_of(call)
    assert command is not None
    assert command.shell is Shell.BASH
    return shlex.split(command.text, comments=True)


def test_a_literal_of_powershell_ends_where_it_should() -> None:
    assert quoted_for_powershell("it's") == "'it''s'"
    assert quoted_for_powershell("a\u2019b\u201bc") == "'a\u2019\u2019b\u201b\u201bc'"


def test_a_call_to_graph_is_one_command() -> None:
    command = command_of(add_domain_call("voice.contoso.com"))
    assert command is not None
    assert command.text == (
        "Invoke-MgGraphRequest -Method POST -Uri '/v1.0/domains' -ContentType 'application/json'"
        " -Body '{\"id\":\"voice.contoso.com\"}'"
    )


def test_a_body_is_sent_as_it_is() -> None:
    call = add_application_call(PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME)
    command = command_of(call)
    assert command is not None
    assert command.text.isascii()
    literal = command.text.partition(" -Body ")[2]
    assert json.loads(literal[1:-1].replace("''", "'")) == call.body


def test_before_a_role_is_granted_microsoft_is_asked_what_it_is() -> None:
    guid = ZONE.subscription_id
    command = command_of(grant_call(guid, guid, guid))
    assert command is not None
    asked, _, granted = command.text.partition("; Write-Host ")
    assert f"appId=''{PROJECT_SYNERGY_APP_ID}''" in asked
    assert "throw 'Nothing was granted" in asked
    assert "-Method POST" not in asked
    assert "-Method POST" in granted


def test_properties_of_a_gateway_are_set_and_the_others_left() -> None:
    arguments = az(put_gateway_call(GATEWAY, {"platforms": ["OperatorConnect"], "onPremMcpEnabled": False}))
    assert arguments[:3] == ["az", "resource", "update"]
    assert arguments[arguments.index("--ids") + 1] == GATEWAY.arm_id
    assert arguments[-2:] == ['properties.platforms=["OperatorConnect"]', "properties.onPremMcpEnabled=false"]


def test_a_test_line_is_put_whole_wherever_its_gateway_is() -> None:
    line = TestLine.model_validate({"name": "line-1", "phoneNumber": "+12065550100"})
    call = put_test_line_call(GATEWAY, line, NASTY)
    arguments = az(call)
    assert arguments[:5] == ["az", "rest", "--method", "put", "--url"]
    assert json.loads(arguments[-1]) == call.body


def test_a_txt_record_is_added_to_its_set() -> None:
    arguments = az(put_txt_call(ZONE, "@", "MS=ms12345678"))
    assert arguments[:6] == ["az", "network", "dns", "record-set", "txt", "add-record"]
    assert arguments[-4:] == ["--record-set-name", "@", "--value", "MS=ms12345678"]


def test_a_server_is_updated_by_nsupdate() -> None:
    record = TxtRecord(name="voice.contoso.com", value="MS=ms12345678", ttl=3600)
    arguments = az(update_txt_call("corp", record))
    assert 'update add voice.contoso.com. 3600 TXT "MS=ms12345678"' in arguments
    assert arguments[-3:] == ["nsupdate", "-k", "$KEYFILE"]


def test_for_a_message_to_people_there_is_no_command() -> None:
    assert command_of(mail_call("team@example.com")) is None


def plan(**changes: Any) -> ChangePlan:
    change = Change(
        target=NASTY,
        words=f"add {NASTY}",
        values=(ValueChange(what=NASTY, before="", after=NASTY),),
        call=add_domain_call("voice.contoso.com"),
    )
    first = StepPlan(step="add-domain", title="Add", kind=StepKind.TASK, outlook=Outlook.CHANGES, changes=(change,))
    later = StepPlan(
        step="verify-domain",
        title="Verify",
        kind=StepKind.TASK,
        outlook=Outlook.FORESEEN,
        changes=(change.model_copy(update={"call": None}),),
        known_after=("add-domain",),
    )
    return ChangePlan(steps=(first, later), **changes)


def test_a_script_asks_for_what_it_needs_and_says_what_has_to_wait() -> None:
    text = script(plan(), Shell.POWERSHELL, f"plan of {NASTY}")
    assert "Connect-MgGraph -NoWelcome -Scopes 'Domain.ReadWrite.All'" in text
    assert "Verify: after add-domain" in text
    code = [line for line in text.splitlines() if line and not line.startswith("#")]
    names = ["$ErrorActionPreference", "Connect-MgGraph", "Invoke-MgGraphRequest"]
    assert [line.partition(" ")[0] for line in code] == names
    assert [line for line in script(plan(), Shell.BASH, "a plan").splitlines() if line[:1] not in ("", "#")] == [
        "set -euo pipefail"
    ]


def test_markdown_shows_text_as_text() -> None:
    kept = KeptPlan(
        id="20261127-101500-1f0e9d8c7b6a",
        request=requests.parsed(requests.own_sbc()),
        asked_by="ada",
        asked_at=NOW,
        made_at=NOW,
        plan=plan(),
    )
    text = as_markdown(kept)
    rows = [line for line in text.splitlines() if line.startswith("| `add-domain`")]
    assert len(rows) == 1
    assert rows[0].replace("\\|", "").count("|") == 6
    assert "<b>" not in text.replace("\\<b>", "")
    assert plan().checksum in text


SIGNS = ["*", "_", "__", "`", "``", "[", "]", "](u)", "[a](u)", "![", "<", ">", "<b>", "&", "&amp;", "&#35;", "|", "~~"]
SIGNS += ["\\", "\\!", "!", "+", "-", "=", "a", "B1", "é", "http://x.y", "a_b", "1.", ":", " ", "#", " #"]
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=60) | st.lists(
    st.sampled_from(SIGNS)
).map("".join)


def rendered(text: str) -> Iterator[tuple[str, str]]:
    """Each block with text: of what kind it is, and what people read; markup inside it fails."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "inline" and before is not None:
            children = token.children or []
            kinds = {child.type for child in children if not child.type.startswith("strong_")}
            assert kinds <= {"text", "text_special", "code_inline"}, (kinds, token.content)
            yield before.type, "".join(child.content for child in children)


@given(TEXTS, TEXTS, TEXTS)
@example("\\*a\\*", "[a](u)", "C:\\!")
def test_what_people_read_of_the_markdown_is_the_text_whatever_it_holds(one: str, two: str, three: str) -> None:
    change = Change(target=one, words=one, values=(ValueChange(what=one, before=two, after=three),))
    step = StepPlan(step="add-domain", title="Add", kind=StepKind.TASK, outlook=Outlook.CHANGES, changes=(change,))
    found = PlanFinding(gravity=Gravity.NOTE, code="request", step="add-domain", seen=two)
    request = requests.parsed(requests.own_sbc())
    gateway = request.gateway.model_copy(update={"name": f"x{three}"})
    kept = KeptPlan(
        id="20261127-101500-1f0e9d8c7b6a",
        request=request.model_copy(update={"gateway": gateway}),
        asked_by="ada",
        asked_at=NOW,
        plan=ChangePlan(steps=(step,), findings=(found,)),
    )
    read = [*rendered(as_markdown(kept))]
    a, b, c = (" ".join(text.split()) for text in (one, two, three))
    cells = [text for kind, text in read if kind == "td_open"]
    assert cells[:5] == ["add-domain", a, b, c, "known later"]
    (note,) = (text for _, text in read if text.startswith("Note"))
    assert note.rstrip() == f"Note add-domain: {b}".rstrip()
    (heading,) = (text for kind, text in read if kind == "heading_open" and text.startswith("Plan: "))
    assert heading.split() == f"Plan: {request.words.noun} x{three}".split()


def test_what_is_no_markup_is_not_escaped() -> None:
    text = "rg-(voice) #1 + 2! a_b_c R&D [x] 3 > 2, {y}. C:\\dir = 5 < 6"
    step = StepPlan(step="a", title="A", kind=StepKind.TASK, outlook=Outlook.DONE, found=text)
    kept = KeptPlan(
        id="20261127-101500-1f0e9d8c7b6a",
        request=requests.parsed(requests.own_sbc()),
        asked_by="ada",
        asked_at=NOW,
        plan=ChangePlan(steps=(step,)),
    )
    assert text in as_markdown(kept)


@pytest.mark.parametrize("call", [add_domain_call("x.contoso.com"), mail_call("a@example.com")])
def test_a_call_is_named_by_what_it_is(call: Call) -> None:
    assert str(call) == f"{call.method} {call.path}"


def test_a_message_says_what_it_is_about() -> None:
    assert kind_of_message(MakePlan("contoso-acg-0123456781", "20261127-101500-1f0e9d8c7b6a")) == "plan"
