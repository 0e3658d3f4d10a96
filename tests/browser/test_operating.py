"""Stories of an operator: looking, filtering, acting on many jobs at once, and watching it happen."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.actor import Actor
from tests.browser.conftest import Enter
from tests.browser.places import long_bulk
from tests.support.client import Client
from tests.support.making import LATER
from tests.support.processes import Stack, wait_until

SOON_MS = 1500
"""A change is on screen within this time."""


@pytest.fixture
def client(stack: Stack) -> Client:
    return Client(stack.base_url)


def boxes(ann: Actor) -> Locator:
    return ann.page.locator("#jobs .c-pick input")


def test_ann_filters_and_shares_what_she_sees(enter: Enter, client: Client) -> None:
    tagged = client.submit(to="mia@share.test", subject="Shared", tags=["share"])
    client.submit(to="mia@share.test", subject="Not shared")
    client.until(tagged, "sent")
    ann, ben = enter(), enter("phone")
    ann.opens("/jobs")
    ann.page.keyboard.press("/")
    expect(ann.page.locator("#find")).to_be_focused()
    ann.page.keyboard.type("@share.test")
    ann.page.keyboard.press("Enter")
    expect(ann.page.locator("#matching")).to_have_text("2 jobs match")
    ann.page.click("#filters-summary")
    ann.page.fill("#tag", "share")
    ann.page.click("#apply")
    expect(ann.page.locator("#matching")).to_have_text("1 job matches")
    expect(ann.page.locator("#find")).to_have_value("")
    ann.sees_all_of_the_page()

    ben.page.goto(ann.page.url)
    expect(ben.page.locator(".rows tbody tr")).to_have_count(1)
    expect(ben.row("Shared")).to_be_visible()
    ben.sees_all_of_the_page()
    ben.page.click("#without-tag")
    expect(ben.page.locator("#matching")).to_have_text("2 jobs match")


def test_back_leads_through_the_filters(ann: Actor, client: Client) -> None:
    client.submit(to="mia@back.test", subject="Back", tags=["back"])
    ann.opens("/jobs?recipient=%40back.test")
    ann.page.click("#tab-dead")
    ann.sees("No job matches.")
    ann.page.click("#unfiltered")
    expect(ann.page).to_have_url(re.compile(r"/jobs\?state=dead$"))
    ann.page.go_back()
    ann.sees("No job matches.")
    ann.page.go_back()
    expect(ann.page).to_have_url(re.compile(r"/jobs\?recipient=%40back\.test$"))
    expect(ann.row("Back")).to_be_visible()
    expect(ann.page.locator("#without-recipient")).to_contain_text("@back.test")


def test_ann_retries_all_of_a_reason_and_watches(ann: Actor, client: Client) -> None:
    ids = [client.submit(to=f"fail+{number}@mailbox.test", subject=f"Reason {number}") for number in range(12)]
    for job_id in ids:
        client.until(job_id, "dead")
    ann.opens("/")
    expect(ann.page.locator("#nav-dead")).to_be_visible()
    ann.page.get_by_role("link", name=re.compile("Dead letters")).click()
    group = ann.page.locator(".group", has_text="550 Simulated task failure")
    expect(group.locator(".figure")).to_have_text("12")
    group.get_by_role("link", name=re.compile("Retry")).click()
    expect(ann.page.locator("h1")).to_have_text("Retry 12 jobs?")
    ann.presses("Retry 12 jobs")
    expect(ann.page.locator("#bulk-title")).to_have_text("Retried 12 jobs")
    expect(ann.page.locator("#done")).to_have_text("12")
    expect(ann.page.locator("#skipped")).to_have_text("0")
    assert ann.page.locator("#bulk").get_attribute("hx-trigger") is None
    ann.page.click("#to-dead")
    expect(group.locator(".figure")).to_have_text("12")  # refused again


@pytest.mark.parametrize("look", ["light", "phone"])
def test_ann_selects_some_and_discards_them(enter: Enter, client: Client, look: str) -> None:
    ann = enter(look)
    tag = f"some-{look}"
    ids = [client.submit(to=f"reject+{tag}@mailbox.test", subject=f"Some {n}", tags=[tag]) for n in range(4)]
    for job_id in ids:
        client.until(job_id, "dead")
    ann.opens(f"/jobs?tag={tag}")
    expect(ann.page.locator("#selection")).to_be_hidden()
    boxes(ann).nth(0).check()
    boxes(ann).nth(2).check()
    expect(ann.page.locator("#chosen")).to_have_text("2 selected")
    expect(ann.page.get_by_role("button", name="Cancel…")).to_be_hidden()  # none of these could be
    ann.sees_all_of_the_page()
    ann.presses("Discard…")
    expect(ann.page.locator("h1")).to_have_text("Discard 2 jobs?")
    ann.sees_all_of_the_page()
    ann.presses("Discard 2 jobs")
    expect(ann.page.locator("#bulk-title")).to_have_text("Discarded 2 jobs")
    ann.sees_all_of_the_page()
    ann.opens(f"/jobs?tag={tag}&state=dead")
    expect(boxes(ann)).to_have_count(2)


def test_the_tab_that_is_open_is_in_view_on_a_phone(enter: Enter, client: Client) -> None:
    client.submit(to="mia@mailbox.test", subject="Tabs")
    ann = enter("phone")
    for state in ("sent", "canceled"):  # one offers no selection; the other is the last tab
        ann.opens(f"/jobs?state={state}")
        expect(ann.page.locator(f"#tab-{state}")).to_be_in_viewport(ratio=0.9)


def test_without_javascript_many_jobs_are_acted_on_by_plain_forms(enter: Enter, client: Client) -> None:
    ann = enter(java_script_enabled=False)
    for number in range(3):
        client.until(client.submit(to="reject+plain@mailbox.test", subject=f"Plain {number}", tags=["plain"]), "dead")
    ann.opens("/jobs?tag=plain")
    ann.presses("Discard…")  # nothing is selected yet
    expect(ann.page.locator("#toasts")).to_contain_text("Select the jobs to discard first.")
    ann.page.check("#every")
    ann.presses("Discard…")
    ann.presses("Discard 3 jobs")
    wait_until(lambda: not client.get("/api/jobs?tag=plain&state=dead").body["jobs"], "all to be discarded")
    ann.page.reload()
    expect(ann.page.locator("#bulk-title")).to_have_text("Discarded 3 jobs")


def test_the_list_lives_and_keeps_what_ann_holds_on_to(ann: Actor, client: Client) -> None:
    for number in range(60):
        client.submit(to="mia@mailbox.test", subject=f"Old {number}", tags=["live"], send_at=LATER)
    ann.opens("/jobs?tag=live")
    third = boxes(ann).nth(3)
    chosen = third.get_attribute("value")
    third.check()
    title = ann.page.locator(f"#open-{chosen}")
    title.focus()
    ann.page.mouse.move(700, 500)
    ann.page.mouse.wheel(0, 400)
    expect(ann.page.locator("#selection")).to_be_in_viewport()
    ann.page.wait_for_function("scrollY > 300")
    row = ann.page.locator(f"#job-{boxes(ann).nth(12).get_attribute('value')}")
    before = row.bounding_box()
    for number in range(5):
        client.submit(to="mia@mailbox.test", subject=f"New {number}", tags=["live"], send_at=LATER)
    expect(ann.page.locator("#jobs .rows")).to_contain_text("New 4", timeout=SOON_MS)
    after = row.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) <= 1, "the list jumped under the reader"
    expect(title).to_be_focused()
    expect(ann.page.locator(f"#pick-{chosen}")).to_be_checked()
    # So many more that it is on the next page by now: it stays selected.
    for number in range(45):
        client.submit(to="mia@mailbox.test", subject=f"More {number}", tags=["live"], send_at=LATER)
    expect(ann.page.locator("#chosen")).to_have_text("1 selected, 1 on older pages")
    ann.presses("Cancel…")
    expect(ann.page.locator("h1")).to_have_text("Cancel 1 job?")
    ann.presses("Cancel 1 job")
    expect(ann.page.locator("#bulk-title")).to_have_text("Canceled 1 job")
    assert client.job(str(chosen))["state"] == "canceled"


def test_all_that_match_are_more_than_the_page_shows(ann: Actor, client: Client) -> None:
    for number in range(53):
        client.submit(to="mia@mailbox.test", subject=f"All {number}", tags=["all"], send_at=LATER)
    ann.opens("/jobs?tag=all")
    ann.page.check("#pick-all")
    expect(ann.page.locator("#chosen")).to_have_text("50 selected")
    ann.page.check("#every")
    expect(ann.page.locator("#chosen")).to_have_text("53 selected")
    expect(boxes(ann).nth(7)).to_be_checked()
    ann.presses("Cancel…")
    ann.presses("Cancel 53 jobs")
    expect(ann.page.locator("#bulk-title")).to_have_text("Canceled 53 jobs")
    ann.page.click("#back")
    expect(ann.page.locator("#matching")).to_have_text(re.compile("^0 jobs match|^53 jobs match"))


@pytest.mark.parametrize("look", ["light", "phone"])
def test_ann_sees_a_long_bulk_from_every_page_and_stops_it(enter: Enter, stack: Stack, look: str) -> None:
    ann = enter(look)
    with long_bulk(stack) as bulk:
        ann.opens("/compose")
        expect(ann.page.locator("#notice")).to_contain_text("A bulk is under way.")
        ann.sees_all_of_the_page()
        ann.page.get_by_role("link", name="See how far").click()
        row = ann.page.locator(f"#bulk-{bulk.id}")
        expect(row).to_contain_text("Running")
        ann.sees_all_of_the_page()
        row.get_by_role("button", name="Stop").click()
        expect(row).to_contain_text("Stopped")
        expect(row.get_by_role("button")).to_have_count(0)
    row.get_by_role("link").click()
    expect(ann.page.locator("#bulk-title")).to_contain_text("Stopped.")
    expect(ann.page.locator("#notice")).to_be_empty()


def test_ann_pauses_a_lane_and_everybody_sees_it(enter: Enter, client: Client) -> None:
    ann, ben = enter(), enter("phone")
    ben.opens("/compose")
    ann.opens("/workers")
    row = ann.page.locator("#lane-low")
    try:
        row.get_by_role("button", name="Pause").click()
        expect(row).to_contain_text("Paused")
        expect(ben.page.locator("#notice")).to_contain_text("The low lane is paused: mail waits there.")
        ben.sees_all_of_the_page()
        job_id = client.submit(to="mia@mailbox.test", subject="Waits", priority="low")
        expect(ann.page.locator("#warnings")).to_contain_text("1 job is due in it", timeout=SOON_MS)
        assert client.job(job_id)["state"] == "queued"
    finally:
        client.post("/api/lanes/low/resume")
    client.until(job_id, "sent")
    expect(row.get_by_role("button", name="Pause")).to_be_visible()
    expect(ben.page.locator("#notice")).to_be_empty()


def test_ann_sees_what_a_worker_is_sending(ann: Actor, client: Client) -> None:
    job_id = client.submit(to="slow@mailbox.test", subject="Slow")
    ann.opens("/workers")
    expect(ann.page.locator(f"#held-{job_id}")).to_be_visible()
    expect(ann.page.locator(f"#held-{job_id}")).to_be_hidden(timeout=20_000)  # it is sent: slow@ takes 5 s


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_the_overview_lives_and_its_range_is_chosen(enter: Enter, client: Client, look: str) -> None:
    client.until(client.submit(subject="First"), "sent")
    ann = enter(look)
    ann.opens("/")
    ann.sees_all_of_the_page()
    count = ann.page.locator("#tile-sent .figure")
    before = int(count.inner_text().replace(",", ""))
    client.submit(to="mia@mailbox.test", subject=f"Counted, {look}")
    expect(ann.row(f"Counted, {look}")).to_contain_text("Sent", timeout=SOON_MS)
    expect(count).to_have_text(f"{before + 1:,}")
    ann.page.click("#table-summary")
    ann.page.click("#range-week")
    expect(ann.page).to_have_url(re.compile(r"/\?range=week$"))
    expect(ann.page.locator("#chart-title")).to_have_text("Throughput by hour over the last 7 days")
    ann.sees_all_of_the_page()
    ann.page.go_back()
    expect(ann.page.locator("#chart-title")).to_have_text("Throughput by minute over the last hour")


def test_an_open_table_stays_open_while_the_overview_lives(ann: Actor, client: Client) -> None:
    client.submit(subject="One")
    ann.opens("/")
    ann.page.click("#table-summary")
    started = time.monotonic()
    client.until(client.submit(to="mia@mailbox.test", subject="Beside the table"), "sent")
    expect(ann.row("Beside the table")).to_be_visible()
    assert time.monotonic() - started < 10
    expect(ann.page.locator("#table .numbers")).to_be_visible()
