"""Whoever validates by the description can: Ajv takes each schema of it, and says of each example that it fits."""

from __future__ import annotations

import pytest

from onboarding.kinds.examples import OPERATOR_CONNECT
from tests.api.described import examples, schemas, walked
from tests.api.engine import Engine
from tests.support.description import description


def test_every_schema_compiles(engine: Engine) -> None:
    places = schemas()
    assert {f"#/components/schemas/{name}" for name in description()["components"]["schemas"]} < set(places)
    for place in places:
        assert engine.compiles(place)


@pytest.mark.parametrize(("place", "schema", "value"), [pytest.param(*e, id=e[0]) for e in examples()])
def test_every_example_is_valid(engine: Engine, place: str, schema: str, value: object) -> None:
    assert engine.errors(schema, value) == []


def test_no_example_is_overlooked() -> None:
    given = [v["examples"] for _, v in walked(description()["paths"]) if isinstance(v, dict) and "examples" in v]
    assert len(examples()) == sum(map(len, given)) >= 16


def test_what_is_wrong_is_seen(engine: Engine) -> None:
    body = {**OPERATOR_CONNECT, "adminUser": "voice admin", "surprise": 1}
    assert engine.errors("#/components/schemas/OnboardingRequest", body)
    wrong = engine.errors("#/components/schemas/CommunicationsGatewayRequest", body)
    assert [error.split(" ")[0] for error in wrong] == ["data", "data/adminUser"]


def test_a_tuple_has_items_beside_its_first_ones() -> None:
    tuples = {pointer: v for pointer, v in walked(description()) if isinstance(v, dict) and "prefixItems" in v}
    assert any("/Event/" in pointer for pointer in tuples)
    for pointer, schema in tuples.items():
        assert {"items", "minItems", "maxItems"} <= schema.keys(), pointer
