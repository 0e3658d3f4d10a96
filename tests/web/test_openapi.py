"""The description is of this API: every route is in it, and real answers are as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, get_args

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import BaseModel, ValidationError

from tasks.domain import filter as filters
from tasks.domain import spec
from tasks.domain.job import Outcome
from tasks.domain.states import State
from tasks.store.workers import WorkerReport
from tests.web import moving
from tests.web.asking import MAIL, UNKNOWN_ID
from webapp import FOR_PROGRAMS, openapi
from webapp.bodies import AttachmentBody, FilterBody, SubmissionBody
from webapp.context import Postroom
from webapp.problems import ProblemDocument
from webapp.routes import FILTER, ROUTES, Route


def a_report(postroom: Postroom) -> WorkerReport:
    now_us = postroom.jobs.now_us()
    held = [(UNKNOWN_ID, now_us)]
    return WorkerReport("host:1", "host", 1, 2, "0.1", now_us, now_us, 5, {"low": 0.5}, now_us, 1, held, 4)


def served(app: Flask) -> set[str]:
    """Every call of the blueprints that are for programs, as the description writes them."""
    names = {blueprint.name for blueprint in FOR_PROGRAMS}
    return {
        f"{method} {rule.rule.replace('<', '{').replace('>', '}')}"
        for rule in app.url_map.iter_rules()
        if rule.endpoint.split(".")[0] in names
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def check(client: FlaskClient, call: str, status: int, **sent: Any) -> dict[str, Any]:
    """Ask, and hold the answer to the description: status, media type, schema, headers."""
    method, path = call.split(" ")
    answer = client.open(path, method=method, **sent)
    assert answer.status_code == status, answer.text
    route = described(method, path)
    if status in route.answers:
        given = route.answers[status]
        for name in route.headers if status < 300 else ():
            assert name in answer.headers or name == "Idempotency-Replayed"
        if isinstance(given, str) or given is None:
            assert answer.mimetype == (given or answer.mimetype)
            return {}
        assert answer.mimetype == "application/json"
        given.model_validate(answer.get_json())
    else:
        assert status in route.refusals
        assert answer.mimetype == "application/problem+json"
        ProblemDocument.model_validate(answer.get_json())
    found: dict[str, Any] = answer.get_json()
    return found


def described(method: str, path: str) -> Route:
    asked = path.partition("?")[0].split("/")
    for route in ROUTES:
        steps = route.path.split("/")
        pairs = zip_longest(steps, asked, fillvalue="")
        if route.method == method and all(step == given or step.startswith("{") for step, given in pairs):
            return route
    raise AssertionError(f"{method} {path} is not described")


def test_every_route_for_programs_is_described_and_no_other(app: Flask) -> None:
    assert {route.call for route in ROUTES} == served(app)


def test_the_description_is_served_as_openapi_3_1_with_whole_references(client: FlaskClient) -> None:
    answer = client.get("/api/openapi.json")
    assert answer.mimetype == "application/json"
    told = answer.get_json()
    assert told["openapi"].startswith("3.1.")
    schemas = told["components"]["schemas"]
    found = set(references(told))
    assert found
    assert {reference.removeprefix("#/components/schemas/") for reference in found} <= set(schemas)
    for path, operations in told["paths"].items():
        for operation in operations.values():
            declared = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
            assert declared == set(re.findall(r"\{(\w+)\}", path))


def test_the_documents_are_told_under_the_names_that_json_has() -> None:
    schemas = openapi.document()["components"]["schemas"]
    for name in ("JobDocument", "JobSummary", "MailDocument", "SubmissionBody"):
        assert "from" in schemas[name]["properties"]
        assert "sender" not in schemas[name]["properties"]
    assert set(schemas["JobDocument"]["required"]) == set(schemas["JobDocument"]["properties"])


def test_a_submission_has_the_fields_that_the_parser_reads() -> None:
    told = {field.alias or name: field for name, field in SubmissionBody.model_fields.items()}
    assert set(told) == set(spec.READERS)
    assert set(get_args(told["priority"].annotation)) == {"high", "normal", "low"}
    file = {"filename": "x.txt", "content_type": "text/plain", "content": "eA=="}
    assert set(file) == set(AttachmentBody.model_fields)
    parsed = spec.parse(MAIL | {"attachments": [file]}, spec.Defaults("a@mailbox.test", 8, 60, 1_000_000))
    assert isinstance(parsed, spec.JobSpec)


def test_a_bulk_has_the_filters_that_the_reader_reads() -> None:
    assert set(FilterBody.model_fields) == set(filters.READERS) == {each.name for each in FILTER}


def test_answers_are_as_described(client: FlaskClient, postroom: Postroom) -> None:
    job = check(client, "POST /api/jobs", 202, json=MAIL, headers={"Idempotency-Key": "k"})["id"]
    check(client, "POST /api/jobs", 202, json=MAIL, headers={"Idempotency-Key": "k"})
    check(client, "GET /api/jobs", 200)
    check(client, f"GET /api/jobs/{job}", 200)
    check(client, f"GET /api/jobs/{job}", 304, headers={"If-None-Match": 'W/"1"'})
    check(client, f"GET /api/jobs/{job}/message", 200)
    moving.settle(postroom.jobs, job, State.DEAD, Outcome.REJECTED, (550, "5.1.1 No such user"))
    check(client, f"GET /api/jobs/{job}", 200)
    check(client, f"POST /api/jobs/{job}/retry", 200)
    check(client, f"POST /api/jobs/{job}/cancel", 200)
    mail = postroom.mailbox.add("postroom@mailbox.test", ["ann@mailbox.test"], b"Subject: x\r\n\r\nx\r\n")
    check(client, "GET /api/mailbox?recipient=ann@mailbox.test&q=x", 200)
    check(client, f"GET /api/mailbox/{mail}", 200)
    check(client, f"GET /api/mailbox/{mail}/message", 200)
    check(client, f"POST /api/mailbox/{mail}/read", 200)
    check(client, "POST /api/mailbox/read", 200)
    check(client, f"DELETE /api/mailbox/{mail}", 200)
    check(client, "DELETE /api/mailbox", 200)
    check(client, "GET /api/openapi.json", 200)
    greeting = check(client, "POST /start-job", 202, json={"name": "User"})["job_id"]
    check(client, f"GET /job-status/{greeting}", 200)
    moving.settle(postroom.jobs, greeting, State.SENT, Outcome.ACCEPTED)
    check(client, f"GET /job-status/{greeting}", 200)
    failing = check(client, "POST /start-job", 202, json={"name": "fail"})["job_id"]
    moving.settle(postroom.jobs, failing, State.DEAD, Outcome.REJECTED, (550, "Simulated task failure"))
    assert check(client, f"GET /job-status/{failing}", 200)["error"] == "Simulated task failure"
    check(client, "POST /send-email", 202, json={"to": "ann@mailbox.test", "subject": "x", "body": "y"})
    check(client, "GET /api/jobs.csv?state=sent", 200)
    check(client, "GET /api/jobs.jsonl", 200)
    check(client, "GET /api/stats?range=week", 200)
    postroom.workers.report(a_report(postroom))
    check(client, "GET /api/workers", 200)
    check(client, "POST /api/lanes/low/pause", 200)
    check(client, "POST /api/lanes/low/resume", 200)
    check(client, "GET /api/dead-letters", 200)
    bulk = check(client, "POST /api/bulk", 202, json={"verb": "retry", "filter": {"state": "dead"}})["id"]
    check(client, f"GET /api/bulk/{bulk}", 200)
    check(client, "GET /api/bulks", 200)
    check(client, f"POST /api/bulk/{bulk}/cancel", 200)
    check(client, "GET /healthz", 200)
    postroom.workers.gone("host:1")
    check(client, "GET /readyz", 503)


@pytest.mark.parametrize(
    ("call", "status", "sent"),
    [
        ("POST /api/jobs", 400, {"data": b"{", "content_type": "application/json"}),
        ("POST /api/jobs", 415, {"data": b"{}"}),
        ("POST /api/jobs", 422, {"json": {}}),
        ("GET /api/jobs?limit=x", 400, {}),
        (f"GET /api/jobs/{UNKNOWN_ID}", 404, {}),
        (f"GET /api/jobs/{UNKNOWN_ID}?wait=x", 400, {}),
        (f"GET /api/jobs/{UNKNOWN_ID}/message", 404, {}),
        (f"POST /api/jobs/{UNKNOWN_ID}/retry", 404, {}),
        (f"POST /api/jobs/{UNKNOWN_ID}/resolve", 422, {"json": {"answer": "x"}}),
        ("GET /api/mailbox?x=1", 400, {}),
        ("GET /api/mailbox?cursor=x", 400, {}),
        (f"GET /api/mailbox/{UNKNOWN_ID}", 404, {}),
        (f"GET /api/mailbox/{UNKNOWN_ID}/message", 404, {}),
        (f"POST /api/mailbox/{UNKNOWN_ID}/read", 404, {}),
        (f"DELETE /api/mailbox/{UNKNOWN_ID}", 404, {}),
        ("GET /api/jobs?q=!", 400, {}),
        ("GET /api/jobs.csv?limit=5", 400, {}),
        ("GET /api/jobs.jsonl?state=lost", 400, {}),
        ("GET /api/stats?range=year", 400, {}),
        ("GET /api/workers?x=1", 400, {}),
        ("POST /api/lanes/urgent/pause", 404, {}),
        ("POST /api/lanes/urgent/resume", 404, {}),
        ("GET /api/dead-letters?x=1", 400, {}),
        ("POST /api/bulk", 422, {"json": {"verb": "retry"}}),
        ("POST /api/bulk", 415, {"data": b"{}"}),
        (f"GET /api/bulk/{UNKNOWN_ID}", 404, {}),
        (f"POST /api/bulk/{UNKNOWN_ID}/cancel", 404, {}),
        ("POST /start-job", 422, {"json": {}}),
        ("POST /start-job", 400, {"data": b"[]", "content_type": "application/json"}),
        ("POST /send-email", 422, {"json": {"to": "x"}}),
        (f"GET /job-status/{UNKNOWN_ID}", 404, {}),
    ],
)
def test_refusals_are_as_described(client: FlaskClient, call: str, status: int, sent: dict[str, Any]) -> None:
    check(client, call, status, **sent)


def test_the_models_refuse_what_is_not_described() -> None:
    """The checker itself can fail."""
    for model in (given for route in ROUTES for given in route.answers.values() if isinstance(given, type)):
        assert issubclass(model, BaseModel)
        with pytest.raises(ValidationError):
            model.model_validate({"surprise": 1})
