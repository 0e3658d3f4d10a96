"""Stories by keyboard alone, and of what is said to those who do not see."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.actor import Actor
from tests.browser.conftest import Enter
from tests.browser.places import path_of
from tests.support.client import Client
from tests.support.processes import Stack

FOCUSED = "document.activeElement.id"
TOO_SMALL = """() => [...document.querySelectorAll("a, button, summary, input, select, textarea")]
  .filter((each) => each.checkVisibility() && !each.matches(".skip, [type=hidden]"))
  .filter((each) => getComputedStyle(each, "::after").position !== "absolute")  // that takes the clicks around it
  .filter((each) => !(each.matches("a") && getComputedStyle(each).display === "inline"))  // in a line of text
  .filter((each) => { const box = (each.closest("label") ?? each).getBoundingClientRect();
    return box.width > 1 && (box.width < 24 || box.height < 24); })
  .map((each) => each.outerHTML.slice(0, 120))"""
UNSEEN_FOCUS = """() => [...document.querySelectorAll("main :is(a, button, summary, input, select, textarea)")]
  .filter((each) => each.checkVisibility() && each.type !== "hidden" && each.tabIndex >= 0)
  .filter((each) => { each.focus({ focusVisible: true }); const row = each.closest("tr") ?? each;
    return getComputedStyle(each).outlineStyle === "none" && getComputedStyle(row).outlineStyle === "none"; })
  .map((each) => each.outerHTML.slice(0, 120))"""


def test_ann_walks_through_the_rows_and_opens_one(ann: Actor, stack: Stack) -> None:
    client = Client(stack.base_url)
    first, second = (client.submit(to="keys@mailbox.test", subject=f"Walk {number}") for number in range(2))
    for job in (first, second):
        client.until(job, "sent")
    ann.opens("/jobs?state=sent")
    keys = ann.page.keyboard
    for key, at in (("j", second), ("j", first), ("k", second), ("k", second), ("j", first)):
        keys.press(key)
        assert ann.page.evaluate(FOCUSED) == f"open-{at}"
    with ann.page.expect_response(re.compile("/partials/jobs")):
        pass
    assert ann.page.evaluate(FOCUSED) == f"open-{first}", "a poll leaves the focus where it is"
    keys.press("Enter")
    assert ann.is_at_a_job() == first


def test_ann_opens_a_bulk_and_comes_back(ann: Actor, stack: Stack) -> None:
    bulk = path_of(stack, "many canceled")
    ann.opens("/bulks")
    keys = ann.page.keyboard
    for _ in range(20):
        keys.press("j")
        if ann.page.evaluate(FOCUSED) == f"open-{bulk.rpartition('/')[2]}":
            break
    keys.press("Enter")
    ann.page.wait_for_url(f"**{bulk}")
    ann.page.go_back()
    ann.page.wait_for_url("**/bulks")


def test_ann_searches_the_mailbox(ann: Actor, stack: Stack) -> None:
    path_of(stack, "mailbox")
    ann.opens("/mailbox")
    keys = ann.page.keyboard
    keys.press("/")
    expect(ann.page.locator("#q")).to_be_focused()
    keys.type("places jinvoice?")
    assert ann.page.input_value("#q") == "places jinvoice?", "while she types, no key is a shortcut"
    ann.sees("Nothing matches.")
    ann.page.fill("#q", "places")
    expect(ann.row("Places").first).to_be_visible()
    expect(ann.page.locator("#found")).to_contain_text("found in subject, addresses and text")
    ann.page.wait_for_url("**/mailbox?q=places")
    expect(ann.page.locator("#q")).to_be_focused()
    keys.press("Enter")
    expect(ann.page.locator("#q")).to_have_value("places")
    ann.page.reload()
    expect(ann.row("Places").first).to_be_visible()


def test_without_javascript_ann_searches_and_deletes(enter: Enter, stack: Stack) -> None:
    client = Client(stack.base_url)
    client.until(client.submit(to="gone@mailbox.test", subject="To be deleted"), "sent")
    ann = enter(java_script_enabled=False)
    ann.opens("/mailbox")
    ann.page.fill("#q", "gone@mailbox.test")
    ann.page.keyboard.press("Enter")
    ann.row("To be deleted").get_by_role("link").click()
    ann.presses("Delete")
    expect(ann.page.locator("#toasts")).to_contain_text("Deleted the mail.")
    assert client.mails("gone@mailbox.test") == []
    ann.page.click("#delete-all")
    ann.sees(re.compile(r"Delete (all \d+ mails|the one mail)\?"))
    ann.page.get_by_role("link", name="Keep").click()
    ann.page.wait_for_url("**/mailbox")


def test_question_mark_shows_the_shortcuts_which_can_be_switched_off(ann: Actor) -> None:
    ann.opens("/jobs")
    keys, help_ = ann.page.keyboard, ann.page.locator("#help")
    keys.press("?")
    expect(help_).to_be_visible()
    keys.press("Escape")
    expect(help_).to_be_hidden()
    keys.press("g")
    keys.press("m")
    ann.page.wait_for_url("**/mailbox")

    ann.page.click("#help-button")
    ann.page.uncheck("#use-keys")
    ann.page.click("#close-help")
    ann.page.reload()
    keys.press("?")
    keys.press("g")
    keys.press("j")
    keys.press("/")
    expect(help_).to_be_hidden()
    assert ann.page.url.endswith("/mailbox")
    assert ann.page.evaluate(FOCUSED) != "q"
    ann.page.click("#help-button")
    ann.page.check("#use-keys")
    ann.page.click("#close-help")
    keys.press("?")
    expect(help_).to_be_visible()


def test_a_toast_is_announced_and_goes_when_it_is_dismissed(ann: Actor, stack: Stack) -> None:
    client = Client(stack.base_url)
    client.until(client.submit(to="toast@mailbox.test", subject="Toast"), "sent")
    ann.opens("/mailbox?q=toast@mailbox.test")
    ann.row("Toast").get_by_role("link").click()
    ann.presses("Delete")
    toasts = ann.page.locator("#toasts")
    expect(toasts).to_have_attribute("aria-live", "polite")
    expect(toasts).to_contain_text("Deleted the mail.")
    toasts.get_by_role("button", name="Close").click()
    expect(toasts).to_be_empty()


def test_what_takes_the_keyboard_is_seen_and_what_takes_a_finger_is_large_enough(enter: Enter, stack: Stack) -> None:
    ann = enter("phone")
    for name in (
        "jobs",
        "dead job",
        "unknown job",
        "compose",
        "mailbox",
        "mail, its HTML",
        "overview",
        "dead letters",
        "bulks",
        "workers",
    ):
        ann.opens(path_of(stack, name))
        small = ann.page.evaluate(TOO_SMALL)
        assert small == [], name
        unseen = ann.page.evaluate(UNSEEN_FOCUS)
        assert unseen == [], name
