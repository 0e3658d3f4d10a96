"""A plain submission is answered before Flask, and as Flask answers it; whatever is not plain is left to Flask."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from tasks.settings import Settings
from tasks.store.keys import Keys
from tests.flow.holding import HoldingProxy, calls
from tests.support.processes import RedisProcess
from tests.web.asking import MAIL, problem_of
from webapp import create_app
from webapp.context import Postroom

BY_FLASK = "application/json; charset=utf-8"
"""The same content type to a reader, and not plain."""
MANY = MAIL | {"to": [f"reader{number}@mailbox.test" for number in range(40)]}


@pytest.fixture
def asked(app: Flask) -> Iterator[list[str]]:
    """The paths of the requests that Flask has answered."""
    paths: list[str] = []
    hooks = app.before_request_funcs[None]
    hooks.insert(0, lambda: paths.append(request.path))
    yield paths
    del hooks[0]


@pytest.mark.parametrize("mail", [MAIL, MANY])
@pytest.mark.parametrize("more", [{}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "br"}, {"Idempotency-Key": "k"}])
def test_it_answers_as_flask_does(
    client: FlaskClient, asked: list[str], mail: dict[str, Any], more: dict[str, str]
) -> None:
    quick = client.post("/api/jobs", json=mail, headers=more)
    assert asked == []
    slow = client.post("/api/jobs", data=json.dumps(mail), content_type=BY_FLASK, headers=more | _other_key(more))
    assert asked == ["/api/jobs"]
    assert quick.status == slow.status == "202 ACCEPTED"
    assert _headers(quick) == _headers(slow)
    assert _text(quick) == _text(slow)
    assert quick.headers["Location"] == f"/api/jobs/{json.loads(_plain(quick))['id']}"
    assert ("Content-Encoding" in quick.headers) == (mail is MANY and more == {"Accept-Encoding": "gzip"})


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (421, {"Host": "elsewhere.example"}),
        (403, {"Origin": "http://elsewhere.example"}),
        (403, {"Sec-Fetch-Site": "cross-site"}),
        (415, {"Content-Type": "text/plain"}),
        (400, {"Idempotency-Key": "two words"}),
        (400, {"data": "{"}),
        (422, {"data": "{}"}),
    ],
)
def test_what_is_refused_is_refused_by_flask(
    client: FlaskClient, postroom: Postroom, asked: list[str], status: int, more: dict[str, str]
) -> None:
    headers = {"Content-Type": "application/json"} | more
    data = headers.pop("data", json.dumps(MAIL))
    problem_of(client.post("/api/jobs", data=data, headers=headers), status)
    assert asked == ["/api/jobs"]
    assert sum(postroom.jobs.counts().values()) == 0


@pytest.mark.parametrize(
    ("status", "length"), [(413, "999999999999999"), (413, "99999999"), (400, "5"), (400, "9999"), (400, "-1")]
)
def test_a_body_of_another_length_than_it_says_is_refused_by_flask(
    client: FlaskClient, postroom: Postroom, asked: list[str], status: int, length: str
) -> None:
    said = {"CONTENT_LENGTH": length, "CONTENT_TYPE": "application/json"}
    body = io.BytesIO(json.dumps(MAIL).encode())
    problem_of(client.post("/api/jobs", input_stream=body, environ_overrides=said), status)
    assert asked == ["/api/jobs"]
    assert sum(postroom.jobs.counts().values()) == 0


def test_a_body_that_is_too_large_is_not_read_here(client: FlaskClient, app: Flask, asked: list[str]) -> None:
    padded = json.dumps(MAIL) + " " * app.config["MAX_CONTENT_LENGTH"]
    problem_of(client.post("/api/jobs", data=padded, content_type="application/json"), 413)
    assert asked == ["/api/jobs"]


def test_a_browser_and_a_query_are_left_to_flask(client: FlaskClient, asked: list[str]) -> None:
    for path, more in (("/api/jobs", {"Sec-Fetch-Site": "same-origin"}), ("/api/jobs?pretty=1", {})):
        assert client.post(path, json=MAIL, headers=more).status_code == 202
    assert asked == ["/api/jobs"] * 2


def test_a_fault_of_ours_is_said_by_flask_too(
    client: FlaskClient, asked: list[str], redis: Redis, settings: Settings
) -> None:
    redis.set(Keys(settings.key_prefix).due("normal"), "no sorted set")
    problem_of(client.post("/api/jobs", json=MAIL), 500)
    assert asked == ["/api/jobs"]


def test_a_submission_whose_answer_was_lost_is_not_made_twice(redis_process: RedisProcess, settings: Settings) -> None:
    with HoldingProxy(str(settings.redis_url).removeprefix("unix://")) as proxy, ThreadPoolExecutor() as other:
        app = create_app(Settings(redis_url=proxy.url, data_dir=settings.data_dir, replay_seconds=0))
        postroom: Postroom = app.extensions["postroom"]
        assert sum(postroom.jobs.counts().values()) == 0
        proxy.hold_answer(calls("accept"))
        answer = other.submit(lambda: app.test_client().post("/api/jobs", json=MAIL))
        proxy.wait()
        proxy.cut()
        problem_of(answer.result(), 503)
        assert sum(postroom.jobs.counts().values()) == 1
        postroom.redis.close()


def _other_key(headers: dict[str, str]) -> dict[str, str]:
    return {"Idempotency-Key": "another"} if "Idempotency-Key" in headers else {}


def _headers(answer: TestResponse) -> dict[str, str]:
    """All of them, but for where the job is and, since ids do not pack alike, how long its packed document is."""
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert len({name for name, _ in answer.headers}) == len(list(answer.headers))
    return {name: value for name, value in answer.headers if name not in ("Location", "Content-Length")}


def _plain(answer: TestResponse) -> str:
    packed = answer.headers.get("Content-Encoding") == "gzip"
    return (gzip.decompress(answer.data) if packed else answer.data).decode()


def _text(answer: TestResponse) -> str:
    """The document without its job's id and times."""
    job_id = json.loads(_plain(answer))["id"]
    return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "then", _plain(answer).replace(job_id, "id"))
