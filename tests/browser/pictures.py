"""Takes the README's pictures, so that they never go stale: ``python -m tests.browser.pictures``.

With a folder, and looks if you like (``light``, ``dark``, ``phone``), it takes every page into that folder instead.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, LOOKS
from tests.browser.history import busy_week
from tests.support.client import Client
from tests.support.making import LATER
from tests.support.processes import Stack, running_stack

IN_README = ("overview", "jobs", "job-twice")
HTML = """<div style="font-family:sans-serif;max-width:480px;margin:auto">
<h1 style="color:#1f4d8f">Your order is on its way</h1>
<p>Hello Ann,</p><p>we have handed <b>order 4711</b> to the carrier. It arrives <i>tomorrow between 9 and 12</i>.</p>
<p><a href="https://shop.example/orders/4711">Follow it</a></p></div>"""


def main(folder: Path, looks: list[str], names: tuple[str, ...] = ()) -> None:
    """Fill a stack of its own with the usual mixture, and take every page, or those that are named."""
    folder.mkdir(parents=True, exist_ok=True)
    with running_stack(retry_backoff_seconds=1) as stack, sync_playwright() as playwright:
        busy_week(stack)
        paths = _fill(stack)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for look in looks:
            page = browser.new_context(**LOOKS[look], device_scale_factor=1).new_page()
            for name in names or paths:
                page.goto(stack.base_url + paths[name])
                page.wait_for_load_state("networkidle")
                suffix = "" if look == "light" else f"-{look}"
                page.screenshot(path=folder / f"{name}{suffix}.png", full_page=look == "phone")
        browser.close()


def _fill(stack: Stack) -> dict[str, str]:
    client = Client(stack.base_url)
    people = ("ann", "bob", "carla", "dinesh", "eva", "fumiko", "george", "hana")
    for number in range(24):
        who = people[number % len(people)]
        client.submit(to=f"{who}@mailbox.test", subject=f"Receipt {1000 + number}", text="Thank you.", tags=["receipt"])
    client.submit(to="ann@mailbox.test", subject="Invoice for November", text="See above.", send_at=LATER)
    dead = client.submit(to="Rita <reject@mailbox.test>", subject="Password reset", text="Follow the link.")
    client.until(dead, "dead")
    part = client.submit(
        to="ann@mailbox.test, reject+2@mailbox.test", subject="Minutes of the meeting", text="As agreed."
    )
    client.until(part, "partial")
    client.until(client.submit(to="drop@mailbox.test", subject="Contract, signed", text="Please find it."), "unknown")
    twice = client.submit(to="defer-twice@mailbox.test", subject="Your ticket", text="Doors open at 7 pm.")
    client.until(twice, "sent")
    order = client.submit(
        to="Ann Example <ann@mailbox.test>",
        cc="bob@mailbox.test",
        subject="Your order is on its way",
        text="Hello Ann,\n\nwe have handed order 4711 to the carrier.\n",
        html=HTML,
        tags=["order", "shop"],
        attachments=[{"filename": "invoice-4711.pdf", "content": "JVBERi0xLjQK" * 400}],
    )
    client.until(order, "sent")
    waiting = client.submit(to="defer@mailbox.test", subject="Reminder: dentist on Friday", text="At 10 am.")
    client.until(waiting, "retrying")
    mail = client.mails("ann@mailbox.test")[0]["id"]
    bulk = client.post("/api/bulk", {"verb": "cancel", "filter": {"tag": "none"}}).body["id"]
    return {
        "overview": "/",
        "overview-week": "/?range=week",
        "jobs": "/jobs",
        "jobs-filtered": "/jobs?state=sent&recipient=%40mailbox.test&tag=receipt",
        "dead-letters": "/dead-letters",
        "bulk-confirm": "/bulk?verb=retry&all=1&state=dead",
        "bulk": f"/bulk/{bulk}",
        "bulks": "/bulks",
        "workers": "/workers",
        "job": f"/jobs/{order}",
        "job-html": f"/jobs/{order}?view=html",
        "job-dead": f"/jobs/{dead}",
        "job-partial": f"/jobs/{part}",
        "job-retrying": f"/jobs/{waiting}",
        "job-twice": f"/jobs/{twice}",
        "compose": "/compose",
        "mailbox": "/mailbox",
        "mail": f"/mailbox/{mail}",
        "none": "/jobs/nothing",
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]), sys.argv[2:] or ["light"])
    else:
        main(Path("docs"), ["light"], IN_README)
