"""The page of the API: whatever the description says of a parameter, a field or a model, a reader finds there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import jsonschema
import pytest

from onboarding.http.meanings import MEANINGS, docstrings
from onboarding.http.view import ListView, StepView
from onboarding.pages.api_examples import Sample
from onboarding.pages.api_reference import OperationShown, reference
from onboarding.pages.api_schemas import Type, type_of
from tests.support.description import description
from tests.support.http import Api

URL, TOKEN = "https://onboarding.example.com", "a token"


@cache
def operations() -> dict[str, OperationShown]:
    return {o.id: o for group in reference(description()).groups for o in group.operations}


def properties(node: Any, owner: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of every schema, wherever it stands."""
    if isinstance(node, dict):
        for name, schema in (node.get("properties") or {}).items():
            yield f"{owner}.{name}", schema
    for name, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from properties(inner, f"{owner}/{name}")


def test_every_field_has_a_meaning() -> None:
    found = dict(properties(description()))
    assert len(found) > 150
    without = [where for where, schema in found.items() if not schema.get("description") and schema != {}]
    assert not without, "a docstring below the field, or a line in onboarding/http/meanings.py"


def test_every_parameter_has_a_meaning() -> None:
    for operation in operations().values():
        assert all(p.description and p.type.words for p in operation.parameters), operation.id


def test_no_meaning_is_left_of_a_field_that_is_gone() -> None:
    there = {where.rpartition("/")[2].rpartition(".")[2] for where, _ in properties(description())}
    titled = {
        f"{schema.get('title')}.{name}"
        for schema in description()["components"]["schemas"].values()
        for name in schema.get("properties", {})
    }
    assert set(MEANINGS) <= there | titled


def test_a_docstring_below_a_field_is_its_meaning() -> None:
    schema = description()["components"]["schemas"]["StepView"]["properties"]
    told = "Of Microsoft's article; empty: it is in none."
    assert schema["section"]["description"] == docstrings(StepView)["section"] == told
    assert "ten seconds old" in docstrings(ListView)["counts"]


def kind(**schema: Any) -> Type:
    return type_of(schema, {"components": {"schemas": {"Line": {"properties": {}}, "Colour": {"enum": ["red"]}}}})


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "minLength": 1}, Type("string", None, False, (), None, ("at least 1 characters",))),
        ({"enum": ["a", "b"], "default": "a"}, Type("string", None, False, ("a", "b"), "a", ())),
        ({"type": "boolean", "default": False}, Type("boolean", None, False, (), "false", ())),
        ({"type": "string", "default": ""}, Type("string", None, False, (), '""', ())),
        ({"type": ["integer", "null"]}, Type("integer", None, True, (), None, ())),
        ({"type": "integer", "minimum": 1, "maximum": 9}, Type("integer", None, False, (), None, ("from 1", "to 9"))),
        ({"$ref": "#/components/schemas/Line"}, Type("", "Line", False, (), None, ())),
        ({"$ref": "#/components/schemas/Colour"}, Type("string", None, False, ("red",), None, ())),
        (
            {"anyOf": [{"type": "string", "pattern": "^a$"}, {"type": "null"}], "default": None},
            Type("string", None, True, (), "null", ("matches `^a$`",)),
        ),
        (
            {"type": "array", "maxItems": 2, "items": {"$ref": "#/components/schemas/Line"}},
            Type("list of", "Line", False, (), None, ("at most 2",)),
        ),
        (
            {"type": "array", "items": {"type": "string", "maxLength": 3}, "default": []},
            Type("list of string", None, False, (), "[]", ("each at most 3 characters",)),
        ),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            Type("object of integer", None, False, (), None, ()),
        ),
        ({"const": "x"}, Type("any", None, False, ("x",), None, ())),
    ],
)
def test_a_type_in_words(schema: dict[str, Any], expected: Type) -> None:
    assert kind(**schema) == expected


