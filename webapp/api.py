"""The JSON API: reads a request, asks the desk or the store, answers with a document."""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint, Response, request

from tasks.desk import Verdict
from tasks.domain import ids, reading, spec
from tasks.domain.job import Job
from tasks.domain.states import Verb
from webapp import openapi, query, views, waiting
from webapp.body import json_fields, json_object
from webapp.context import postroom
from webapp.documents import Document
from webapp.express import FAILED
from webapp.problems import FieldProblem, ProblemError, bad_parameter, invalid
from webapp.verdicts import not_allowed

bp = Blueprint("api", __name__, url_prefix="/api")

RESOLUTIONS = ("arrived", "again")


@bp.post("/jobs")
def submit() -> Response:
    """Take a job: 202 and its document, at once. (Plain ones are taken in ``express``, which answers the same.)"""
    if failed := request.environ.get(FAILED):
        raise failed
    key = query.idempotency_key()
    parsed = spec.parse(json_object(), postroom().desk.defaults)
    if isinstance(parsed, list):
        raise invalid(parsed)
    submission = postroom().desk.submit(parsed, key=key)
    if submission.kind == "conflict":
        raise key_conflict()
    job = submission.job or _as_accepted(submission.job_id)
    response = _job_answer(job, 202)
    response.headers["Location"] = f"/api/jobs/{job.id}"
    if submission.kind == "replayed":
        response.headers["Idempotency-Replayed"] = "true"
    return response


@bp.get("/jobs")
def jobs() -> Response:
    """A page of the jobs that the filter means, newest first, and how many there are."""
    asked = query.parameters(*query.FILTERS, "limit", "cursor")
    limit, cursor = query.limit(asked.pop("limit", None)), asked.pop("cursor", None)
    wanted = query.wanted(asked)
    try:
        page = postroom().finder.page(wanted, limit, cursor)
    except ValueError:
        raise bad_parameter("cursor", "This cursor is not one of ours; take next_cursor of the page before.") from None
    return answer(views.jobs_document(page, postroom().jobs.counts(), postroom().finder.count(wanted)))


@bp.get("/jobs/<job_id>")
def show(job_id: str) -> Response:
    """A job; with ``?wait=SECONDS`` when it is final, or when the time is up."""
    seconds = query.seconds(query.parameters("wait").get("wait"), waiting.MOST_SECONDS)
    job = waiting.until_final(postroom().jobs, job_id, seconds) if ids.is_id(job_id) else None
    job = found(job, job_id)
    response = _job_answer(job)
    response.cache_control.no_cache = True  # keep it, but ask whether it is still right
    response.set_etag(str(job.head.revision), weak=True)
    response.make_conditional(request)
    return response


@bp.get("/jobs/<job_id>/message")
def message(job_id: str) -> Response:
    """The RFC 5322 source, as it is sent."""
    query.parameters()
    wire = postroom().jobs.content(job_id) if ids.is_id(job_id) else None
    if wire is None:
        _no_job(job_id)
    response = Response(reading.unstuff(wire), mimetype="message/rfc822")
    response.headers["Content-Disposition"] = f'attachment; filename="{job_id}.eml"'
    return response


@bp.post("/jobs/<job_id>/retry")
def retry(job_id: str) -> Response:
    """Send again to the recipients that were refused."""
    json_fields()
    return _verdict(Verb.RETRY, job_id, postroom().desk.retry(job_id))


@bp.post("/jobs/<job_id>/cancel")
def cancel(job_id: str) -> Response:
    """Withdraw a job that is not sent yet."""
    json_fields()
    return _verdict(Verb.CANCEL, job_id, postroom().desk.cancel(job_id))


@bp.post("/jobs/<job_id>/discard")
def discard(job_id: str) -> Response:
    """Put a dead letter away."""
    json_fields()
    return _verdict(Verb.DISCARD, job_id, postroom().desk.discard(job_id))


@bp.post("/jobs/<job_id>/resolve")
def resolve(job_id: str) -> Response:
    """Say what became of recipients nobody could know of."""
    given = json_fields("answer").get("answer")
    if given not in RESOLUTIONS:
        error = FieldProblem(field="answer", message='Say "arrived" or "again": it arrived, or send it again.')
        raise ProblemError(422, error.message, errors=[error])
    return _verdict(Verb.RESOLVE, job_id, postroom().desk.resolve(job_id, given))


@bp.get("/openapi.json")
def describe() -> Response:
    """This API, in OpenAPI 3.1."""
    return Response(openapi.text(), mimetype="application/json")


def answer(document: Document, status: int = 200) -> Response:
    """A document as JSON, under the API's names."""
    return Response(document.model_dump_json(by_alias=True), status, mimetype="application/json")


def key_conflict() -> ProblemError:
    """The answer to an idempotency key that came before with other content."""
    message = "This Idempotency-Key came before, with other content. Use a new key for a new message."
    return ProblemError(422, message, errors=[FieldProblem(field="Idempotency-Key", message=message)])


def found(job: Job | None, job_id: str) -> Job:
    """The job, or a 404 that says so."""
    return job or _no_job(job_id)


def _no_job(job_id: str) -> NoReturn:
    raise ProblemError(404, f"There is no job {job_id[:64]}. Final jobs are kept for RETENTION_DAYS.")


def _as_accepted(job_id: str) -> Job:
    """A job as it was when it was accepted: what a repeated submission is answered with."""
    job = found(postroom().jobs.read(job_id), job_id)
    return Job.accepted(job.id, job.card, job.accepted_us)


def _job_answer(job: Job, status: int = 200) -> Response:
    return answer(views.job_document(job, postroom().settings.relay_name), status)


def _verdict(verb: Verb, job_id: str, verdict: Verdict) -> Response:
    if verdict.kind == "not_allowed" and verdict.state is not None:
        raise not_allowed(verb, verdict.state)
    job = postroom().jobs.read(job_id) if verdict.kind == "done" else None
    return _job_answer(found(job, job_id))
