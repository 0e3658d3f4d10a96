"""Every page in every state, for the tests that look at all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from tasks.domain.filter import Filter
from tasks.domain.ids import make_id
from tasks.domain.states import Verb
from tasks.store.attention import BULK_TAKES_LONG_US
from tasks.store.bulks import Bulk, Bulks
from tasks.store.finder import Count
from tasks.store.keys import Keys
from tests.support.client import Client
from tests.support.processes import Stack

HTML = "<h1>Hello</h1><p>A <a href='https://example.org'>link</a>.</p>"


@dataclass(frozen=True)
class Town:
    """What there is to look at."""

    sent: str
    dead: str
    unknown: str
    partial: str
    later: str
    again: str
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
    partial = client.submit(to="ann@mailbox.test, reject+part@mailbox.test", subject="For some")
    later = client.submit(to="later@mailbox.test", subject="Later", send_at=in_a_month.isoformat())
    again = client.submit(to="defer+places@mailbox.test", subject="Again and again", max_attempts=100)
    for job, state in ((sent, "sent"), (dead, "dead"), (unknown, "unknown"), (partial, "partial")):
        client.until(job, state)
    bulk = client.post("/api/bulk", {"verb": "cancel", "filter": {"tag": "none"}}).body["id"]
    return Town(sent, dead, unknown, partial, later, again, client.mails("places@mailbox.test")[0]["id"], bulk)


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
    "partial job": "/jobs/{partial}",
    "scheduled job": "/jobs/{later}",
    "retrying job": "/jobs/{again}",
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


@contextmanager
def long_bulk(stack: Stack) -> Iterator[Bulk]:
    """A bulk that does not get on, since a worker that is not there holds it."""
    bulks = Bulks(stack.redis, stack.settings.key_prefix)
    asked_us = stack.jobs.now_us() - 2 * BULK_TAKES_LONG_US
    tagged = Filter(tag="nothing-has-this")
    bulk = Bulk(
        make_id(asked_us // 1000, os.urandom(10)), Verb.CANCEL, None, tagged, None, asked_us, Count(400, exact=True)
    )
    bulks.hold(bulk.id, "nobody")
    stack.redis.persist(Keys(stack.settings.key_prefix).of("bulk_lease", bulk.id))
    bulks.create(bulk)
    try:
        yield bulk
    finally:
        bulks.cancel(bulk.id, stack.jobs.now_us())
        stack.redis.delete(Keys(stack.settings.key_prefix).of("bulk_lease", bulk.id))
