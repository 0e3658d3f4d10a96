"""Somebody at a browser, who does what people do and sees what they see.

Whatever the browser complains of (a policy violation, an error in the console, a failed request) fails the story,
unless the story said before that it expects it.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response, expect

if TYPE_CHECKING:
    from collections.abc import Iterator

REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`))
"""


class Actor:
    """One page of a browser, and the hands and eyes before it."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self.base_url = base_url
        self.complaints: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        page.add_init_script(REPORT_VIOLATIONS)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._complain(f"script error: {error}"))
        page.on("requestfailed", self._on_failure)
        page.on("response", self._on_response)

    @contextmanager
    def expecting(self, *patterns: str) -> Iterator[None]:
        """Complaints like these belong to this part of the story."""
        self._expected = [re.compile(pattern) for pattern in patterns]
        yield
        self._expected = []

    # Doing

    def opens(self, path: str) -> None:
        self.page.goto(self.base_url + path)

    def composes(self, **fields: str) -> None:
        """Open the form and type."""
        self.opens("/compose")
        self.types(**fields)

    def types(self, **fields: str) -> None:
        for name, text in fields.items():
            control = self.page.locator(f"#{name}")
            if not control.is_visible():
                self.page.locator("details", has=control).locator("summary").click()
            control.fill(text)

    def sends(self) -> str:
        """Press Send and come to the job's page; its id."""
        self.page.click("#send")
        return self.is_at_a_job()

    def presses(self, label: str) -> None:
        self.page.get_by_role("button", name=label, exact=True).click()

    # Seeing

    def is_at_a_job(self) -> str:
        self.page.wait_for_url(re.compile(r"/jobs/[0-9a-z]{26}$"))
        return self.page.url.rpartition("/")[2]

    def sees(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator("main")).to_contain_text(text)

    def sees_state(self, word: str, seconds: float = 10) -> None:
        expect(self.page.locator("#job-head .badge")).to_have_text(re.compile(word), timeout=seconds * 1000)

    def sees_error(self, field: str, text: str) -> None:
        """At the field, tied to it for screen readers."""
        expect(self.page.locator(f"#{field}-error")).to_contain_text(text)
        expect(self.page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")

    def row(self, text: str) -> Locator:
        return self.page.locator(".rows tbody tr", has_text=text)

    def sees_all_of_the_page(self) -> None:
        """Nothing sticks out at the side."""
        width, shown = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width <= shown, f"{self.page.url} is {width} px wide on a screen of {shown}"

    # Complaints

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complain(f"console {message.type}: {message.text}")

    def _on_failure(self, request: Request) -> None:
        # A poll that is under way when the page is left is broken off; that is as it should be.
        if request.failure != "net::ERR_ABORTED":
            self._complain(f"request failed: {request.method} {request.url}: {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self._complain(f"answered {response.status}: {response.request.method} {response.url}")

    def _complain(self, complaint: str) -> None:
        if not any(pattern.search(complaint) for pattern in self._expected):
            self.complaints.append(complaint)
