"""Submitting over the JSON API: what is taken, what is refused and how, and what an idempotency key does."""

from __future__ import annotations

import base64
import io
import json

import pytest
from flask.testing import FlaskClient

from tasks.domain.job import Outcome
from tasks.domain.states import State
from tasks.settings import Settings
from tests.support.making import LATER
from tests.web import moving
from tests.web.asking import MAIL, fields_of, problem_of, read, submit
from webapp import create_app
from webapp.context import Postroom
from webapp.documents import JobDocument


def test_a_submission_is_accepted_with_its_place_and_its_document(client: FlaskClient) -> None:
    answer = client.post("/api/jobs", json=MAIL | {"tags": ["first"], "priority": "high"})
    assert answer.status_code == 202
    job = JobDocument.model_validate(answer.get_json())
    assert answer.headers["Location"] == f"/api/jobs/{job.id}"
    assert "Idempotency-Replayed" not in answer.headers
    assert (job.state, job.to, job.subject, job.tags) == ("queued", ["ann@mailbox.test"], "Hello", ["first"])
    assert read(client, job.id) == job


@pytest.mark.parametrize(
    "more", [{}, {"cc": "Bob <bob@mailbox.test>", "send_at": LATER}, {"send_at": "2001-01-01T00:00:00Z", "subject": ""}]
)
def test_the_document_of_a_submission_is_what_reading_the_job_gives(client: FlaskClient, more: dict[str, str]) -> None:
    answer = client.post("/api/jobs", json=MAIL | more)
    assert answer.status_code == 202
    assert client.get(answer.headers["Location"]).data == answer.data


def test_what_is_wrong_is_told_at_each_field(client: FlaskClient) -> None:
    answer = client.post("/api/jobs", json={"to": "ann", "subject": "a\r\nBcc: x@y.example", "wrong": 1})
    assert set(fields_of(answer, 422)) == {"to", "subject", "text", "wrong"}
    assert client.get("/api/jobs").get_json()["counts"]["all"] == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"to": "ann@mailbox.test",\n "text" "x"}', "line 2, column 9"),
        (b'{"to": "a@mailbox.test", "to": "b@mailbox.test", "text": "x"}', 'the name "to" twice'),
        (b'{"headers": {"X-A": "1", "X-A": "2"}}', 'the name "X-A" twice'),
        (b'{"max_attempts": NaN}', "NaN is not a JSON number"),
        (b'{"max_attempts": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"max_attempts": 1e999}', "too large"),
        (b'{"max_attempts": ' + b"9" * 5000 + b"}", "too large"),
        (b"[" * 100_000, "too deeply"),
        (b'{"text": "\xff"}', "not UTF-8: byte 10"),
        (b'{"text": "caf\xe9"}', "not UTF-8: byte 13"),
        (b'{"text": "\\ud83d"}', "half a character"),
        (b'{"text": "a\nb"}', "line 1, column 12"),
    ],
)
def test_a_body_that_two_readers_could_read_differently_is_refused(
    client: FlaskClient, body: bytes, words: str
) -> None:
    answer = client.post("/api/jobs", data=body, content_type="application/json")
    assert words in problem_of(answer, 400).detail


def test_a_whole_surrogate_pair_and_a_byte_order_mark_are_read(client: FlaskClient) -> None:
    body = b'\xef\xbb\xbf{"to": "ann@mailbox.test", "subject": "\\ud83d\\ude00", "text": "x"}'
    answer = client.post("/api/jobs", data=body, content_type="application/json")
    assert answer.get_json()["subject"] == "\N{GRINNING FACE}"


def test_a_message_of_the_largest_size_fits_in_json_and_a_larger_one_is_told_apart(settings: Settings) -> None:
    small = settings.model_copy(update={"max_message_bytes": 300_000})
    client = create_app(small).test_client()
    file = {"filename": "x.bin", "content": base64.b64encode(bytes(210_000)).decode()}
    submit(client, attachments=[file])
    submit(client, text="\N{LATIN SMALL LETTER E WITH ACUTE}" * 100_000)
    too_many = client.post("/api/jobs", json=MAIL | {"attachments": [file, file | {"filename": "y.bin"}]})
    assert fields_of(too_many, 422) == ["attachments"]
    refused = client.post("/api/jobs", json=MAIL | {"text": "x" * 1_700_000})
    assert "1,600,000 bytes" in problem_of(refused, 413).detail


def test_a_chunked_body_is_read_whole_or_not_at_all(settings: Settings) -> None:
    """As the web server gives it: no length, and an input that ends by itself."""
    client = create_app(settings.model_copy(update={"max_message_bytes": 300_000})).test_client()
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    for padding, status in ((10, 202), (1_700_000, 413)):
        body = io.BytesIO(json.dumps(MAIL).encode() + b" " * padding)
        answer = client.post("/api/jobs", input_stream=body, content_type="application/json", environ_overrides=chunked)
        assert answer.status_code == status


# Idempotency


def test_the_same_key_and_content_is_one_job_and_the_first_answer(client: FlaskClient, postroom: Postroom) -> None:
    key = {"Idempotency-Key": "first-of-may"}
    first = client.post("/api/jobs", json=MAIL, headers=key)
    moving.settle(postroom.jobs, first.get_json()["id"], State.SENT, Outcome.ACCEPTED)
    again = client.post("/api/jobs", json=dict(reversed(MAIL.items())) | {"priority": "normal"}, headers=key)
    assert again.status_code == 202
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert again.get_json() == first.get_json()
    assert client.get("/api/jobs").get_json()["counts"]["all"] == 1


def test_the_same_key_with_other_content_names_the_key(client: FlaskClient) -> None:
    key = {"Idempotency-Key": "first-of-may"}
    submit(client, key)
    answer = client.post("/api/jobs", json=MAIL | {"subject": "Other"}, headers=key)
    assert fields_of(answer, 422) == ["Idempotency-Key"]
    assert client.get("/api/jobs").get_json()["counts"]["all"] == 1


@pytest.mark.parametrize("key", ["", " ", "two words", "x" * 256, "caf\u00e9", "tab\t"])
def test_a_malformed_key_is_refused(client: FlaskClient, key: str) -> None:
    answer = client.post("/api/jobs", json=MAIL, headers={"Idempotency-Key": key})
    assert fields_of(answer, 400) == ["Idempotency-Key"]


def test_a_key_may_have_any_visible_character_and_255_of_them(client: FlaskClient) -> None:
    submit(client, {"Idempotency-Key": '"' + "~" * 254})
