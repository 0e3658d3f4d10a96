"""What every page says: that Redis takes nothing or mail is held back, and how many dead letters there are."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from tasks.store.relays import OPENS_AFTER, Relays
from tests.web.asking import submit
from tests.web.pages import HTMX
from tests.web.test_pages_operations import dead, words
from webapp.context import Postroom


def test_the_navigation_counts_dead_letters(client: FlaskClient, postroom: Postroom) -> None:
    assert re.search(r'id="nav-dead" hidden>0<', client.get("/compose", follow_redirects=True).text)
    old = client.get("/partials/notice").headers["HX-PTag"]
    dead(client, postroom)
    assert re.search(r'id="nav-dead">1<', client.get("/compose", follow_redirects=True).text)
    fresh = client.get("/partials/notice", headers=HTMX | {"HX-PTag": old})
    assert re.search(r'id="nav-dead" hx-swap-oob="outerHTML">1<', fresh.text)


def test_every_page_says_that_a_lane_is_paused_or_the_relay_held_back(client: FlaskClient, postroom: Postroom) -> None:
    job_id = submit(client).id
    postroom.desk.pause("low")
    relays = Relays(postroom.redis, postroom.settings.key_prefix)
    for _ in range(OPENS_AFTER):
        relays.failed("local mailbox", "connect", "Connection refused")
    for path in ("/jobs", f"/jobs/{job_id}", "/compose", "/mailbox", "/dead-letters", "/nowhere"):
        told = words(client.get(path, follow_redirects=True).text)
        assert "The low lane is paused: mail waits there." in told
        assert "The relay local mailbox is held back: Connection refused" in told
    for path in ("/", "/workers"):  # in more words
        assert "is held back after 3 failures" in words(client.get(path).text)
        assert "mail waits there" not in words(client.get(path).text)


def test_every_page_says_that_redis_is_full_while_it_is(client: FlaskClient, postroom: Postroom) -> None:
    polled = client.get("/partials/notice", headers=HTMX)
    postroom.redis.config_set("maxmemory", 1)
    try:
        for path in ("/", "/jobs", "/compose", "/workers", "/nowhere"):
            told = words(client.get(path, follow_redirects=True).text)
            assert "Redis is full: nothing more can be accepted or sent. Raise its maxmemory" in told
        fresh = client.get("/partials/notice", headers=HTMX | {"HX-PTag": polled.headers["HX-PTag"]})
        assert "Redis is full" in fresh.text
    finally:
        postroom.redis.config_set("maxmemory", 0)
    assert "Redis is full" not in client.get("/jobs").text


def test_the_notice_is_not_rendered_while_it_stays_the_same(client: FlaskClient, postroom: Postroom) -> None:
    first = client.get("/partials/notice", headers=HTMX)
    submit(client)
    same = client.get("/partials/notice", headers=HTMX | {"HX-PTag": first.headers["HX-PTag"]})
    assert (same.status_code, same.data) == (304, b"")
    postroom.desk.pause("high")
    assert client.get("/partials/notice", headers=HTMX | {"HX-PTag": first.headers["HX-PTag"]}).status_code == 200
