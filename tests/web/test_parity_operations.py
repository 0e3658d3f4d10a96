"""Every number and action of an operator's pages has its JSON endpoint: pages are rendered from what it answers."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any, TypeVar

import pytest
from flask import Flask, render_template
from flask.testing import FlaskClient

from tasks.domain.job import Outcome
from tasks.domain.states import STATES, State
from tests.support.making import LATER
from tests.web import moving
from tests.web.asking import submit
from tests.web.test_openapi import a_report
from webapp import FOR_BROWSERS, charts, job_list
from webapp.context import Postroom
from webapp.documents import Document, JobsDocument
from webapp.documents_bulk import BulkDocument, BulksDocument, DeadLettersDocument
from webapp.documents_overview import OverviewDocument, WorkersDocument
from webapp.polling import Live

Shape = TypeVar("Shape", bound=Document)
STILL = Live("/partials/x", "1", 1)
TWINS = {
    "POST /compose": "POST /api/jobs",
    "POST /try": "POST /api/jobs",
    "POST /mailbox/delete": "DELETE /api/mailbox",
    "POST /mailbox/{mail_id}/delete": "DELETE /api/mailbox/{mail_id}",
}
"""The calls behind what pages do, where they are not the same path under /api."""


@pytest.fixture
def busy(client: FlaskClient, postroom: Postroom) -> FlaskClient:
    """A Postroom with something of everything."""
    for state in (State.SENT, State.RETRYING, State.DEAD, State.PARTIAL, State.UNKNOWN):
        outcome = {State.SENT: Outcome.ACCEPTED, State.RETRYING: Outcome.DEFERRED, State.UNKNOWN: Outcome.UNKNOWN}
        moving.settle(
            postroom.jobs, submit(client).id, state, outcome.get(state, Outcome.REJECTED), (550, "5.1.1 No <such> user")
        )
    submit(client, priority="low")
    submit(client, send_at=LATER)
    postroom.desk.pause("low")
    postroom.workers.report(a_report(postroom))
    return client


def carried(client: FlaskClient, url: str, shape: type[Shape]) -> Shape:
    """What JSON carries, and nothing else."""
    return shape.model_validate(json.loads(client.get(url).text))


def rendered(app: Flask, template: str, **context: Any) -> str:
    with app.test_request_context():
        return render_template(f"partials/{template}.html", live=STILL, **context)


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def part(html: str, name: str) -> str:
    """The words of the element with this id, up to the next one that has an id."""
    found = re.search(rf'id="{name}"[^>]*>(.*?)(?=<\w+[^>]* id=|$)', html, re.DOTALL)
    assert found, f"no {name}"
    return words(found[1])


def test_the_overview_is_told_by_its_document_alone(app: Flask, busy: FlaskClient) -> None:
    overview = carried(busy, "/api/stats", OverviewDocument)
    jobs = carried(busy, "/api/jobs?limit=10", JobsDocument)
    html = rendered(app, "_overview", overview=overview, chart=charts.throughput(overview.throughput), jobs=jobs)
    for name, number in (
        ("sent", overview.counts["sent"]),
        ("queued", overview.waiting.count),
        ("retrying", overview.retrying.count),
        ("dead", overview.counts["dead"]),
        ("unknown", overview.counts["unknown"]),
    ):
        assert re.search(rf"\b{number}\b", part(html, f"tile-{name}"))
    told = words(html)
    for text in (*overview.warnings, *(refusal.reason for refusal in overview.refusals), "1 up", "0.5/s, 1 in hand"):
        assert text in told
    for word in charts.SERIES:
        count = sum(getattr(step, word) for step in overview.throughput.steps)
        assert f"{word.capitalize()} {count}" in told
    assert overview.retrying.next_at is not None
    assert overview.retrying.next_at in html
    assert overview.waiting.oldest_due_at is not None
    assert overview.waiting.oldest_due_at in html
    for job in jobs.jobs:
        assert job.url in html


def test_the_list_is_told_by_its_document_alone(app: Flask, busy: FlaskClient) -> None:
    jobs = carried(busy, "/api/jobs", JobsDocument)
    html = rendered(app, "_jobs", jobs=jobs, list=job_list.listed({}, None))
    told = words(html)
    for state in State:
        count = jobs.counts[state]
        assert (f"{state.capitalize()} {count}" if count else state.capitalize()) in told
    assert f"{jobs.matching.count} jobs" in told
    for job in jobs.jobs:
        row = html[html.index(f'<tr role="row" id="job-{job.id}"') :]
        row = row[: row.index("</tr>")]
        assert job.state.capitalize() in words(row)
        offered = re.findall(r'data-verbs="([^"]*)"', row)
        assert offered == ([" ".join(STATES[State(job.state)].verbs)] if STATES[State(job.state)].verbs else [])


def test_workers_and_lanes_are_told_by_their_document_alone(app: Flask, busy: FlaskClient) -> None:
    fleet = carried(busy, "/api/workers", WorkersDocument)
    html = rendered(app, "_workers", fleet=fleet)
    told = words(html)
    for worker in fleet.workers:
        for text in (
            worker.name,
            worker.host,
            str(worker.pid),
            worker.version,
            f"{worker.rate:.1f}/s",
            "1 job in hand",
        ):
            assert text in told
        for instant in (worker.started_at, worker.progressed_at, *(held.since for held in worker.sending)):
            assert instant in html
        assert all(held.job_id in told for held in worker.sending)
    for lane in fleet.lanes:
        row = html[html.index(f'id="lane-{lane.name}"') :]
        row = row[: row.index("</tr>")]
        assert ("Paused" in words(row)) == lane.paused
        assert re.findall(r"<td[^>]*>(\d+)</td>", row)[:2] == [str(lane.due), str(lane.later)]
        assert f"/lanes/{lane.name}/{'resume' if lane.paused else 'pause'}" in row
    assert all(warning in told for warning in fleet.warnings)


def test_dead_letters_are_told_by_their_document_alone(app: Flask, busy: FlaskClient) -> None:
    dead = carried(busy, "/api/dead-letters", DeadLettersDocument)
    html = rendered(app, "_dead_letters", dead=dead)
    assert dead.groups
    for group in dead.groups:
        assert group.reason in words(html)
        assert group.newest_at in html
        assert group.url.replace("&", "&amp;") in html


@pytest.mark.parametrize("state", ["running", "finished", "canceled"])
def test_a_bulk_is_told_by_its_document_alone(app: Flask, busy: FlaskClient, state: str) -> None:
    asked = busy.post("/api/bulk", json={"verb": "retry", "filter": {"state": "dead"}}).get_json()
    changes = {"state": state, "done": 3, "skipped": 5, "failed": 7, "expected": {"count": 2000, "exact": False}}
    if state != "running":
        changes["finished_at"] = asked["created_at"]
    bulk = BulkDocument.model_validate(asked | changes)
    html = rendered(app, "_bulk", bulk=bulk, list_url="/jobs?state=dead")
    assert [part(html, name) for name in ("done", "skipped", "failed", "expected")][:3] == [
        "3 Skipped",
        "5 Failed",
        "7 Meant",
    ]
    assert "≥ 2,000" in words(html)
    assert (f'action="/bulk/{bulk.id}/cancel"' in html) == (state == "running")


def test_the_list_of_bulks_is_told_by_its_document_alone(app: Flask, busy: FlaskClient) -> None:
    running = busy.post("/api/bulk", json={"verb": "retry", "filter": {"state": "dead"}}).get_json()
    stopped = busy.post("/api/bulk", json={"verb": "discard", "filter": {"tag": "t"}}).get_json()
    busy.post(f"/api/bulk/{stopped['id']}/cancel")
    bulks = carried(busy, "/api/bulks", BulksDocument)
    assert [(bulk.id, bulk.state) for bulk in bulks.bulks] == [
        (stopped["id"], "canceled"),
        (running["id"], "running"),
    ]
    html = rendered(app, "_bulks", bulks=bulks)
    assert "1 under way, 2 of the last 7 days" in words(html)
    for bulk in bulks.bulks:
        row = html[html.index(f'id="bulk-{bulk.id}"') :]
        row = row[: row.index("</tr>")]
        assert f"{bulk.done} of {bulk.expected.count}" in words(row)
        assert bulk.created_at in row
        assert bulk.url in row
        assert (f'action="{bulk.url}/cancel"' in row) == (bulk.state == "running")


def test_whatever_a_page_can_do_the_api_can(app: Flask) -> None:
    calls: dict[str, set[str]] = {"pages": set(), "api": set()}
    names = {blueprint.name for blueprint in FOR_BROWSERS} | {"pages.messages", "messages"}
    for rule in app.url_map.iter_rules():
        kind = "pages" if rule.endpoint.rpartition(".")[0] in names else "api"
        path = re.sub(
            r"<(?:any\(([^)]*)\):)?(\w+)>",
            lambda found: f"{{{found[2]}}}" if not found[1] else f"<{found[1]}>",
            rule.rule,
        )
        choices = re.search(r"<([^>]*)>", path)
        for one in choices[1].split(", ") if choices else [""]:
            for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
                calls[kind].add(f"{method} {re.sub(r'<[^>]*>', one, path)}")
    assert len(calls["pages"]) > 10
    for call in calls["pages"]:
        twin = TWINS.get(call, call.replace(" /", " /api/", 1))
        assert twin in calls["api"], f"{call} has no twin {twin}"
