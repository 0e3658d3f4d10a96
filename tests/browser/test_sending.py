"""Stories of mail that is written, sent, retried, refused, and found again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.actor import Actor
from tests.browser.conftest import Enter
from tests.support.processes import Stack, wait_until


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_ann_writes_a_mail_and_watches_it_arrive(enter: Enter, look: str) -> None:
    ann = enter(look)
    ann.composes(to=f"ben+{look}@mailbox.test", subject=f"Lunch, {look}", text="At noon?", html="<h1>At noon?</h1>")
    ann.sees_all_of_the_page()
    job_id = ann.sends()
    ann.sees_state("Sent")
    ann.sees("Accepted by the relay for its recipient.")
    ann.sees_all_of_the_page()

    ann.page.click("#view-html")
    expect(ann.page.frame_locator("#frame").locator("h1")).to_have_text("At noon?")

    ann.opens("/mailbox")
    ann.row(f"Lunch, {look}").get_by_role("link").click()
    ann.sees("At noon?")
    ann.sees_all_of_the_page()
    ann.page.get_by_role("link", name=job_id).click()
    ann.sees_state("Sent")

    ann.opens("/jobs?state=sent")
    expect(ann.row(f"Lunch, {look}").first).to_contain_text("Sent")
    ann.sees_all_of_the_page()


def test_ann_watches_a_deferred_mail_retried_until_it_arrives(ann: Actor) -> None:
    ann.composes(to="defer-twice+story@mailbox.test", subject="Third time lucky", text="Hello.")
    ann.sends()
    ann.sees_state("Retrying|Sending")
    first = ann.page.locator("#attempt-1-details")
    first.locator("summary").click()
    expect(first).to_contain_text("451 4.7.1")

    ann.sees_state("Sent", seconds=20)
    expect(ann.page.locator("#pips")).to_contain_text("Attempt 3 of 8")
    expect(ann.page.locator("#attempts li.attempts")).to_have_count(3)
    # What was opened while the page changed under it is still open.
    assert first.get_attribute("open") is not None
    # The job is final, so the page has stopped asking.
    assert ann.page.locator("#job").get_attribute("hx-trigger") is None


def test_ann_sees_a_refused_mail_and_retries_it(ann: Actor) -> None:
    ann.composes(to="reject+story@mailbox.test", subject="Nobody there", text="Hello.")
    ann.sends()
    ann.sees_state("Dead")
    ann.sees("550 5.1.1 No such mailbox here")
    ann.presses("Retry")
    expect(ann.page.locator("#attempt-2")).to_contain_text("550 5.1.1")
    ann.sees_state("Dead")
    ann.sees("Retried by an operator.")


def test_ann_schedules_a_mail_in_her_time_zone_and_cancels_it(enter: Enter) -> None:
    ann = enter(timezone_id="Europe/Berlin")
    ann.composes(to="ben@mailbox.test", subject="Next summer", text="Hello.")
    ann.page.fill("#send_at_local", _next_july("09:30"))
    expect(ann.page.locator("#send_at_local-hint")).to_have_text(re.compile(r"-07-01 07:30 UTC"))
    ann.sends()
    ann.sees_state("Scheduled")
    ann.sees(re.compile(r"1 Jul \d{4}, 07:30:00 UTC"))
    ann.presses("Cancel")
    ann.sees_state("Canceled")
    ann.sees("Canceled by an operator.")


def test_a_double_click_sends_once(ann: Actor, stack: Stack) -> None:
    ann.composes(to="once+click@mailbox.test", subject="Only once", text="Hello.")
    ann.page.dblclick("#send")
    ann.is_at_a_job()
    ann.sees_state("Sent")
    assert stack.mailbox.count("once+click@mailbox.test") == 1


def test_without_javascript_a_form_sent_twice_sends_once(enter: Enter, stack: Stack) -> None:
    ann = enter(java_script_enabled=False)
    ann.composes(to="once+plain@mailbox.test", subject="Plain", text="Hello.")
    first = ann.sends()
    ann.page.go_back()
    assert ann.page.input_value("#text") == "Hello."
    assert ann.sends() == first
    wait_until(lambda: stack.mailbox.count("once+plain@mailbox.test") > 0, "the mail")
    ann.page.reload()
    ann.sees_state("Sent")
    assert stack.mailbox.count("once+plain@mailbox.test") == 1


def test_going_back_and_changing_what_was_sent_makes_another_mail_when_ann_says_so(ann: Actor) -> None:
    ann.composes(to="twice@mailbox.test", subject="First", text="Hello.")
    first = ann.sends()
    ann.page.go_back()
    ann.page.wait_for_url("**/compose?*")
    ann.types(to="twice@mailbox.test", subject="Second", text="Hello.")
    key = ann.page.input_value("#key")
    with ann.expecting("422"):
        ann.page.click("#send")
        expect(ann.page.locator("#summary")).to_contain_text("This form was sent before")
    expect(ann.page.get_by_role("link", name="this job")).to_have_attribute("href", f"/jobs/{first}")
    assert ann.page.input_value("#subject") == "Second"
    assert ann.page.input_value("#key") != key
    assert ann.sends() != first


def _next_july(time: str) -> str:
    from datetime import timedelta

    from tasks import clock

    # Within a year, as the parser wants it, and never today.
    now = clock.now()
    year = now.year if now < now.replace(month=6, day=28) else now.year + 1
    assert now.replace(year=year, month=7, day=1) - now < timedelta(days=366)
    return f"{year}-07-01T{time}"


def test_ann_sends_a_copy_with_its_file(ann: Actor, stack: Stack) -> None:
    ann.composes(to="ben+copy@mailbox.test", subject="Original", text="See the file.")
    ann.page.set_input_files("#attachments", [FilePayload(name="plan.txt", mimeType="text/plain", buffer=b"the plan")])
    first = ann.sends()
    ann.page.get_by_role("link", name="Send a copy").click()
    expect(ann.page.locator("#copy-of")).to_contain_text(first)
    expect(ann.page.get_by_label("plan.txt")).to_be_checked()
    ann.types(to="cy+copy@mailbox.test", subject="Copy")
    assert ann.sends() != first
    ann.sees_state("Sent")
    ann.sees("plan.txt")
    wait_until(lambda: stack.mailbox.count("cy+copy@mailbox.test") == 1, "the copy")


def test_ann_looks_at_a_mail_as_on_a_phone(ann: Actor) -> None:
    ann.composes(to="width@mailbox.test", subject="Widths", text="x", html="<p>Hello</p>")
    ann.sends()
    ann.page.click("#view-html")
    for name, width in (("Phone", 390), ("Tablet", 768), ("Desktop", 1024)):
        ann.page.get_by_role("link", name=name, exact=True).click()
        expect(ann.page.get_by_role("link", name=name, exact=True)).to_have_attribute("aria-current", "true")
        assert ann.page.evaluate("document.getElementById('frame').clientWidth") == width
        expect(ann.page.frame_locator("#frame").locator("p")).to_have_text("Hello")
        ann.sees_all_of_the_page()
    ann.page.reload()
    expect(ann.page.get_by_role("link", name="Desktop", exact=True)).to_have_attribute("aria-current", "true")


def test_without_javascript_a_live_page_reloads_itself_unless_it_is_kept_still(enter: Enter) -> None:
    ann = enter(java_script_enabled=False)
    ann.opens("/jobs?state=sent")
    note = ann.page.locator("main noscript .note")
    expect(note).to_contain_text("reloads itself every 10 seconds")
    assert ann.page.locator("meta[http-equiv=refresh]").count() == 1
    ann.page.get_by_role("link", name="Keep it as it is").click()
    expect(note).to_contain_text("stays as it is")
    assert ann.page.locator("meta[http-equiv=refresh]").count() == 0
    ann.page.get_by_role("link", name="let it reload itself").click()
    ann.page.wait_for_url("**/jobs?state=sent")