async def test_the_page_shows_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await Api(monkeypatch).get("docs", accept="text/html", cookie="sandbox-user=olga.operator")
    page = re.sub(r"\s+", " ", answer.get_body().decode())
    for name, schema in description()["components"]["schemas"].items():
        assert f'id="model-{name}"' in page
        card = page.partition(f'id="model-{name}"')[2].partition("</section>")[0]
        assert all(f">{field}</code>" in card for field in schema.get("properties", {})), name
        assert all(f"<code>{value}</code>" in card for value in schema.get("enum", ())), name
    limit = page.partition('id="list_onboardings"')[2].partition(">limit</code>")[2].partition("</div>")[0]
    assert "from 1; to 200" in limit
    assert 'Default</span> <code class="breaks">50</code>' in limit
    assert all(f'id="{target}"' in page for target in set(re.findall(r'href="#([^"]+)"', page)))
    assert len(page) < 440_000, "what several operations share is shown once"


# -- the examples ------------------------------------------------------------------------------------------------


def sample(operation: OperationShown, label: str) -> Sample | None:
    return next((s for s in operation.samples if label in s.label), None)


def told(operation: OperationShown) -> dict[str, Any]:
    return dict(description()["paths"][operation.path.removeprefix("/api")][operation.method.lower()])


PROGRAMS = sorted(i for i, o in operations().items() if o.tag == "API" and i != "openapi")


def test_every_operation_for_programs_has_both() -> None:
    assert len(PROGRAMS) > 10
    for name in PROGRAMS:
        assert sample(operations()[name], "curl"), name
        assert sample(operations()[name], "Python"), name


def check(operation: OperationShown, method: str, url: str, token: str, body: bytes) -> None:
    """The request is one that the description allows."""
    assert (method, token) == (operation.method, f"Bearer {TOKEN}")
    path = re.escape(operation.path)
    for parameter in (p for p in operation.parameters if p.place == "path"):
        pattern = next((m[1] for lim in parameter.type.limits if (m := re.match(r"matches `\^(.*)\$`", lim))), None)
        values = "|".join(parameter.type.values) or pattern
        path = path.replace(re.escape(f"{{{parameter.name}}}"), f"({values})")
    assert re.fullmatch(re.escape(URL) + path, url)
    wanted = told(operation).get("requestBody", {}).get("content", {}).get("application/json")
    assert bool(body) == bool(wanted)
    if wanted:
        schema = {**wanted["schema"], "components": description()["components"]}
        jsonschema.Draft202012Validator(schema).validate(json.loads(body))


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_python_example_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[httpx.Request] = []

    def answered(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"ok": True})

    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **given: client(transport=httpx.MockTransport(answered), **given))
    monkeypatch.setenv("ONBOARDING_URL", URL)
    monkeypatch.setenv("TOKEN", TOKEN)
    shown = sample(operations()[name], "Python")
    assert shown is not None
    exec(compile(shown.text, name, "exec"), {})
    (request,) = seen
    check(operations()[name], request.method, str(request.url), request.headers["Authorization"], request.content)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_curl_example_is_one_command(name: str) -> None:
    shown = sample(operations()[name], "curl")
    assert shown is not None
    words = shlex.split(shown.text.replace("$ONBOARDING_URL", URL).replace("$TOKEN", TOKEN))
    assert words[:3] == ["curl", "--fail-with-body", "-X"]
    headers = dict(h.split(": ", 1) for h in (words[i + 1] for i, word in enumerate(words) if word == "-H"))
    body = words[words.index("--data") + 1] if "--data" in words else ""
    assert ("Content-Type" in headers) == bool(body)
    check(operations()[name], words[3], words[4], headers["Authorization"], body.encode())


def test_a_path_names_a_step_that_the_call_is_for() -> None:
    steps = {s["name"]: s["kind"] for s in description()["components"]["examples"]["requested"]["value"]["steps"]}
    shown = sample(operations()["confirm_checkpoint"], "curl")
    assert shown is not None
    (step,) = re.findall(r"/checkpoints/([a-z-]+)", shown.text)
    assert steps[step] == "checkpoint"
