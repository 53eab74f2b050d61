"""What stands in advice in place of what nobody knows by heart."""

from __future__ import annotations

from dataclasses import replace

from onboarding.azure.bus_answers import sender_role_missing
from onboarding.azure.own_names import own_names
from onboarding.azure.permissions import grant_azure, grant_graph, grant_mail
from onboarding.core.advice import AdviceKind, advice_parts, filled_in
from onboarding.core.events import Started, Stopped
from onboarding.core.record import Problem
from tests.support import requests
from tests.support.system import System

CLIENT = "11111111-2222-3333-4444-555555555555"
AZURE = {"WEBSITE_SITE_NAME": "contoso-steps", "WEBSITE_RESOURCE_GROUP": "rg-app"}
NAMESPACE = "contoso-bus.servicebus.windows.net"


def test_every_command_of_ours_is_whole_where_the_app_is_in_azure() -> None:
    known = own_names(AZURE, None, "voice@contoso.com", NAMESPACE)
    asked = "az functionapp identity show --name <app> --resource-group <group>"
    granted = [grant_graph(None, ("Domain.Read.All",)), grant_mail(None), grant_azure(None, "Reader", "/x"), asked]
    bus = sender_role_missing("notices").what_next
    for text in (*granted, bus):
        assert "<" not in filled_in(text, known)
    commands = [part for part in advice_parts(filled_in(bus, known)) if part.kind is AdviceKind.COMMAND]
    assert [part.text.partition(" --")[0] for part in commands] == ["azd provision", "az role assignment create"]


def test_what_azure_alone_knows_is_asked_for_by_the_command_itself() -> None:
    known = own_names({"WEBSITE_SITE_NAME": "contoso-steps"}, CLIENT, None, NAMESPACE)
    assert filled_in("<group>", known) == (
        "$(az functionapp list --query \"[?name=='contoso-steps'].resourceGroup\" --output tsv)"
    )
    assert known["its object id"] == f"$(az ad sp show --id {CLIENT} --query id --output tsv)"
    assert known["resource id of the Service Bus namespace"] == (
        "$(az servicebus namespace list --query \"[?name=='contoso-bus'].id\" --output tsv)"
    )


def test_on_a_laptop_nothing_is_known_and_the_words_stay() -> None:
    text = "az functionapp identity show --name <app> --resource-group <group>"
    assert filled_in(text, own_names({}, None, None, None)) == text


async def test_what_comes_onto_the_record_has_the_real_names() -> None:
    system = System()
    system.engine = replace(system.engine, known=own_names(AZURE, CLIENT, None, NAMESPACE))
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    onboarding = (await system.request(request)).record.id
    await system.engine.happen(onboarding, Started("enable-services", 1))
    problem = Problem(code="sign-in-failed", seen="401", what_next="`az functionapp identity show --name <app>`")
    await system.engine.happen(onboarding, Stopped("enable-services", 1, problem))
    told = (await system.record(onboarding)).step("enable-services").problem
    assert told is not None
    assert told.what_next == "`az functionapp identity show --name contoso-steps`"
