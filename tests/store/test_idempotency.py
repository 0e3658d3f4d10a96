"""One key, one job: as a property over any sequence of submissions, and with 200 clients at the same moment."""

from __future__ import annotations

import threading
from collections import Counter

import hypothesis
from hypothesis import strategies as st

from tasks.desk import Desk
from tasks.store.jobs import Jobs
from tests.support.client import Answer, Client
from tests.support.making import make_spec
from tests.support.processes import Stack

CLIENTS = 200

submissions = st.lists(
    st.tuples(st.sampled_from(["ann", "bob"]), st.sampled_from([None, "k", "K", "ключ"]), st.sampled_from(["x", "y"])),
    max_size=12,
)


@hypothesis.settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(submissions)
def test_any_sequence_of_submissions_behaves_like_a_dictionary(
    desk: Desk, jobs: Jobs, sequence: list[tuple[str, str | None, str]]
) -> None:
    jobs.redis.flushall()
    model: dict[tuple[str, str], tuple[str, str]] = {}
    made = set()
    for scope, key, subject in sequence:
        submission = desk.submit(make_spec(subject=subject), key=key, scope=scope)
        known = model.get((scope, key)) if key else None
        if known is None:
            assert submission.kind == "accepted"
            assert submission.job_id not in made
            made.add(submission.job_id)
            if key:
                model[scope, key] = (subject, submission.job_id)
        else:
            assert submission.kind == ("replayed" if known[0] == subject else "conflict")
            assert submission.job_id == known[1]
    assert sum(jobs.counts().values()) == len(made)


def at_once(client: Client, subjects: list[str], key: str) -> list[Answer]:
    """So many clients, each on a connection of its own, that all wait for the same moment."""
    answers: list[Answer] = []
    moment = threading.Barrier(len(subjects))

    def submit(subject: str) -> None:
        body = {"to": "at-once@mailbox.test", "subject": subject, "text": "Hello."}
        moment.wait()
        answers.append(client.post("/api/jobs", body, Idempotency_Key=key))

    threads = [threading.Thread(target=submit, args=(subject,)) for subject in subjects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_two_hundred_requests_at_one_moment_make_one_job(stack: Stack) -> None:
    answers = at_once(Client(stack.base_url), ["Once"] * CLIENTS, "two-hundred")
    assert Counter(answer.status for answer in answers) == {202: CLIENTS}
    assert len({answer.body["id"] for answer in answers}) == 1
    replayed = Counter(answer.headers.get("Idempotency-Replayed") for answer in answers)
    assert replayed == {None: 1, "true": CLIENTS - 1}


def test_of_two_contents_under_one_key_at_one_moment_one_is_taken(stack: Stack) -> None:
    answers = at_once(Client(stack.base_url), ["This", "That"] * 20, "two-contents")
    counts = Counter((answer.status, answer.headers.get("Idempotency-Replayed")) for answer in answers)
    assert counts == {(202, None): 1, (202, "true"): 19, (422, None): 20}
