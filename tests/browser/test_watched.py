"""The watch itself: what a page does wrong is seen, so that the other tests' silence means something."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.watched import Watched

BASE = "http://localhost:9"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("<script>console.error('it is broken')</script>", "console: it is broken"),
        ("<script>setTimeout(() => undefined_name)</script>", "uncaught: undefined_name is not defined"),
        ("<img src='http://example.com/pixel.png' alt=''>", "request to example.com"),
        ("<img src='/missing.png' alt=''>", "status of 404"),
    ],
)
def test_a_fault_of_a_page_is_seen(browser: Browser, content: str, fault: str) -> None:
    assert fault in faults_of(browser, content, {})


@pytest.mark.parametrize("content", ["<script>window.x = 1</script>", "<p style='color: red'>", "<p onclick='x()'>"])
def test_a_breach_of_the_content_security_policy_is_seen(browser: Browser, content: str) -> None:
    found = faults_of(browser, content, {"content-security-policy": "default-src 'none'"})
    assert "Content-Security-Policy: " in found or "Content Security Policy" in found


def test_a_page_without_fault_passes(browser: Browser) -> None:
    policy = "default-src 'none'; img-src data:"
    assert faults_of(browser, "<p>All is well.</p>", {"content-security-policy": policy}) == ""


def faults_of(browser: Browser, content: str, headers: dict[str, str]) -> str:
    def serve(route: Route) -> None:
        if route.request.url == f"{BASE}/":
            page = f"<!doctype html><title>A page</title><link rel=icon href=data:,><body>{content}"
            route.fulfill(body=page, headers={"content-type": "text/html", **headers})
        elif "missing" in route.request.url:
            route.fulfill(status=404)
        else:
            route.continue_()

    window = Watched(browser.new_context(), BASE)
    window.context.route("**/*", serve)
    page = window.open("/")
    # Messages from the page arrive in order: what it said before, it has said when it answers.
    page.evaluate("() => new Promise((done) => setTimeout(done))")
    window.context.close()
    return "\n".join(window.faults)
