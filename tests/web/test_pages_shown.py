"""How a job's page arranges what there is much of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask, render_template
from flask.testing import FlaskClient

from tasks.domain.job import Event
from tasks.domain.states import State
from tests.web.asking import submit
from webapp import samples, shown
from webapp.attempts import attempt_documents
from webapp.context import Postroom
from webapp.documents import JobDocument
from webapp.polling import Live


def rendered(app: Flask, job: JobDocument) -> str:
    with app.test_request_context():
        return render_template("partials/_job.html", job=job, live=Live("", "", None))


def test_many_recipients_are_folded_away_and_those_that_need_a_look_come_first() -> None:
    outcomes = ["accepted"] * 30 + ["rejected", "unknown", "deferred"]
    people = [samples.recipient(number, outcome) for number, outcome in enumerate(outcomes, 1)]
    assert [number for number, _ in shown.by_need(people)][:4] == [32, 31, 33, 1]
    assert [number for number, _ in shown.by_need(people[20:])] == list(range(1, 14)), "few stay as they were written"


def test_hundreds_of_attempts_are_folded_away(app: Flask) -> None:
    job = samples.jobs()["Much of everything"]
    html = rendered(app, job)
    folded = html.index("110 earlier attempts")
    assert html.index('id="attempt-111"') < folded < html.index('id="attempt-110"')
    assert "30 more recipients" in html
    assert "110 earlier events" in html
    assert "earlier attempt" not in rendered(app, samples.job(State.DEAD))


def test_an_attempt_is_told_by_its_phases() -> None:
    attempt = samples.attempt(1, "accepted")
    named = [(name, round(seconds, 3)) for name, seconds in shown.phases(attempt)]
    assert named == [("Sender", 0.012), ("Recipients", 0.013), ("Go-ahead", 0.006), ("Content", 0.389)]
    assert sum(seconds for _, seconds in named) == pytest.approx(0.42)


def test_what_became_of_several_recipients_is_told_in_sentences(client: FlaskClient, postroom: Postroom) -> None:
    job = postroom.jobs.read(submit(client).id)
    assert job is not None
    fates = [[0, "d", 451, "4.7.1 try again"], [1, "r", 550, "5.1.1 No such user"], [2, "a", 250, "2.0.0 Ok"]]
    [attempt] = attempt_documents(replace(job, log=[Event(1, "attempt", {"n": 1, "o": fates})]))
    assert attempt.summary == (
        "Accepted for 1 recipient. Deferred for 1 recipient: 451 4.7.1 try again. "
        "Refused for 1 recipient: 550 5.1.1 No such user"
    )


@pytest.mark.parametrize(
    ("counts", "mark"),
    [
        ({"accepted": 2}, "accepted"),
        ({"accepted": 1, "rejected": 1}, "partial"),
        ({"rejected": 2}, "rejected"),
        ({"rejected": 1, "deferred": 1}, "deferred"),
        ({"accepted": 1, "unknown": 1}, "unknown"),
    ],
)
def test_an_attempt_is_marked_with_what_needs_a_look_first(counts: dict[str, int], mark: str) -> None:
    none = dict.fromkeys(("accepted", "deferred", "rejected", "unknown"), 0)
    assert shown.verdict(samples.attempt(1, "accepted").model_copy(update=none | counts)) == mark


def test_an_unknown_job_explains_both_answers(app: Flask) -> None:
    html = rendered(app, samples.job(State.UNKNOWN))
    assert "Counts as accepted" in html
    assert "they get it twice" in html
    assert "Counts as accepted" not in rendered(app, samples.job(State.DEAD))


def test_a_job_whose_card_cannot_be_read_is_shown_as_that_and_the_list_with_it(
    client: FlaskClient, postroom: Postroom
) -> None:
    whole, broken = submit(client, subject="Whole").id, submit(client, subject="Broken").id
    postroom.redis.hset(postroom.jobs.keys.job(broken), "card", "rubbish")
    page = client.get("/jobs")
    assert page.status_code == 200
    assert "Whole" in page.text
    assert "(cannot be read)" in page.text
    for path in (f"/jobs/{broken}", f"/jobs/{whole}", f"/jobs/{broken}/message", f"/job-status/{broken}"):
        assert client.get(path).status_code == 200, path
    assert client.get(f"/api/jobs/{broken}").json["to"] == ["(cannot be read)"]  # type: ignore[index]
    assert client.post(f"/api/jobs/{broken}/cancel").status_code == 200
