"""The contract of the document that Postroom began with: three calls, in Celery's words.

They are Postroom's own jobs behind another face: the pages show them, and ``AsyncResult(job_id)`` agrees.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from tasks.domain import ids, spec
from tasks.domain.job import Job, Outcome
from tasks.domain.result import failure_text, success_value
from tasks.domain.simulator import DOMAIN
from tasks.domain.states import STATES
from webapp import query
from webapp.api import key_conflict
from webapp.attempts import decisions
from webapp.body import json_object
from webapp.context import postroom
from webapp.headline import headline
from webapp.problems import FieldProblem, ProblemError, invalid

bp = Blueprint("seed_api", __name__)


@bp.post("/start-job")
def start_job() -> Response:
    """Greet somebody: ``{"name": "User"}``, and ``email`` unless mail goes to the local mailbox."""
    given = json_object()
    name = _name(given)
    address = given.get("email") or _local_address(name)
    greeting = f"Hello {name}"
    body = {"to": address, "subject": greeting, "text": f"{greeting},\n\nthis is Postroom. Your job ran.\n"}
    return _submit(body, fields={"to": "email"}, result=greeting)


@bp.post("/send-email")
def send_email() -> Response:
    """Send ``{"to", "subject", "body"}``."""
    given = json_object()
    body = {name: given.get(name) for name in ("to", "subject")} | {"text": given.get("body")}
    return _submit(body, fields={"text": "body"})


@bp.get("/job-status/<job_id>")
def job_status(job_id: str) -> Response:
    """How it stands, in Celery's words."""
    job = postroom().jobs.read(job_id) if ids.is_id(job_id) else None
    if job is None:
        return _answer({"job_id": job_id, "error": "There is no such job."}, 404)
    return _answer({"job_id": job.id, "state": STATES[job.head.state].celery} | _outcome(job), 200)


def _outcome(job: Job) -> dict[str, Any]:
    celery_state = STATES[job.head.state].celery
    if celery_state == "SUCCESS":
        return {"result": success_value(job.card.result, len(job.head.outcomes))}
    if celery_state in ("FAILURE", "RETRY", "REVOKED"):
        return {"error": _error(job)}
    return {}


def _error(job: Job) -> str:
    """The relay's own words where it gave some, without their codes ("Simulated task failure")."""
    for at, (_, reply, _) in sorted(decisions(job).items()):
        if reply and job.head.outcomes[at] in (Outcome.REJECTED, Outcome.DEFERRED):
            return failure_text(f"{reply.code} {reply.text}")
    return headline(job)


def _name(given: dict[str, Any]) -> str:
    name = given.get("name")
    if not isinstance(name, str) or not name.strip():
        message = 'Give a name, such as {"name": "User"}.'
        raise ProblemError(422, message, errors=[FieldProblem(field="name", message=message)])
    return name.strip()


def _local_address(name: str) -> str:
    """Where a greeting goes that names no address: to the local mailbox, under a name like the one to greet."""
    if not postroom().settings.embeds_mailbox:
        message = f"Give an email: mail goes to {postroom().settings.relay_name}, which has no mailbox for a mere name."
        raise ProblemError(422, message, errors=[FieldProblem(field="email", message=message)])
    local = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())[:64].strip("-")
    return f"{local or 'user'}@{DOMAIN}"


def _submit(body: dict[str, Any], *, fields: dict[str, str], result: str | None = None) -> Response:
    key = query.idempotency_key()
    parsed = spec.parse(body, postroom().desk.defaults)
    if isinstance(parsed, list):
        raise invalid([spec.FieldError(fields.get(error.field, error.field), error.message) for error in parsed])
    submission = postroom().desk.submit(parsed, key=key, result=result)
    if submission.kind == "conflict":
        raise key_conflict()
    response = _answer({"job_id": submission.job_id, "status": "PENDING"}, 202)
    if submission.kind == "replayed":
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _answer(body: dict[str, Any], status: int) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response
