"""The API's description: valid, whole, and made of what really reads and makes the bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis

from onboarding.http.openapi import description
from onboarding.http.operations import API, operations
from onboarding.http.routes import ROUTES
from onboarding.kinds import read_request
from onboarding.kinds.examples import LAB_BOTH_SERVICES, OPERATOR_CONNECT, OWN_SBC
from tests.support import requests
from tests.support.http import Api, content
from tests.support.system import finished

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


@cache
def described() -> dict[str, Any]:
    """As a reader gets it."""
    return dict(json.loads(json.dumps(description(ROUTES))))


def inside(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from inside(inner)


def at(pointer: str) -> Any:
    place: Any = described()
    for name in pointer.removeprefix("#/").split("/"):
        place = place[name]
    return place


def check(value: Any, schema: str) -> None:
    """Raises ValidationError unless the value is as that schema of the description says."""
    document = {"$ref": f"#/components/schemas/{schema}", "components": described()["components"]}
    jsonschema.Draft202012Validator(document).validate(value)


def test_it_is_valid_openapi_3_1() -> None:
    assert described()["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(described()).validate()
    for schema in described()["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere() -> None:
    references = {o["$ref"] for o in inside(described()) if isinstance(o.get("$ref"), str)}
    assert references
    for reference in references:
        assert at(reference) is not None


def test_it_describes_every_route_and_nothing_else() -> None:
    found = {(m.upper(), p): o for p, item in described()["paths"].items() for m, o in item.items()}
    assert set(found) == {(r.method, f"/{r.path}") for r in ROUTES}
    assert set(operations()) == {r.name for r in ROUTES}
    for route in ROUTES:
        operation = found[route.method, f"/{route.path}"]
        assert operation["operationId"] == route.name
        roles = [role for scheme in operation["security"] for scopes in scheme.values() for role in scopes]
        assert set(roles) == ({route.role.value} if route.role else set())
        named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", route.path))
        assert {"503"} < set(operation["responses"])


def test_every_parameter_of_the_list_is_described() -> None:
    from onboarding.http.export import EXPORT_PARAMETERS

    described_ = [p["name"] for p in described()["paths"]["/onboardings"]["get"]["parameters"] if p["in"] == "query"]
    assert tuple(described_) == EXPORT_PARAMETERS


@pytest.mark.parametrize(
    ("name", "body"),
    [("own-sbc", OWN_SBC), ("operator-connect", OPERATOR_CONNECT), ("lab-both-services", LAB_BOTH_SERVICES)],
)
def test_the_examples_are_the_samples_and_good_requests(name: str, body: dict[str, Any]) -> None:
    assert body == json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    read_request(body)
    check(body, "OnboardingRequest")


def test_every_example_is_as_its_schema_says() -> None:
    checked = 0
    for media in inside(described()["paths"]):
        if "schema" not in media or "examples" not in media:
            continue
        document = {**media["schema"], "components": described()["components"]}
        for example in media["examples"].values():
            found = at(example["$ref"]) if "$ref" in example else example
            jsonschema.Draft202012Validator(document).validate(found["value"])
            checked += 1
    assert checked >= 5


async def test_answers_are_as_described(api: Api) -> None:
    refused = await api.post("onboardings", {"surprise": float(1)})
    check(content(refused), "Refusal")
    body = requests.lab()
    made = await api.post("onboardings", body)
    check(content(made), "OnboardingView")
    path = f"onboardings/{content(made)['id']}"
    await finished(requests.parsed(body), api.system)
    for where, schema in ((path, "OnboardingView"), (f"{path}/events", "EventsView"), ("onboardings", "ListView")):
        answer = await api.get(where)
        assert answer.status_code == 200
        check(content(answer), schema)
    assert content(await api.get(path))["state"] == "completed"
    check(content(await api.get("onboardings/none-0000000000")), "Refusal")


async def test_anybody_may_read_it(api: Api) -> None:
    answer = await api.get("openapi.json", cookie="sandbox-user=mallory")
    assert content(answer) == described()


def test_a_view_says_nothing_that_is_not_described() -> None:
    with pytest.raises(jsonschema.ValidationError, match="Additional properties"):
        check({**described()["components"]["examples"]["requested"]["value"], "secret": 1}, "OnboardingView")


def kinds_of(schema: dict[str, Any]) -> set[str]:
    """The JSON types that a schema allows, but for null."""
    if "$ref" in schema:
        return kinds_of(at(schema["$ref"]))
    if several := [*schema.get("anyOf", ()), *schema.get("oneOf", ())]:
        return set().union(*map(kinds_of, several))
    named = schema.get("type", "string" if "enum" in schema or "const" in schema else "any")
    return {*(named if isinstance(named, list) else (named,))} - {"null"}


OF_A_REQUEST_AND_OF_ITS_RECORD = {"services", "byHand", "findings", "changes", "version", "differs"}
"""Each is one thing in what is asked for, of a plan, a refusal or the application, and another in a record."""


def test_a_name_has_one_type() -> None:
    """Issue 17, item 11: `gateway` was a text in the list and an object in the record; so was `lastError`."""
    found: dict[str, set[str]] = {}
    for schema in described()["components"]["schemas"].values():
        for name, field in schema.get("properties", {}).items():
            if not field.get("deprecated"):
                found.setdefault(name, set()).update(kinds_of(field))
    assert {name for name, kinds in found.items() if len(kinds) > 1} == OF_A_REQUEST_AND_OF_ITS_RECORD


def test_every_operation_for_programs_refuses_what_it_does_not_know() -> None:
    assert [r.name for r in ROUTES if operations()[r.name].tag == API and r.query is None] == []
