"""The fragments: each live region by itself, 304 while it is unchanged."""

from __future__ import annotations

from flask import Blueprint, Response

from tasks.domain import ids
from webapp import lists, messages
from webapp.context import postroom
from webapp.polling import fragment, tag_of, unchanged

bp = Blueprint("partials", __name__, url_prefix="/partials")


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
    return messages.part_of_page(messages.of_job(lists.job(job_id).id))


@bp.get("/pulse")
def pulse() -> Response:
    """204 when Redis answers: asked for by pages that found the server away and have nothing to poll."""
    postroom().jobs.system_revision()
    return Response(status=204)
