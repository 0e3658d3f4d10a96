"""One document: what ``GET /api/jobs/<id>`` answers is all that the job's page needs, in every state."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape

import pytest
from flask import Flask, render_template
from flask.testing import FlaskClient
from jinja2 import StrictUndefined, UndefinedError

from tasks.domain.job import Event, Head, Job, Outcome, Phase
from tasks.domain.states import STATES, State
from tests.support.making import make_card
from tests.web.moving import attempt_line
from webapp.documents import JobDocument
from webapp.lists import live_job
from webapp.views import job_document

ID = "01hgw2bbg00000000000000000"
START_US = 1_700_000_000_000_000
RELAY = "smtp.example.org:587"
LABELS = {"retry": "Retry", "cancel": "Cancel", "discard": "Discard", "resolve": "It arrived"}

OUTCOMES = {
    State.SCHEDULED: "ppp",
    State.QUEUED: "ppp",
    State.SENDING: "ppp",
    State.RETRYING: "add",
    State.SENT: "aaa",
    State.PARTIAL: "arr",
    State.DEAD: "rrr",
    State.UNKNOWN: "auu",
    State.DISCARDED: "rrr",
    State.CANCELED: "ppp",
}
REPLIES = {
    "d": (451, "4.7.1 Try again <later>"),
    "r": (550, "5.1.1 No such user"),
    "u": (0, ""),
    "a": (250, "2.0.0 Ok"),
}


def job_in(state: State, phase: Phase = Phase.NONE) -> Job:
    """A job with three recipients, of every kind, as the store would give it."""
    outcomes = OUTCOMES[state]
    attempts = 0 if set(outcomes) == {Outcome.PENDING} else 1
    events = [Event(START_US, "accepted", {})]
    if attempts:
        reply = REPLIES[outcomes[-1]]
        events.append(Event.parse(f"{START_US + 2_000_000} {attempt_line(1, outcomes, reply, seconds=1.5)}"))
    if state in (State.DISCARDED, State.CANCELED):
        events.append(Event(START_US + 3_000_000, state.value, {}))
    card = make_card(
        3,
        to=["Ann <ann@example.org>"],
        cc=["bob@example.org"],
        bcc=["cy@bücher.example"],
        reply_to=["desk@example.org"],
        subject="Prices <of> tea & coffee",
        tags=["monthly", "tea"],
        send_at_us=START_US + 60_000_000 if state == State.SCHEDULED else None,
    )
    return Job(
        id=ID,
        head=Head(state, phase, attempts, START_US, 3, outcomes),
        card=card,
        accepted_us=START_US,
        round_attempt=0,
        round_us=START_US,
        due_us=None if STATES[state].final else START_US + 60_000_000,
        log=events,
    )


CASES = [pytest.param(job_in(state), id=state.value) for state in State] + [
    pytest.param(job_in(State.SENDING, Phase.INTENT), id="sending, its dot is out"),
    pytest.param(replace(job_in(State.QUEUED), due_us=START_US), id="queued, due"),
]


def rendered(app: Flask, document: JobDocument) -> str:
    """The job's partial, from what JSON carries and nothing else."""
    carried = JobDocument.model_validate(json.loads(document.model_dump_json(by_alias=True)))
    with app.test_request_context():
        return render_template("partials/_job.html", job=carried, live=live_job(carried))


def words_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


@pytest.mark.parametrize("job", CASES)
def test_every_state_is_told_by_the_document_alone(app: Flask, job: Job) -> None:
    document = job_document(job, RELAY)
    words = words_of(rendered(app, document))
    told = [
        document.state.capitalize(),
        document.headline,
        (document.next_step or "").rstrip(".").removesuffix(" then"),  # the page puts the instant there
        document.subject,
        document.sender,
        document.relay,
        document.message_id,
        *document.tags,
        *document.reply_to,
        *(recipient.address for recipient in document.recipients),
        *(recipient.outcome.capitalize() for recipient in document.recipients),
        *(f"{each.reply.code} {each.reply.text}" for each in document.recipients if each.reply),
        *(attempt.summary for attempt in document.attempts),
        *(attempt.worker for attempt in document.attempts),
        *(each.command for attempt in document.attempts for each in attempt.exchanges),
        *(each.reply.text for attempt in document.attempts for each in attempt.exchanges if each.reply),
        *(event.text for event in document.timeline),
        *(LABELS[verb] for verb in document.actions),
    ]
    for each in told:
        assert " ".join(each.split()) in words


@pytest.mark.parametrize("job", CASES)
def test_a_button_stands_for_each_verb_that_the_document_allows_and_no_other(app: Flask, job: Job) -> None:
    document = job_document(job, RELAY)
    targets = set(re.findall(rf'action="/jobs/{ID}/(\w+)"', rendered(app, document)))
    assert targets == set(document.actions)


@pytest.mark.parametrize("job", CASES)
def test_a_final_job_is_not_polled_and_any_other_is(app: Flask, job: Job) -> None:
    document = job_document(job, RELAY)
    assert ("hx-trigger" not in rendered(app, document)) == document.final == STATES[job.head.state].final


def test_nothing_in_the_partial_comes_from_elsewhere(app: Flask) -> None:
    """Undefined names are errors, so that what the API lacks cannot be shown."""
    assert app.jinja_env.undefined is StrictUndefined
    with app.test_request_context(), pytest.raises(UndefinedError):
        app.jinja_env.from_string("{{ job.eta }}").render(job=job_document(job_in(State.QUEUED), RELAY))


def test_page_fragment_and_api_agree_on_a_stored_job(client: FlaskClient) -> None:
    body = {"to": "Ann <ann@mailbox.test>", "subject": "Hello", "text": "x"}
    job_id = client.post("/api/jobs", json=body).get_json()["id"]
    document = JobDocument.model_validate(client.get(f"/api/jobs/{job_id}").get_json())
    for path in (f"/jobs/{job_id}", f"/partials/jobs/{job_id}"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert document.headline in words_of(answer.text)
        assert "Ann <ann@mailbox.test>" in words_of(answer.text)
