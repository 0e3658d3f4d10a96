"""The JSON API, over a real Redis and without a worker: reading, waiting, an operator's verbs."""

from __future__ import annotations

import email
import threading
import time
from email import policy

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tasks.domain.job import Outcome
from tasks.domain.states import STATES, State, Verb, states_that_allow
from tests.web import moving
from tests.web.asking import UNKNOWN_ID, fields_of, problem_of, read, submit
from webapp import waiting
from webapp.context import Postroom
from webapp.documents import JobDocument, JobsDocument

SLOW_SECONDS = 20

# Reading


def test_the_list_is_newest_first_page_by_page(client: FlaskClient) -> None:
    ids = [submit(client, subject=f"Number {number}").id for number in range(5)]
    first = JobsDocument.model_validate(client.get("/api/jobs?limit=3").get_json())
    assert [job.id for job in first.jobs] == ids[:1:-1]
    second = JobsDocument.model_validate(client.get(f"/api/jobs?limit=3&cursor={first.next_cursor}").get_json())
    assert [job.id for job in second.jobs] == ids[1::-1]
    assert second.next_cursor is None
    assert second.counts == {"all": 5, "queued": 5} | {state.value: 0 for state in State if state != State.QUEUED}


def test_the_list_of_one_state_has_no_other_jobs(client: FlaskClient) -> None:
    canceled, _ = submit(client), submit(client)
    assert client.post(f"/api/jobs/{canceled.id}/cancel").status_code == 200
    found = JobsDocument.model_validate(client.get("/api/jobs?state=canceled").get_json())
    assert [job.id for job in found.jobs] == [canceled.id]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=delivered", ["state"]),
        ("limit=0", ["limit"]),
        ("limit=201", ["limit"]),
        ("limit=ten", ["limit"]),
        ("limit=", ["limit"]),
        ("limit=0000000019999999", ["limit"]),
        ("limit=\u0662", ["limit"]),
        ("cursor=tomorrow", ["cursor"]),
        ("stat=sent&tags=x", ["stat", "tags"]),
        ("state=sent&state=dead", ["state"]),
    ],
)
def test_a_parameter_that_is_not_understood_is_named(client: FlaskClient, query: str, names: list[str]) -> None:
    assert fields_of(client.get(f"/api/jobs?{query}"), 400) == names


@pytest.mark.parametrize("path", ["", "/message", "?wait=5"])
@pytest.mark.parametrize("job_id", [UNKNOWN_ID, "nonsense", "..%2f..", "x" * 3000])
def test_an_unknown_id_is_404(client: FlaskClient, job_id: str, path: str) -> None:
    problem_of(client.get(f"/api/jobs/{job_id}{path}"), 404)


def test_the_message_is_the_source_as_it_is_sent(client: FlaskClient) -> None:
    job = submit(client, text="A line.\n.hidden\n..\nLast.")
    answer = client.get(f"/api/jobs/{job.id}/message")
    assert answer.mimetype == "message/rfc822"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{job.id}.eml"'
    parsed = email.message_from_bytes(answer.data, policy=policy.SMTP)
    assert parsed["Message-ID"] == job.message_id
    assert parsed.get_content().splitlines() == ["A line.", ".hidden", "..", "Last."]
    assert len(answer.data) == job.size_bytes


def test_an_unchanged_job_is_304(client: FlaskClient) -> None:
    job = submit(client)
    tag = client.get(f"/api/jobs/{job.id}").headers["ETag"]
    assert client.get(f"/api/jobs/{job.id}", headers={"If-None-Match": tag}).status_code == 304
    client.post(f"/api/jobs/{job.id}/cancel")
    changed = client.get(f"/api/jobs/{job.id}", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.get_json()["state"]) == (200, "canceled")


# Waiting


def test_waiting_ends_when_the_job_is_final(app: Flask, postroom: Postroom) -> None:
    job = submit(app.test_client())
    moving.claim(postroom.jobs, job.id)
    answers: list[TestResponse] = []
    waiter = threading.Thread(target=lambda: answers.append(app.test_client().get(f"/api/jobs/{job.id}?wait=30")))
    waiter.start()
    waiter.join(0.3)
    assert waiter.is_alive()
    head = postroom.jobs.read(job.id)
    assert head is not None
    assert postroom.desk.cancel(job.id).kind == "done"
    waiter.join(SLOW_SECONDS)
    assert answers[0].get_json()["state"] == "canceled"


