"""The fragments: each live region by itself, 304 while it is unchanged."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from tasks.domain import ids
from webapp import lists, messages
from webapp.context import postroom
from webapp.polling import fragment, tag_of, unchanged

bp = Blueprint("partials", __name__, url_prefix="/partials")


@bp.get("/overview")
def overview() -> Response:
    """The overview's counts and newest jobs."""
    if same := unchanged(lists.list_tag()):
        return same
    live, context = lists.overview()
    return fragment("partials/_overview.html", live, **context)


@bp.get("/jobs")
def jobs() -> Response:
    """A page of jobs."""
    if same := unchanged(lists.list_tag()):
        return same
    live, context = lists.jobs()
    return fragment("partials/_jobs.html", live, **context)


@bp.get("/jobs/<job_id>")
def job(job_id: str) -> Response:
    """A job without its message, which never changes."""
    revision = postroom().jobs.revision(job_id) if ids.is_id(job_id) else None
    if revision is None:
        raise lists.no_job(job_id)
    if same := unchanged(tag_of(revision)):
        return same
    document = lists.job(job_id)
    return fragment("partials/_job.html", lists.live_job(document), job=document)


@bp.get("/jobs/<job_id>/message")
def job_message(job_id: str) -> Response:
    """A job's message in another view."""
    return _message(messages.of_job(lists.job(job_id).id, request.args.get("view")))


@bp.get("/mailbox")
def mailbox() -> Response:
    """The local mailbox's list."""
    if same := unchanged(lists.mailbox_tag()):
        return same
    live, document = lists.mailbox()
    return fragment("partials/_mailbox.html", live, mailbox=document)


@bp.get("/mailbox/<mail_id>/message")
def mail_message(mail_id: str) -> Response:
    """A captured mail in another view."""
    return _message(messages.of_mail(mail_id, request.args.get("view"))[1])


@bp.get("/pulse")
def pulse() -> Response:
    """204 when Redis answers: asked for by pages that found the server away and have nothing to poll."""
    postroom().jobs.system_revision()
    return Response(status=204)


def _message(reading: messages.Reading | None) -> Response:
    response = make_response(render_template("partials/_message.html", reading=reading))
    response.headers["Cache-Control"] = "no-store"
    return response
