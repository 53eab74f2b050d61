"""A window of the browser whose faults are remembered: whatever a page does wrong fails the test that saw it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError

OURS = frozenset({"127.0.0.1", "localhost"})
VIOLATIONS = """
window.addEventListener('securitypolicyviolation', (e) => {
  console.error('Content-Security-Policy: ' + e.violatedDirective + ' forbids ' + (e.blockedURI || e.sample));
});
"""


@dataclass
class Watched:
    """One context of the browser: its cookies, its colour scheme, its pages."""

    context: BrowserContext
    base: str
    """As people reach the application: `http://localhost:7071`."""
    refusals: bool = False
    """The test goes where it is refused: answers 4xx are not faults."""
    scripted: bool = True
    """Pages may run their script."""
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.add_init_script(VIOLATIONS)
        self.context.on("console", self._console)
        self.context.on("weberror", self._error)
        self.context.on("request", self._request)

    def open(self, path: str = "/api/dashboard") -> Page:
        """A new tab on a path, or on the whole URL of a link."""
        page = self.context.new_page()
        self.go(page, path)
        return page

    def go(self, page: Page, path: str) -> int:
        """Take a tab somewhere; the status of the answer. With script, a signed link opens its page by itself."""
        if "/api/links" in path and self.scripted:
            return self._follow(page, path)
        answer = page.goto(path if "://" in path else f"{self.base}{path}")
        # Another fragment of the page that is open already loads nothing.
        answer = answer or page.reload()
        assert answer is not None, path
        return answer.status

    def _follow(self, page: Page, link: str) -> int:
        with page.expect_response(lambda answer: answer.request.method == "POST") as opened:
            page.goto(link if "://" in link else f"{self.base}{link}", wait_until="commit")
        page.wait_for_load_state()
        return opened.value.status

    def close(self) -> None:
        """Close its tabs. Fails when a page did something wrong."""
        self.context.close()
        assert self.faults == []

    def _console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        refused = "Failed to load resource: the server responded with a status of 4" in message.text
        if not (self.refusals and refused):
            self.faults.append(f"console: {message.text} ({message.location.get('url')})")

    def _error(self, error: WebError) -> None:
        self.faults.append(f"uncaught: {error.error}")

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob", "about") and url.hostname not in OURS:
            self.faults.append(f"request to {url.hostname}: {request.url[:200]}")
