"""Asking the API, and holding its answers to their models."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from webapp.documents import JobDocument
from webapp.problems import ProblemDocument

MAIL = {"to": "ann@mailbox.test", "subject": "Hello", "text": "Hello Ann."}
UNKNOWN_ID = "01hgw2bbg0000000000000000z"


def submit(client: FlaskClient, headers: dict[str, str] | None = None, **fields: Any) -> JobDocument:
    answer = client.post("/api/jobs", json=MAIL | fields, headers=headers)
    assert answer.status_code == 202, answer.text
    return JobDocument.model_validate(answer.get_json())


def read(client: FlaskClient, job_id: str) -> JobDocument:
    answer = client.get(f"/api/jobs/{job_id}")
    assert answer.status_code == 200
    return JobDocument.model_validate(answer.get_json())


def problem_of(answer: TestResponse, status: int) -> ProblemDocument:
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    return ProblemDocument.model_validate(answer.get_json())


def fields_of(answer: TestResponse, status: int) -> list[str]:
    return [error.field for error in problem_of(answer, status).errors]
