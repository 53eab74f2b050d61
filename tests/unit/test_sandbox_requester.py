"""Talking to the API as an operator: answers, refusals, and no answer at all."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sandbox.requester import ApiError, Requester, with_trunks_at


class Api(ThreadingHTTPServer):
    """Answers everything with what it was told to, and remembers what it was sent."""

    answer: tuple[int, str, str] = (200, "application/json", "{}")
    seen: list[tuple[str, str, Any]]


class Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        server = self.server
        assert isinstance(server, Api)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        server.seen.append((self.command, self.path, json.loads(body) if body else None))
        status, kind, content = server.answer
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content.encode())))
        self.end_headers()
        self.wfile.write(content.encode())

    do_GET = do_POST = answer  # noqa: N815 - the names that the base class looks for

    def log_message(self, *_: Any) -> None:
        """Not into the test's output."""


@pytest.fixture
def api() -> Iterator[Api]:
    with Api(("127.0.0.1", 0), Handler) as server:
        server.seen = []
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def requester(api: Api) -> Iterator[Requester]:
    with Requester(f"http://127.0.0.1:{api.server_address[1]}") as requester:
        yield requester


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.json"
    path.write_text('{"environment": "lab"}')
    return path


def test_a_sample_is_posted_and_the_record_comes_back(api: Api, requester: Requester, sample: Path) -> None:
    api.answer = (202, "application/json", '{"id": "o1"}')
    assert requester.post(sample) == {"id": "o1"}
    assert requester.get("o1") == {"id": "o1"}
    requester.confirm("o1", "portal-access", "seen to work")
    assert api.seen == [
        ("POST", "/api/onboardings", {"environment": "lab"}),
        ("GET", "/api/onboardings/o1", None),
        ("POST", "/api/onboardings/o1/checkpoints/portal-access", {"note": "seen to work"}),
    ]


def test_a_proxy_of_the_users_is_not_asked(api: Api, requester: Requester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Requester(requester.api) as other:
        assert other.get("o1") == {}


def test_a_refusal_names_every_reason(api: Api, requester: Requester, sample: Path) -> None:
    errors = [
        {"field": "gateway.name", "rule": "missing", "value": None, "message": "is required"},
        {"field": "environment", "rule": "enum", "value": "labb", "message": "must be production or lab"},
    ]
    body = {"title": "Refused", "detail": "The request was refused for 2 reasons.", "errors": errors}
    api.answer = (400, "application/problem+json", json.dumps(body))
    with pytest.raises(ApiError) as refused:
        requester.post(sample)
    assert str(refused.value).splitlines() == [
        f"The request {sample} was refused with 400: The request was refused for 2 reasons.",
        "    gateway.name: is required (rule missing, value null)",
        '    environment: must be production or lab (rule enum, value "labb")',
    ]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((500, "text/plain", "It broke."), "was refused with 500: It broke."),
        ((503, "text/plain", ""), "was refused with 503: Service Unavailable"),
        (
            (409, "application/problem+json", '{"title": "Another request"}'),
            "refused with 409: Another request",
        ),
        ((404, "application/json", "[]"), r"refused with 404: \[\]"),
        ((200, "text/html", "<p>hello"), "answered 200 without JSON: '<p>hello'"),
    ],
)
def test_other_answers_are_shown_as_far_as_they_go(
    api: Api, requester: Requester, answer: tuple[int, str, str], sentence: str
) -> None:
    api.answer = answer
    with pytest.raises(ApiError, match=sentence):
        requester.get("o1")


def test_no_answer_is_a_sentence_with_the_address(sample: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with (
            Requester(address) as requester,
            pytest.raises(ApiError, match=f"{address} does not answer POST /api/onb"),
        ):
            requester.post(sample)


def test_a_sample_that_cant_be_read_is_named(tmp_path: Path, requester: Requester) -> None:
    with pytest.raises(ApiError, match=r"gone\.json can't be read: No such file"):
        requester.post(tmp_path / "gone.json")


def test_the_trunks_of_a_request_are_posted_with_the_sandboxs_port(tmp_path: Path, api: Api) -> None:
    """`up --free-ports` has them at another one than the samples say."""
    sample = tmp_path / "own.json"
    trunks = [{"fqdn": "sbc1.contoso.example", "port": 5061}, {"fqdn": "sbc2.contoso.example", "port": 5062}]
    sample.write_text(json.dumps({"gateway": {"name": "own", "trunks": trunks}}), encoding="utf-8")
    with Requester(f"http://127.0.0.1:{api.server_port}") as requester:
        requester.post(sample, 40123)
    ((_, _, sent),) = api.seen
    assert [(t["fqdn"], t["port"]) for t in sent["gateway"]["trunks"]] == [
        ("sbc1.contoso.example", 40123),
        ("sbc2.contoso.example", 40123),
    ]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"gateway": {"name": "one"}}', b'{"gateway": {"trunks": [1]}}'])
def test_what_has_no_trunks_is_posted_as_it_is(body: bytes) -> None:
    assert with_trunks_at(body, 40123) == body
