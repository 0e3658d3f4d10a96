"""What a first visit costs on the wire, and that nothing jumps while the page comes in."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import LOOKS
from tests.browser.places import PLACES, path_of
from tests.support.processes import Stack

MOST_BYTES = 150_000
MOST_SHIFT = 0.001
"""A hundredth of what counts as good. A slow machine paints before it has read all: a few pixels of the frame move."""
WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => entry.value)))
  .observe({ type: "layout-shift", buffered: true })
"""


@pytest.mark.parametrize("name", PLACES)
def test_a_first_visit_is_light_and_still(browser: Browser, stack: Stack, name: str) -> None:
    path = path_of(stack, name)
    context = browser.new_context(**LOOKS["light"])  # with a cache of its own, and empty
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.add_init_script(WATCH_SHIFTS)
    page.goto(stack.base_url + path, wait_until="networkidle")
    assert len(sizes) >= 8, "the page, its style sheets, scripts and font"
    assert sum(sizes) < MOST_BYTES, f"{name}: {sum(sizes):,.0f} bytes"
    assert sum(page.evaluate("window.shifts")) < MOST_SHIFT
    context.close()
