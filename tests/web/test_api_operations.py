"""An operator's view over the API: numbers, workers, lanes, dead letters, bulks."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from markupsafe import escape

from tasks.bulk import BulkRunner
from tasks.domain.job import Outcome
from tasks.domain.states import State
from tasks.store.relays import OPENS_AFTER, Relays
from tests.support.making import LATER
from tests.web import moving
from tests.web.asking import UNKNOWN_ID, fields_of, problem_of, read, submit
from tests.web.test_openapi import a_report
from webapp.context import Postroom
from webapp.documents import ReplyDocument
from webapp.documents_bulk import BulkDocument, DeadLettersDocument
from webapp.documents_overview import LaneDocument, OverviewDocument, WorkersDocument

NO_USER = (550, "5.1.1 No such user")


def dead(client: FlaskClient, postroom: Postroom, reply: tuple[int, str] = NO_USER, **fields: Any) -> str:
    job = submit(client, **fields)
    moving.settle(postroom.jobs, job.id, State.DEAD, Outcome.REJECTED, reply)
    return job.id


def overview(client: FlaskClient, query: str = "") -> OverviewDocument:
    return OverviewDocument.model_validate(client.get(f"/api/stats{query}").get_json())


def ask(client: FlaskClient, **body: Any) -> BulkDocument:
    answer = client.post("/api/bulk", json=body)
    assert answer.status_code == 202, answer.text
    document = BulkDocument.model_validate(answer.get_json())
    assert answer.headers["Location"] == f"/api/bulk/{document.id}"
    return document


def test_the_overview_counts_what_there_is(client: FlaskClient, postroom: Postroom) -> None:
    sent = submit(client)
    moving.settle(postroom.jobs, sent.id, State.SENT, Outcome.ACCEPTED)
    dead(client, postroom)
    moving.settle(postroom.jobs, submit(client).id, State.RETRYING, Outcome.DEFERRED, (451, "later"))
    waiting = submit(client)
    submit(client, send_at=LATER)
    found = overview(client)
    assert (found.counts["sent"], found.counts["dead"], found.counts["all"]) == (1, 1, 5)
    assert (found.waiting.count, found.waiting.due, found.waiting.oldest_due_at) == (2, 1, waiting.accepted_at)
    assert found.retrying.count == 1
    assert found.retrying.next_at is not None
    assert found.retrying.next_at > found.at
    steps = found.throughput.steps
    sums = [sum(getattr(step, word) for step in steps) for word in ("accepted", "sent", "deferred", "dead", "unknown")]
    assert sums == [5, 1, 1, 1, 0]
    assert [(refusal.reason, refusal.count) for refusal in found.refusals] == [("550 5.1.1 No such user", 1)]
    assert found.throughput.p50_seconds is not None


@pytest.mark.parametrize(("span", "steps", "seconds"), [("hour", 60, 60), ("day", 24, 3600), ("week", 168, 3600)])
def test_the_range_is_chosen_in_the_query(client: FlaskClient, span: str, steps: int, seconds: int) -> None:
    found = overview(client, f"?range={span}").throughput
    assert (found.range, len(found.steps), found.step_seconds) == (span, steps, seconds)


def test_an_empty_postroom_has_numbers_too(client: FlaskClient) -> None:
    found = overview(client)
    assert (found.waiting.oldest_due_at, found.retrying.next_at, found.throughput.p50_seconds) == (None, None, None)
    assert found.warnings == ["No worker is up: mail waits until one is started."]


def test_workers_tell_what_they_have_in_hand(client: FlaskClient, postroom: Postroom) -> None:
    postroom.workers.report(a_report(postroom))
    found = WorkersDocument.model_validate(client.get("/api/workers").get_json())
    [worker] = found.workers
    assert (worker.name, worker.up, worker.stalled, worker.rate, worker.sessions) == ("host:1", True, False, 0.5, 4)
    assert [held.job_id for held in worker.sending] == [UNKNOWN_ID]
    assert [lane.rate for lane in found.lanes] == [0.0, 0.0, 0.5]
    assert found.warnings == []
    assert (found.relay.name, found.relay.local, found.relay.held_back) == ("local mailbox", True, False)


def test_a_relay_that_is_held_back_is_told(client: FlaskClient, postroom: Postroom) -> None:
    relays = Relays(postroom.redis, postroom.settings.key_prefix)
    for _ in range(OPENS_AFTER):
        relays.failed("local mailbox", "connect", "Connection refused")
    found = WorkersDocument.model_validate(client.get("/api/workers").get_json())
    assert (found.relay.held_back, found.relay.failures, found.relay.text) == (True, 3, "Connection refused")
    assert found.relay.open_until is not None
    assert any("held back" in warning for warning in found.warnings)


def test_a_lane_is_paused_and_resumed(client: FlaskClient) -> None:
    submit(client, priority="low")
    paused = LaneDocument.model_validate(client.post("/api/lanes/low/pause").get_json())
    assert (paused.name, paused.paused, paused.due) == ("low", True, 1)
    assert "The lane low is paused, and 1 job is due in it." in overview(client).warnings
    again = client.post("/api/lanes/low/pause")
    assert again.get_json()["paused"] is True
    assert client.post("/api/lanes/low/resume").get_json()["paused"] is False
    problem_of(client.post("/api/lanes/urgent/pause"), 404)
    assert fields_of(client.post("/api/lanes/low/pause", json={"for": "1h"}), 422) == ["for"]


def test_dead_letters_are_grouped_by_reason(client: FlaskClient, postroom: Postroom) -> None:
    assert client.get("/api/dead-letters").get_json() == {"count": 0, "groups": [], "complete": True}
    ids = [dead(client, postroom) for _ in range(2)]
    found = DeadLettersDocument.model_validate(client.get("/api/dead-letters").get_json())
    [group] = found.groups
    assert (group.count, group.reason, found.count) == (2, "550 5.1.1 No such user", 2)
    assert group.newest_at == read(client, ids[1]).accepted_at
    answer = client.get(f"/api{group.url}").get_json()
    assert [job["id"] for job in answer["jobs"]] == ids[::-1]


def test_replies_that_differ_in_addresses_and_ids_are_one_group_and_each_job_has_its_own(
    client: FlaskClient, postroom: Postroom
) -> None:
    replies = [
        f"5.1.1 <{name}@b.test> rejected, queue id {id_}" for name, id_ in (("ann", "4Xy12"), ("bob", "4Zk9T3b"))
    ]
    ids = [dead(client, postroom, (550, reply)) for reply in replies]
    [group] = DeadLettersDocument.model_validate(client.get("/api/dead-letters").get_json()).groups
    assert (group.count, group.reason) == (2, "550 5.1.1 <address> rejected, queue id <id>")
    [refusal] = client.get("/api/stats").get_json()["refusals"]
    assert (refusal["count"], refusal["reason"]) == (2, group.reason)
    for job_id, reply in zip(ids, replies, strict=True):
        assert read(client, job_id).recipients[0].reply == ReplyDocument(code=550, text=reply)
        assert escape(reply) in client.get(f"/jobs/{job_id}").text


def test_a_bulk_is_asked_for_done_and_read(client: FlaskClient, postroom: Postroom) -> None:
    ids = [dead(client, postroom) for _ in range(2)]
    asked = ask(client, verb="retry", filter={"state": "dead", "recipient": "@mailbox.test"})
    assert (asked.state, asked.done, asked.expected.count, asked.expected.exact) == ("running", 0, 2, True)
    assert asked.filter == {"state": "dead", "recipient": "@mailbox.test"}
    BulkRunner(postroom.settings, postroom.redis, "worker-1").turn()
    done = BulkDocument.model_validate(client.get(f"/api/bulk/{asked.id}").get_json())
    assert (done.state, done.done, done.skipped, done.failed) == ("finished", 2, 0, 0)
    assert [read(client, job_id).state for job_id in ids] == ["queued", "queued"]
    assert client.post(f"/api/bulk/{asked.id}/cancel").get_json()["state"] == "finished"


def test_a_bulk_over_named_jobs_can_be_canceled(client: FlaskClient, postroom: Postroom) -> None:
    job_id = dead(client, postroom)
    asked = ask(client, verb="discard", ids=[job_id])
    assert (asked.ids, asked.filter) == (1, {})
    canceled = BulkDocument.model_validate(client.post(f"/api/bulk/{asked.id}/cancel").get_json())
    assert canceled.state == "canceled"
    assert canceled.finished_at is not None
    BulkRunner(postroom.settings, postroom.redis, "worker-1").turn()
    assert read(client, job_id).state == "dead"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, ["verb", "filter"]),
        ({"verb": "erase", "filter": {}}, ["verb"]),
        ({"verb": ["retry"], "filter": {}}, ["verb"]),
        ({"verb": "retry", "filter": {}, "ids": [UNKNOWN_ID]}, ["filter"]),
        ({"verb": "retry", "filter": {"colour": "red", "state": "lost"}}, ["filter.colour", "filter.state"]),
        ({"verb": "retry", "filter": [1]}, ["filter"]),
        ({"verb": "retry", "ids": []}, ["ids"]),
        ({"verb": "retry", "ids": "all"}, ["ids"]),
        ({"verb": "retry", "ids": [UNKNOWN_ID] * 1001}, ["ids"]),
        ({"verb": "retry", "ids": [UNKNOWN_ID, "nonsense", 5]}, ["ids.1", "ids.2"]),
        ({"verb": "resolve", "filter": {}}, ["answer"]),
        ({"verb": "resolve", "filter": {}, "answer": "maybe"}, ["answer"]),
        ({"verb": "retry", "filter": {}, "answer": "again"}, ["answer"]),
        ({"verb": "retry", "filter": {}, "all": True}, ["all"]),
    ],
)
def test_what_a_bulk_cannot_be_is_said_at_its_field(
    client: FlaskClient, body: dict[str, Any], names: list[str]
) -> None:
    assert fields_of(client.post("/api/bulk", json=body), 422) == names


@pytest.mark.parametrize("bulk_id", [UNKNOWN_ID, "nonsense"])
def test_a_bulk_that_is_not_there_is_404(client: FlaskClient, bulk_id: str) -> None:
    problem_of(client.get(f"/api/bulk/{bulk_id}"), 404)
    problem_of(client.post(f"/api/bulk/{bulk_id}/cancel"), 404)
