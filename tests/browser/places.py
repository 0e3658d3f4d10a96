"""Every page in every state, for the tests that look at all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from tests.support.client import Client
from tests.support.processes import Stack

HTML = "<h1>Hello</h1><p>A <a href='https://example.org'>link</a>.</p>"


@dataclass(frozen=True)
class Town:
    """What there is to look at."""

    sent: str
    dead: str
    unknown: str
    mail: str
    bulk: str


@cache
def town(stack: Stack) -> Town:
    """Fill the stack, once."""
    client = Client(stack.base_url)
    file = {"filename": "invoice.pdf", "content": "JVBERi0xLjQK"}
    sent = client.submit(to="places@mailbox.test", subject="Places", html=HTML, tags=["places"], attachments=[file])
    dead = client.submit(to="reject+places@mailbox.test", subject="Refused")
    unknown = client.submit(to="drop+places@mailbox.test", subject="Nobody knows")
    in_a_month = datetime.now(UTC) + timedelta(days=30)
    client.submit(to="later@mailbox.test", subject="Later", send_at=in_a_month.isoformat())
    client.submit(to="defer+places@mailbox.test", subject="Again and again", max_attempts=100)
    for job, state in ((sent, "sent"), (dead, "dead"), (unknown, "unknown")):
        client.until(job, state)
    bulk = client.post("/api/bulk", {"verb": "cancel", "filter": {"tag": "none"}}).body["id"]
    return Town(sent, dead, unknown, client.mails("places@mailbox.test")[0]["id"], bulk)


PLACES = {
    "overview": "/",
    "jobs": "/jobs",
    "jobs of a state": "/jobs?state=dead",
    "jobs of a state that has none": "/jobs?state=canceled",
    "job": "/jobs/{sent}",
    "job, its HTML": "/jobs/{sent}?view=html&width=phone",
    "job, its headers": "/jobs/{sent}?view=headers",
    "job, its source": "/jobs/{sent}?view=source",
    "dead job": "/jobs/{dead}",
    "unknown job": "/jobs/{unknown}",
    "compose": "/compose",
    "compose, a copy": "/compose?copy={sent}",
    "jobs, filtered": "/jobs?tag=places&recipient=@mailbox.test",
    "jobs, a filter that is wrong": "/jobs?since=yesterday",
    "dead letters": "/dead-letters",
    "dead letters, confirmed by number": "/bulk?verb=discard&all=1&state=dead",
    "many to resolve": "/bulk?verb=resolve&all=1",
    "nothing to cancel": "/bulk?verb=cancel&all=1&state=sent",
    "many canceled": "/bulk/{bulk}",
    "bulks": "/bulks",
    "overview of the week": "/?range=week",
    "workers": "/workers",
    "mailbox": "/mailbox",
    "mailbox, a search": "/mailbox?q=places",
    "mailbox, nothing found": "/mailbox?q=nothing-like-this",
    "mailbox, delete all": "/mailbox/delete",
    "mail": "/mailbox/{mail}",
    "mail, its HTML": "/mailbox/{mail}?view=html",
    "nothing there": "/jobs/nothing",
}
"""Names and paths."""


def path_of(stack: Stack, name: str) -> str:
    """The path of a place."""
    return PLACES[name].format(**vars(town(stack)))
