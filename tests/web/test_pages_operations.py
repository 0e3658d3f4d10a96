"""An operator's pages: filters in the URL, one verb for many jobs, dead letters, workers and lanes."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from tasks.bulk import BulkRunner
from tasks.domain.job import Outcome
from tasks.domain.states import State
from tests.support.making import make_card, make_spec
from tests.support.planting import Planted, id_at, plant
from tests.web import moving
from tests.web.asking import submit
from tests.web.pages import HTMX, token
from tests.web.test_openapi import a_report
from webapp.context import Postroom

REFUSED = (550, "5.1.1 No such user")


def dead(client: FlaskClient, postroom: Postroom, reply: tuple[int, str] = REFUSED, **fields: Any) -> str:
    job = submit(client, **fields)
    moving.settle(postroom.jobs, job.id, State.DEAD, Outcome.REJECTED, reply)
    return job.id


def words(html: str) -> str:
    main = html[html.index("<main") : html.index("</main>")] if "<main" in html else html
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


def link(html: str, name: str) -> str:
    tag = re.search(rf'<a [^>]*id="{name}"[^>]*>', html)
    assert tag, f"no link {name}"
    return unescape(re.findall(r' href="([^"]*)"', tag[0])[0])


def shown(html: str) -> list[str]:
    return re.findall(r'<tr role="row" id="job-([0-9a-z]{26})"', html)


# Filters


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("tag=&priority=&since=&until=&find=", "/jobs"),
        ("state=dead&tag=+news+", "/jobs?state=dead&tag=news"),
        ("find=ann%40mailbox.test", "/jobs?recipient=ann%40mailbox.test"),
        ("find=%40mailbox.test&tag=x", "/jobs?tag=x&recipient=%40mailbox.test"),
        ("find=01hgw2", "/jobs?q=01hgw2"),
        ("find=%3C01hgw2bbg00000000000000000%40x.test%3E", "/jobs?q=%3C01hgw2bbg00000000000000000%40x.test%3E"),
        ("since=2026-01-02T03%3A04", "/jobs?since=2026-01-02T03%3A04%3A00Z"),
        ("until=2026-01-02T03%3A04%3A05", "/jobs?until=2026-01-02T03%3A04%3A05Z"),
    ],
)
def test_what_the_form_sends_becomes_an_address_to_share(client: FlaskClient, typed: str, address: str) -> None:
    answer = client.get(f"/jobs?{typed}")
    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    assert client.get(address).status_code == 200


def test_a_filtered_list_has_what_matches_and_says_how_many(client: FlaskClient) -> None:
    meant = [submit(client, to="ann@a.test", tags=["news"]).id, submit(client, to="bob@a.test", tags=["news"]).id]
    submit(client, to="ann@b.test", tags=["news"])
    submit(client, to="ann@a.test")
    html = client.get("/jobs?recipient=%40a.test&tag=news").text
    assert shown(html) == meant[::-1]
    assert "2 jobs match" in words(html)
    assert link(html, "without-tag") == "/jobs?recipient=%40a.test"
    assert link(html, "without-recipient") == "/jobs?tag=news"
    assert link(html, "tab-dead") == "/jobs?state=dead&recipient=%40a.test&tag=news"
    assert link(html, "export-csv") == "/api/jobs.csv?recipient=%40a.test&tag=news"
    assert link(html, "clear") == "/jobs"
    assert len(client.get(link(html, "export-jsonl")).text.splitlines()) == 2


def test_nothing_that_matches_leads_back_to_all(client: FlaskClient) -> None:
    submit(client)
    html = client.get("/jobs?state=queued&tag=none").text
    assert "No job matches." in words(html)
    assert link(html, "unfiltered") == "/jobs?state=queued"


@pytest.mark.parametrize(
    ("query", "field"),
    [("q=%21", "q"), ("recipient=ann", "recipient"), ("since=soon", "since"), ("priority=x", "priority")],
)
def test_a_filter_that_cannot_be_read_is_said_at_its_field(client: FlaskClient, query: str, field: str) -> None:
    submit(client)
    answer = client.get(f"/jobs?{query}&tag=kept")
    assert answer.status_code == 400
    assert f'id="{field}-error"' in answer.text
    assert f'aria-describedby="{field}-error"' in answer.text
    assert 'value="kept"' in answer.text
    assert client.get(f"/partials/jobs?{query}").status_code == 400


def test_a_reason_is_told_in_its_own_words(client: FlaskClient, postroom: Postroom) -> None:
    dead(client, postroom)
    html = client.get("/dead-letters").text
    digest = re.search(r'id="group-(\w+)"', html)
    assert digest is not None
    listed = client.get(link(html, f"open-{digest[1]}")).text
    assert "550 5.1.1 No such user" in words(listed)
    # The other tabs have no use for a reason of death.
    assert link(listed, "tab-sent") == "/jobs?state=sent"


def test_a_rare_combination_says_at_least_and_leads_further(client: FlaskClient, postroom: Postroom) -> None:
    start = 1_700_000_000_000_000
    jobs = [
        Planted(
            id_at(start + n * 1000, n),
            make_card(1, tags=["common"], priority="low" if n else "high"),
            start + n * 1000,
            State.SENT,
        )
        for n in range(3_000)
    ]
    plant(postroom.redis, postroom.settings.key_prefix, jobs)
    html = client.get("/jobs?tag=common&priority=high").text
    assert shown(html) == []
    assert "at least 0 jobs match" in words(html)
    further = client.get(link(html, "older")).text
    assert "Look further" in words(html)
    assert shown(further) == [jobs[0].id]


def test_verbs_are_offered_where_a_state_allows_them(client: FlaskClient, postroom: Postroom) -> None:
    dead(client, postroom)
    offered = {
        path: re.findall(r'id="do-(\w+)"', client.get(path).text)
        for path in ("/jobs", "/jobs?state=dead", "/jobs?state=queued", "/jobs?state=sent")
    }
    assert list(offered.values()) == [["retry", "cancel", "discard", "resolve"], ["retry", "discard"], ["cancel"], []]


# One verb for many jobs


def test_a_selection_is_confirmed_before_anything_changes(client: FlaskClient, postroom: Postroom) -> None:
    gone = [dead(client, postroom) for _ in range(2)]
    waits = submit(client).id
    html = client.get(f"/bulk?verb=retry&ids={gone[0]}&ids={gone[1]}&ids={waits}").text
    assert "Retry 2 jobs?" in words(html)
    assert "1 of those you selected is in another state by now and stays as it is." in words(html)
    assert set(shown(html)) == set(gone)
    assert waits not in html
    assert postroom.jobs.counts()[State.DEAD] == 2


def test_all_that_match_are_confirmed_by_number(client: FlaskClient, postroom: Postroom) -> None:
    for tag in ("a", "a", "b"):
        dead(client, postroom, tags=[tag])
    submit(client, tags=["a"])
    assert "Discard 2 jobs?" in words(client.get("/bulk?verb=discard&all=1&tag=a").text)
    assert "Cancel 1 job?" in words(client.get("/bulk?verb=cancel&all=1").text)
    assert "There is nothing to resolve" in words(client.get("/bulk?verb=resolve&all=1").text)
    assert "There is nothing to retry" in words(client.get("/bulk?verb=retry&all=1&state=sent").text)


def test_a_confirmed_verb_is_done_in_the_background_and_watched(client: FlaskClient, postroom: Postroom) -> None:
    for _ in range(3):
        dead(client, postroom)
    html = client.get("/bulk?verb=retry&all=1&state=dead").text
    later = dead(client, postroom)  # nobody confirmed this one
    answer = client.post("/bulk", data=fields(html, "confirmed"))
    assert answer.status_code == 303
    url = answer.headers["Location"]
    assert "Retrying 3 jobs" in words(client.get(url).text)
    BulkRunner(postroom.settings, postroom.redis, "worker-1").turn()
    done = client.get(f"/partials{url}", headers=HTMX).text
    assert "Retried 3 jobs" in words(done)
    assert "hx-trigger" not in done
    [left] = postroom.jobs.page(State.DEAD, 10).jobs
    assert left.id == later


def test_a_bulk_can_be_stopped(client: FlaskClient, postroom: Postroom) -> None:
    job_id = dead(client, postroom)
    data = {"verb": "discard", "ids": job_id, "csrf_token": token(client)}
    url = client.post("/bulk", data=data).headers["Location"]
    stopped = client.post(f"{url}/cancel", data={"csrf_token": token(client)}, headers=HTMX)
    assert "Stopped. Discarded 0 jobs before that" in words(stopped.text)
    assert client.post(f"{url}/cancel", data={"csrf_token": token(client)}).headers["Location"] == url
    BulkRunner(postroom.settings, postroom.redis, "worker-1").turn()
    assert postroom.jobs.counts()[State.DEAD] == 1


def test_resolving_many_asks_which_way(client: FlaskClient, postroom: Postroom) -> None:
    job = submit(client)
    moving.settle(postroom.jobs, job.id, State.UNKNOWN, Outcome.UNKNOWN)
    html = client.get("/bulk?verb=resolve&all=1").text
    assert re.findall(r'name="answer" value="(\w+)"', html) == ["arrived", "again"]
    answer = client.post("/bulk", data=fields(html, "confirmed") | {"answer": "arrived"})
    BulkRunner(postroom.settings, postroom.redis, "worker-1").turn()
    assert postroom.jobs.counts()[State.SENT] == 1
    assert "It arrived, says the operator." in words(client.get(answer.headers["Location"]).text)
    assert client.post("/bulk", data=fields(html, "confirmed")).status_code == 422


def test_nothing_selected_leads_back_to_the_list_and_says_so(client: FlaskClient) -> None:
    submit(client)
    answer = client.get("/bulk?verb=cancel&state=queued")
    assert answer.headers["Location"] == "/jobs?state=queued"
    assert "Select the jobs to cancel first." in client.get("/jobs?state=queued").text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/bulk?verb=erase&all=1", 404),
        ("/bulk?all=1", 404),
        ("/bulk?verb=retry&ids=nonsense", 422),
        ("/bulk?verb=retry&all=1&since=soon", 400),
        ("/bulk/nonsense", 404),
        ("/partials/bulk/nonsense", 404),
        ("/?range=year", 404),
        ("/partials/overview?range=year", 404),
    ],
)
def test_what_cannot_be_is_an_error(client: FlaskClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status


@pytest.mark.parametrize("path", ["/bulk", "/bulk/01hgw2bbg00000000000000000/cancel", "/lanes/low/pause"])
def test_every_change_needs_the_form_token(client: FlaskClient, postroom: Postroom, path: str) -> None:
    job_id = dead(client, postroom)
    assert client.post(path, data={"verb": "discard", "ids": job_id}).status_code == 400
    assert postroom.bulks.under_way() == []


# Dead letters, workers, lanes, and what every page says


def test_dead_letters_are_grouped_and_each_group_can_be_acted_on(client: FlaskClient, postroom: Postroom) -> None:
    assert "No dead letters" in words(client.get("/dead-letters").text)
    for _ in range(2):
        dead(client, postroom)
    dead(client, postroom, (552, "5.2.2 Mailbox full"))
    html = client.get("/dead-letters").text
    assert "3 in 2 groups by reason" in words(html)
    digests = re.findall(r'id="group-(\w+)"', html)
    assert "Discard 2 jobs?" in words(client.get(link(html, f"discard-{digests[0]}")).text)
    assert "Retry 1 job?" in words(client.get(link(html, f"retry-{digests[1]}")).text)
    assert "Retry 3 jobs?" in words(client.get(link(html, "retry-all")).text)


def test_a_lane_is_paused_and_resumed_on_its_page(client: FlaskClient, postroom: Postroom) -> None:
    submit(client, priority="low")
    answer = client.post("/lanes/low/pause", data={"csrf_token": token(client)})
    assert answer.headers["Location"] == "/workers"
    assert "The lane low is paused, and 1 job is due in it." in words(client.get("/workers").text)
    resumed = client.post("/lanes/low/resume", data={"csrf_token": token(client)}, headers=HTMX)
    assert resumed.text.lstrip().startswith('<div id="workers"')
    assert "paused" not in words(resumed.text).lower()
    assert client.post("/lanes/urgent/pause", data={"csrf_token": token(client)}).status_code == 404


def test_the_workers_page_moves_with_the_time(
    client: FlaskClient, postroom: Postroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_700_000_000_000_000
    monkeypatch.setattr("tasks.clock.now_us", lambda: now)
    tag = client.get("/partials/workers").headers["HX-PTag"]
    postroom.workers.report(a_report(postroom))  # raises no revision
    assert client.get("/partials/workers", headers={"HX-PTag": tag}).status_code == 304
    now += 1_000_000
    assert "host:1" in client.get("/partials/workers", headers={"HX-PTag": tag}).text


@pytest.mark.parametrize("name", ["dead-letters", "overview?range=week"])
def test_other_regions_are_not_rendered_while_they_stay_the_same(
    client: FlaskClient, postroom: Postroom, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    postroom.desk.submit(make_spec())
    monkeypatch.setattr("tasks.clock.now_us", lambda: 1_700_000_000_000_000)
    tag = client.get(f"/partials/{name}").headers["HX-PTag"]
    assert client.get(f"/partials/{name}", headers={"HX-PTag": tag}).status_code == 304


def test_the_range_of_the_overview_is_in_its_address(client: FlaskClient) -> None:
    submit(client)
    html = client.get("/?range=week").text
    assert "Throughput by hour over the last 7 days" in html
    assert 'hx-get="/partials/overview?range=week"' in html
    assert re.search(r'id="range-week" href="/\?range=week" aria-current="true"', html)
    assert link(html, "range-hour") == "/"


def fields(html: str, form_id: str) -> dict[str, Any]:
    """The hidden fields of a form; those of one name as a list."""
    form = re.search(rf'<form[^>]* id="{form_id}".*?</form>', html, re.DOTALL)
    assert form, f"no form {form_id}"
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[0]):
        found.setdefault(name, []).append(unescape(value))
    return found
