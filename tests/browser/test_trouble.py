"""Stories in which something goes wrong, or somebody has no mouse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.actor import Actor
from tests.browser.conftest import Enter
from tests.support.processes import Stack

AWAY = (r"ERR_CONNECTION_REFUSED", r"Failed to fetch", r"ERR_CONNECTION_RESET", r"ERR_EMPTY_RESPONSE")

A_POLL_FAILS = """new Promise((done) => {
  document.addEventListener("htmx:error", () => done(), { once: true });
  document.dispatchEvent(new Event("visibilitychange"));
})"""


@pytest.mark.parametrize("look", ["light", "phone"])
def test_an_error_at_a_field_keeps_all_that_was_typed_and_chosen(enter: Enter, look: str) -> None:
    ann = enter(look)
    ann.composes(to="not an address", cc="also@wrong@here", subject="Files", text="See the files.", tags="keep, this")
    ann.page.set_input_files(
        "#attachments",
        [
            FilePayload(name="one.txt", mimeType="text/plain", buffer=b"one"),
            FilePayload(name="two.txt", mimeType="text/plain", buffer=b"two"),
        ],
    )
    ann.page.select_option("#priority", "high")
    with ann.expecting("422"):
        ann.page.click("#send")
        ann.sees_error("to", "not an address")
        ann.sees_error("cc", "also@wrong@here")
    expect(ann.page.locator("#summary")).to_be_focused()
    ann.sees_all_of_the_page()
    assert ann.page.input_value("#text") == "See the files."
    assert ann.page.input_value("#tags") == "keep, this"
    assert ann.page.input_value("#priority") == "high"
    assert ann.page.evaluate("document.querySelector('#attachments').files.length") == 2

    ann.page.get_by_role("link", name="To", exact=True).click()
    expect(ann.page.locator("#to")).to_be_focused()
    ann.types(to=f"ben+files-{look}@mailbox.test", cc="")
    ann.sends()
    ann.sees_state("Sent")
    ann.sees("one.txt")
    ann.sees("two.txt")


def test_the_server_goes_away_and_comes_back(ann: Actor, stack: Stack) -> None:
    ann.composes(to="ben+away@mailbox.test", subject="Away", text="Kept while you were away.")
    watcher = ann.page.context.new_page()
    watcher.goto(f"{stack.base_url}/jobs")
    with ann.expecting(*AWAY):
        with stack.without_web():
            expect(watcher.locator("#away")).to_contain_text("does not answer")
            ann.page.click("#send")
            expect(ann.page.locator("#away")).to_contain_text("Nothing that you typed is lost")
            ann.page.evaluate(A_POLL_FAILS)
            expect(ann.page.locator("#away")).to_contain_text("Nothing that you typed is lost")
        expect(watcher.locator("#away")).to_be_hidden()
        expect(ann.page.locator("#away")).to_be_hidden()
    assert ann.page.input_value("#text") == "Kept while you were away."
    ann.sends()
    # The list goes on by itself.
    expect(watcher.locator(".rows tbody tr", has_text="Away").first).to_be_visible()
    ann.sees_state("Sent")


def test_a_hidden_tab_does_not_ask_and_asks_at_once_when_it_is_shown(ann: Actor) -> None:
    ann.opens("/jobs")
    with ann.page.expect_response(re.compile("/partials/jobs")):
        pass
    ann.page.evaluate("Object.defineProperty(document, 'hidden', { get: () => window.away, configurable: true })")
    ann.page.evaluate("window.away = true")
    asked: list[str] = []
    ann.page.on("request", lambda request: asked.append(request.url))
    ann.page.wait_for_timeout(2500)  # longer than the pause between two polls
    assert asked == []
    with ann.page.expect_request(re.compile("/partials/jobs"), timeout=1000):
        ann.page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")


def test_ann_uses_the_keyboard_alone(ann: Actor) -> None:
    ann.opens("/")
    keys = ann.page.keyboard
    keys.press("Tab")
    expect(ann.page.locator(".skip")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(ann.page.get_by_role("main").get_by_role("link", name="Compose").first).to_be_focused()
    keys.press("Enter")
    ann.page.wait_for_url("**/compose?*")
    expect(ann.page.locator("#to")).to_be_focused()
    keys.type("keys@mailbox.test")
    for text in ("", "By keys", "No mouse."):  # past the summary of Cc, Bcc and Reply-To
        keys.press("Tab")
        keys.type(text)
    for _ in range(20):
        keys.press("Tab")
        if ann.page.evaluate("document.activeElement.id") == "send":
            break
    keys.press("Enter")
    ann.is_at_a_job()
    ann.sees_state("Sent")


def test_ann_is_told_when_somebody_else_was_faster(ann: Actor, stack: Stack) -> None:
    ann.composes(to="reject+faster@mailbox.test", subject="Faster", text="Hello.")
    job_id = ann.sends()
    ann.sees_state("Dead")
    stack.desk.discard(job_id)
    with ann.expecting("409"):
        ann.presses("Retry")
        expect(ann.page.locator("#toasts")).to_contain_text("A job that is discarded cannot be retried.")
    ann.sees_state("Discarded")


def test_what_is_not_there_is_said_on_a_page(ann: Actor) -> None:
    with ann.expecting("404"):
        ann.opens("/jobs/01hgw2bbg00000000000000000")
        ann.sees("There is no job 01hgw2bbg00000000000000000.")
    ann.page.get_by_role("link", name="All jobs").click()
    ann.page.wait_for_url("**/jobs")


def test_without_javascript_far_too_large_a_form_is_said_at_its_files(enter: Enter, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(b"x" * 55_000_000)
    ann = enter(java_script_enabled=False)
    ann.composes(to="ben@mailbox.test", subject="Large", text="Hello.")
    ann.page.set_input_files("#attachments", [large])
    with ann.expecting("413"):
        ann.page.click("#send")
        ann.sees_error("attachments", "far too large")
    ann.page.go_back()
    assert ann.page.input_value("#text") == "Hello."
