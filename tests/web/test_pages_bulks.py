"""The page that lists bulks, and the notice while one is long under way."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from tasks.bulk import BulkRunner
from tasks.domain.filter import Filter
from tasks.domain.states import State, Verb
from tasks.store.attention import BULK_TAKES_LONG_US
from tasks.store.bulks import Bulk
from tasks.store.finder import Count
from tests.web.asking import submit
from tests.web.pages import HTMX, token
from tests.web.test_pages_operations import dead, link, words
from webapp.context import Postroom


def done(postroom: Postroom) -> None:
    BulkRunner(postroom.settings, postroom.redis, "worker-1").turn()


def row(html: str, bulk: Bulk) -> str:
    found = html[html.index(f'id="bulk-{bulk.id}"') :]
    return found[: found.index("</tr>")]


def since_long(postroom: Postroom) -> Bulk:
    """A bulk that was asked for a while ago."""
    asked_us = postroom.jobs.now_us() - 2 * BULK_TAKES_LONG_US
    bulk = Bulk("01hgw2bbg00000000000000000", Verb.RETRY, None, Filter(), None, asked_us, Count(7, exact=True))
    postroom.bulks.create(bulk)
    return bulk


def test_without_any_the_page_says_how_to_start_one(client: FlaskClient) -> None:
    html = client.get("/bulks").text
    assert "No bulk in the last 7 days" in words(html)
    assert 'href="/jobs"' in html


def test_bulks_are_listed_with_what_they_do_to_which_jobs_and_how_far_they_are(
    client: FlaskClient, postroom: Postroom
) -> None:
    digest = dead(client, postroom) and re.search(r'id="group-(\w+)"', client.get("/dead-letters").text)
    assert digest
    ended = postroom.desk.bulk(Verb.RETRY, Filter(state=State.DEAD, reason=digest[1]))
    done(postroom)
    runs = postroom.desk.bulk(Verb.CANCEL, Filter(tag="news", recipient="@mailbox.test"))
    named = postroom.desk.bulk(Verb.DISCARD, Filter(), ids=[submit(client).id])
    html = client.get("/bulks").text
    assert "2 under way, 3 of the last 7 days" in words(html)
    assert re.findall(r'<tr role="row" id="bulk-(\w+)"', html) == [named.id, runs.id, ended.id]
    told = words(row(html, ended))
    assert "Ended Retried 1 job Dead jobs, because of 550 5.1.1 No such user 1 of 1" in told
    assert "Running Canceling 0 jobs Jobs of all states, to @mailbox.test, tagged news" in words(row(html, runs))
    assert "1 job, selected by hand" in words(row(html, named))
    assert link(html, f"open-{ended.id}") == f"/bulk/{ended.id}"


def test_one_is_stopped_on_the_list_with_and_without_javascript(client: FlaskClient, postroom: Postroom) -> None:
    first, second = (postroom.desk.bulk(Verb.CANCEL, Filter()) for _ in range(2))
    data = {"csrf_token": token(client), "on": "list"}
    part = client.post(f"/bulk/{first.id}/cancel", data=data, headers=HTMX)
    assert "Stopped" in words(row(part.text, first))
    assert 'id="bulks"' in part.text
    answer = client.post(f"/bulk/{second.id}/cancel", data=data)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/bulks")
    assert "under way" not in words(client.get("/bulks").text)


def test_the_list_is_rendered_only_when_something_changed(client: FlaskClient, postroom: Postroom) -> None:
    tag = client.get("/partials/bulks").headers["HX-PTag"]
    assert client.get("/partials/bulks", headers=HTMX | {"HX-PTag": tag}).status_code == 304
    bulk = postroom.desk.bulk(Verb.CANCEL, Filter())
    assert row(client.get("/partials/bulks", headers=HTMX | {"HX-PTag": tag}).text, bulk)


def test_every_page_says_that_a_bulk_is_long_under_way_and_leads_to_it(client: FlaskClient, postroom: Postroom) -> None:
    submit(client)
    postroom.desk.bulk(Verb.CANCEL, Filter())
    assert "under way" not in words(client.get("/jobs").text)  # it is done before one has read that
    since_long(postroom)
    for path in ("/", "/jobs", "/workers", "/dead-letters"):
        assert "A bulk is under way. See how far" in words(client.get(path).text), path
    assert "A bulk is under way." in words(client.get("/partials/notice?on=overview").text)
    # Its own pages say it better.
    for path in ("/bulks", "/partials/notice?on=bulks", "/partials/notice?on=bulk"):
        assert "A bulk is under way." not in words(client.get(path).text), path


def test_the_list_of_jobs_leads_to_the_bulks(client: FlaskClient) -> None:
    submit(client)
    assert link(client.get("/jobs").text, "to-bulks") == "/bulks"


def test_the_batch_has_a_field_of_its_own(client: FlaskClient) -> None:
    submit(client)
    html = client.get("/jobs?batch=spring").text
    assert re.search(r'<input type="text" id="batch" name="batch" value="spring"', html)
    assert html.count('name="batch"') == 2, "the filter's field, and what the selection is of"
    assert link(html, "without-batch") == "/jobs"
