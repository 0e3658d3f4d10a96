"""axe-core finds nothing to complain of: on any page, in any state, light and dark, on a large screen and a phone."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from tests.browser.conftest import LOOKS, PATIENCE_MS
from tests.browser.places import PLACES, long_bulk, path_of
from tests.support.processes import Stack
from webapp import create_app

LOOKED_AT = ["light", "dark", "phone"]
AXE = Axe()


@pytest.fixture(scope="module", params=LOOKED_AT)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(**LOOKS[request.param])
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def assert_clean(page: Page, where: str) -> None:
    """No violation at all, and nothing that sticks out at the side."""
    found = AXE.run(page, options={"resultTypes": ["violations"]})
    told = [
        f"{where}: {violation['id']}: {node['target']} {node['html'][:160]} {node['failureSummary']}"
        for violation in found.response["violations"]
        for node in violation["nodes"][:3]
    ]
    assert told == []
    width, shown = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= shown, f"{where} is {width} px wide on a screen of {shown}"


@pytest.mark.parametrize("name", PLACES)
def test_a_page(page: Page, stack: Stack, name: str) -> None:
    page.goto(stack.base_url + path_of(stack, name))
    for summary in page.locator("main details > summary").all()[:6]:  # the content that is folded away counts too
        summary.click()
    assert_clean(page, name)


def test_the_style_guide(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.base_url}/styleguide")
    assert_clean(page, "the style guide")


def test_the_help_dialog(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.base_url}/jobs")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    assert_clean(page, "the help dialog")


def test_a_form_with_errors(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.base_url}/compose")
    page.fill("#to", "nobody")
    page.click("#send")
    expect(page.locator("#summary")).to_be_focused()
    assert_clean(page, "a form with errors")


def test_a_toast_and_a_banner(page: Page, stack: Stack) -> None:
    page.goto(stack.base_url + path_of(stack, "dead job"))
    page.evaluate("document.querySelector('#retry [name=csrf_token]').value = 'stale'")
    page.click("#retry-button")
    expect(page.locator(".toast")).to_be_visible()
    page.evaluate("Object.assign(document.getElementById('away'), { hidden: false, textContent: 'Away.' })")
    assert_clean(page, "a toast and a banner")


def test_selected_jobs_while_a_bulk_is_under_way_and_a_lane_is_paused(page: Page, stack: Stack) -> None:
    path_of(stack, "jobs")
    stack.desk.pause("low")
    try:
        with long_bulk(stack) as bulk:
            page.goto(f"{stack.base_url}/jobs?state=dead")
            expect(page.locator("#notice p")).to_have_count(2)
            page.locator("#jobs .c-pick input").first.check()
            expect(page.locator("#selection")).to_be_visible()
            assert_clean(page, "a selection and two notices")
            for path in (f"/bulk/{bulk.id}", "/bulks", "/workers", "/"):
                page.goto(stack.base_url + path)
                assert_clean(page, f"{path} with a bulk under way and a lane paused")
    finally:
        stack.desk.resume("low")


@pytest.fixture(scope="module")
def empty(stack: Stack) -> Iterator[str]:
    """A Postroom that has nothing yet, beside the one of the stack, which is never empty."""
    app = create_app(stack.settings.model_copy(update={"key_prefix": "empty:", "redis_url": stack.redis_process.url}))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    app.extensions["postroom"].redis.close()


@pytest.mark.parametrize("path", ["/", "/jobs", "/dead-letters", "/bulks", "/workers", "/mailbox", "/mailbox/delete"])
def test_a_page_without_anything(page: Page, empty: str, path: str) -> None:
    page.goto(empty + path)
    assert_clean(page, f"{path} while empty")
