"""Route templates of the local Functions host."""

from __future__ import annotations

import pytest

from sandbox.functions_host import HostError
from sandbox.functions_host.routes import RouteTable, Template


def table(*routes: str) -> RouteTable[str]:
    return RouteTable((Template.parse(route), None, route) for route in routes)


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("api/things", "/api/things", {}),
        ("api/things", "/API/THINGS/", {}),
        ("api/things", "/api/thing", None),
        ("api/things", "//api/things", None),
        ("api/things", "/api//things", None),
        ("api/things", "/api/things//", None),
        ("api/{id}", "/api/a%20b", {"id": "a b"}),
        ("api/{id}", "/api/a%2Fb", {"id": "a%2Fb"}),
        ("api/{id}", "/api/a%2fb%0A", {"id": "a%2Fb\n"}),
        ("api/{id}", "/api/a/b", None),
        ("api/{id}", "/api/", None),
        ("api/{id?}", "/api", {}),
        ("api/{id?}", "/api/7", {"id": "7"}),
        ("{id?}", "/", {}),
        ("api/{*rest}", "/api/a/b/c", {"rest": "a/b/c"}),
        ("api/{*rest}", "/api", {}),
        ("api/{a}-{b}.json", "/api/x-y.json", {"a": "x", "b": "y"}),
        ("api/a.b", "/api/axb", None),
        ("api/{n:int}", "/api/-12", {"n": "-12"}),
        ("api/{n:int}", "/api/twelve", None),
        ("api/{n:int}", "/api/3000000000", None),
        ("api/{n:long}", "/api/3000000000", {"n": "3000000000"}),
        ("api/{n:int:min(3)}", "/api/2", None),
        ("api/{n:range(3,5)}", "/api/5", {"n": "5"}),
        ("api/{n:max(5)}", "/api/6", None),
        ("api/{x:alpha:length(3)}", "/api/abc", {"x": "abc"}),
        ("api/{x:length(2,3)}", "/api/abcd", None),
        ("api/{x:minlength(3)}", "/api/ab", None),
        ("api/{x:maxlength(3)}", "/api/abc", {"x": "abc"}),
        ("api/{x:guid}", "/api/eb63d611-525e-4a31-abd7-0cb33f679599", {"x": "eb63d611-525e-4a31-abd7-0cb33f679599"}),
        ("api/{x:guid}", "/api/eb63", None),
        ("api/{x:bool}", "/api/True", {"x": "True"}),
        ("api/{x:double}", "/api/1.5", {"x": "1.5"}),
        ("api/{x:datetime}", "/api/2026-11-23", {"x": "2026-11-23"}),
        ("api/{x:regex(^a+$)}", "/api/aaa", {"x": "aaa"}),
        ("api/{x:regex(^a+$)}", "/api/aab", None),
        ("api/{n:int?}", "/api", {}),
    ],
)  # fmt: skip
def test_a_template_takes_its_own_paths_only(template: str, path: str, parameters: dict[str, str] | None) -> None:
    assert Template.parse(template).match(path) == parameters


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/things/last", "things/last"),
        ("/things/7", "things/{n:int}"),
        ("/things/seven", "things/{name}"),
        ("/things/7/parts", "things/{n}/parts"),
        ("/things/7/else/more", "things/{*rest}"),
    ],
)
def test_the_most_specific_route_wins_whatever_the_order(path: str, route: str) -> None:
    routes = ["things/{*rest}", "things/{name}", "things/{n}/parts", "things/{n:int}", "things/last"]
    for order in (routes, routes[::-1]):
        found = table(*order).find("GET", path)
        assert found is not None
        assert found[0] == route


def test_the_method_belongs_to_the_match() -> None:
    read, write = frozenset({"GET"}), frozenset({"POST"})
    routes = RouteTable([(Template.parse("a"), read, "read"), (Template.parse("a"), write, "write")])
    assert routes.find("get", "/a") == ("read", {})
    assert routes.find("POST", "/a") == ("write", {})
    assert routes.find("DELETE", "/a") is None


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("a/{", "no template known here"),
        ("a/{b=5}", "no template known here"),
        ("a/{b?}/c", "only the last part may be so"),
        ("a/{*b}/c", "only the last part may be so"),
        ("a/{b}/{b}", "uses the parameter 'b' twice"),
        ("a/{b:colour}", "no constraint"),
        ("a/{b:length(x)}", "no constraint"),
        ("a/{b:int(3)}", "no constraint"),
        ("a/{b:regex([)}", "no constraint"),
    ],
)
def test_a_template_that_cant_be_matched_is_refused(template: str, sentence: str) -> None:
    with pytest.raises(HostError, match=sentence) as caught:
        Template.parse(template)
    assert template in str(caught.value)
