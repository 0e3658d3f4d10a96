"""Finding jobs over the API, and taking them along as CSV or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tasks.clock import rfc3339
from tasks.domain.job import Outcome
from tasks.domain.states import State
from tests.web import moving
from tests.web.asking import fields_of, read, submit
from webapp import export
from webapp.context import Postroom
from webapp.documents import JobDocument, JobsDocument


def found(client: FlaskClient, query: str) -> list[str]:
    answer = client.get(f"/api/jobs?{query}")
    assert answer.status_code == 200, answer.text
    document = JobsDocument.model_validate(answer.get_json())
    assert (document.matching.count, document.matching.exact) == (len(document.jobs), True)
    return [job.id for job in document.jobs]


def test_each_filter_finds_its_jobs(client: FlaskClient, postroom: Postroom) -> None:
    ann = submit(client, to="Ann@mailbox.test", tags=["week 5"], priority="high")
    bob = submit(client, to="bob@bücher.example", cc="ann@mailbox.test")
    moving.settle(postroom.jobs, bob.id, State.DEAD, Outcome.REJECTED, (550, "5.1.1 No such user"))
    [group] = client.get("/api/dead-letters").get_json()["groups"]
    middle = postroom.jobs.read(bob.id)
    assert middle is not None
    assert found(client, "recipient=ann@mailbox.test") == [bob.id, ann.id]
    assert found(client, "recipient=@b%C3%BCcher.example") == [bob.id]
    assert found(client, "tag=week+5") == [ann.id]
    assert found(client, "batch=none") == []
    assert found(client, "priority=high") == [ann.id]
    assert found(client, f"since={rfc3339(middle.accepted_us, 'microseconds')}") == [bob.id]
    assert found(client, f"until={rfc3339(middle.accepted_us, 'microseconds')}") == [ann.id]
    assert found(client, f"reason={group['digest']}") == [bob.id]
    assert found(client, f"q={ann.id}") == found(client, f"q={ann.id.upper()}") == [ann.id]
    assert found(client, f"q={quote(bob.message_id)}") == [bob.id]
    assert found(client, f"q={ann.id[:6]}") == [bob.id, ann.id]
    assert found(client, "recipient=ann@mailbox.test&state=dead&tag=") == [bob.id]
    assert found(client, "recipient=ann@mailbox.test&state=dead&priority=high") == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("recipient=ann", ["recipient"]),
        ("since=today&until=x", ["since", "until"]),
        ("priority=urgent", ["priority"]),
        ("reason=550", ["reason"]),
        ("q=%21", ["q"]),
        ("cursor=tomorrow&tag=a", ["cursor"]),
    ],
)
def test_a_filter_that_is_not_understood_is_named(client: FlaskClient, query: str, names: list[str]) -> None:
    assert fields_of(client.get(f"/api/jobs?{query}"), 400) == names


def test_json_lines_are_the_documents_of_the_jobs(client: FlaskClient) -> None:
    jobs = [submit(client, subject=f"Line {number}") for number in range(3)]
    submit(client, priority="low")
    answer = client.get("/api/jobs.jsonl?priority=normal")
    assert answer.mimetype == "application/jsonl"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="jobs.jsonl"'
    lines = answer.text.splitlines()
    assert [JobDocument.model_validate(json.loads(line)) for line in lines] == [read(client, job.id) for job in jobs][
        ::-1
    ]


def test_csv_is_read_back_as_it_was(client: FlaskClient) -> None:
    job = submit(client, subject='A "quoted", long\tone', tags=["a", "b"], to='"Doe, Jo" <jo@mailbox.test>')
    answer = client.get("/api/jobs.csv")
    assert answer.mimetype == "text/csv"
    assert answer.text.count("\r\n") == answer.text.count("\n") == 2
    [row] = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert list(row) == export.COLUMNS
    assert (row["id"], row["subject"], row["tags"]) == (job.id, job.subject, "a, b")
    assert row["to"] == '"Doe, Jo" <jo@mailbox.test>'
    assert row["finished_at"] == ""


@pytest.mark.parametrize("subject", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_cell_is_a_formula(client: FlaskClient, subject: str) -> None:
    submit(client, subject=subject)
    [row] = csv.DictReader(io.StringIO(client.get("/api/jobs.csv").text))
    assert row["subject"] == f"'{subject}"


def test_an_export_has_every_page_and_is_not_held_whole(
    client: FlaskClient, postroom: Postroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PER_PAGE", 2)
    jobs = [submit(client) for _ in range(5)]
    response = client.get("/api/jobs.jsonl")
    parts = [str(part, "utf-8") if isinstance(part, bytes) else part for part in response.response]
    assert [part.count("\n") for part in parts if part] == [2, 2, 1]
    assert [json.loads(line)["id"] for line in "".join(parts).splitlines()] == [job.id for job in reversed(jobs)]