def test_waiting_ends_when_the_time_is_up(client: FlaskClient) -> None:
    job = submit(client)
    began = time.monotonic()
    answer = client.get(f"/api/jobs/{job.id}?wait=0.3")
    assert answer.get_json()["state"] == "queued"
    assert 0.3 <= time.monotonic() - began < SLOW_SECONDS


def test_a_final_job_is_not_waited_for(client: FlaskClient) -> None:
    job = submit(client)
    client.post(f"/api/jobs/{job.id}/cancel")
    began = time.monotonic()
    assert client.get(f"/api/jobs/{job.id}?wait=30").get_json()["final"]
    assert time.monotonic() - began < SLOW_SECONDS


def test_too_many_waiters_are_answered_at_once(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_places", threading.BoundedSemaphore(1))
    waiting._places.acquire()
    job = submit(client)
    began = time.monotonic()
    assert client.get(f"/api/jobs/{job.id}?wait=30").get_json()["state"] == "queued"
    assert time.monotonic() - began < SLOW_SECONDS


def test_waiters_leave_threads_for_others() -> None:
    from webapp.__main__ import THREADS

    assert waiting.MOST_WAITERS <= THREADS / 2


@pytest.mark.parametrize("wait", ["31", "-1", "nan", "inf", "soon", ""])
def test_a_wait_that_is_no_span_is_refused(client: FlaskClient, wait: str) -> None:
    assert fields_of(client.get(f"/api/jobs/{submit(client).id}?wait={wait}"), 400) == ["wait"]


# An operator's verbs


def test_cancel_retry_discard_and_resolve_answer_with_the_document(client: FlaskClient, postroom: Postroom) -> None:
    job = submit(client)
    moving.settle(postroom.jobs, job.id, State.DEAD, Outcome.REJECTED, (550, "5.1.1 No such user"))
    assert client.post(f"/api/jobs/{job.id}/retry").get_json()["state"] == "queued"
    moving.settle(postroom.jobs, job.id, State.UNKNOWN, Outcome.UNKNOWN)
    arrived = client.post(f"/api/jobs/{job.id}/resolve", json={"answer": "arrived"})
    assert JobDocument.model_validate(arrived.get_json()).state == "sent"
    other = submit(client)
    moving.settle(postroom.jobs, other.id, State.DEAD, Outcome.REJECTED, (550, "5.1.1 No such user"))
    assert client.post(f"/api/jobs/{other.id}/discard", json={}).get_json()["state"] == "discarded"
    third = submit(client)
    assert client.post(f"/api/jobs/{third.id}/cancel").get_json()["state"] == "canceled"


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("state", [State.QUEUED, State.SENT, State.DEAD, State.CANCELED])
def test_a_verb_that_the_state_does_not_allow_is_409(
    client: FlaskClient, postroom: Postroom, verb: Verb, state: State
) -> None:
    if verb in STATES[state].verbs:
        return
    job = submit(client)
    if state == State.CANCELED:
        client.post(f"/api/jobs/{job.id}/cancel")
    elif state != State.QUEUED:
        moving.settle(postroom.jobs, job.id, state, Outcome.ACCEPTED if state == State.SENT else Outcome.REJECTED)
    before = read(client, job.id)
    answer = client.post(f"/api/jobs/{job.id}/{verb}", json={"answer": "again"} if verb == Verb.RESOLVE else None)
    problem_of(answer, 409)
    assert answer.get_json()["state"] == state
    assert answer.get_json()["allowed_states"] == list(states_that_allow(verb))
    assert read(client, job.id) == before


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("job_id", [UNKNOWN_ID, "nonsense"])
def test_a_verb_on_nothing_is_404(client: FlaskClient, verb: Verb, job_id: str) -> None:
    body = {"answer": "again"} if verb == Verb.RESOLVE else None
    problem_of(client.post(f"/api/jobs/{job_id}/{verb}", json=body), 404)


def test_a_verb_takes_no_fields_that_it_does_not_know(client: FlaskClient) -> None:
    job = submit(client)
    assert fields_of(client.post(f"/api/jobs/{job.id}/cancel", json={"reason": "x"}), 422) == ["reason"]
    assert fields_of(client.post(f"/api/jobs/{job.id}/resolve", json={"answer": "maybe"}), 422) == ["answer"]
    assert read(client, job.id).state == "queued"
