"""A browser before the running stack, and actors who use it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.actor import Actor
from tests.support.processes import Stack

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 10_000
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True},
}

Enter = Callable[..., Actor]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium where there is one, else Playwright's own."""
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def enter(browser: Browser, stack: Stack) -> Iterator[Enter]:
    """Let an actor in, with a look and other options of a browser context; at the end nobody may have complained."""
    actors: list[Actor] = []

    def enter(look: str = "light", **options: Any) -> Actor:
        context = browser.new_context(**(LOOKS[look] | options))
        context.set_default_timeout(PATIENCE_MS)
        actors.append(Actor(context.new_page(), stack.base_url))
        return actors[-1]

    yield enter
    for actor in actors:
        actor.page.context.close()
    assert [complaint for actor in actors for complaint in actor.complaints] == []


@pytest.fixture
def ann(enter: Enter) -> Actor:
    """Somebody at a large bright screen."""
    return enter()
