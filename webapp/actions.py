"""What forms do: submit a message, and the operator's verbs. Each answers a browser with a redirect (a reload sends
nothing again), and htmx with the part of the page that changed."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError
from werkzeug.exceptions import RequestEntityTooLarge

from tasks.desk import Verdict
from tasks.domain import simulator, spec
from tasks.domain.states import Verb
from webapp import forms, lists, pages, redis_trouble
from webapp.context import postroom
from webapp.polling import fragment
from webapp.problems import ProblemError, http_error, is_fragment
from webapp.rendering import page
from webapp.verdicts import not_allowed
from webapp.wording import size

bp = Blueprint("actions", __name__)

SCOPE = "page"
"""Whose idempotency keys these are: a page's never meets an API client's."""


@bp.post("/compose")
def submit() -> Response:
    """Take a message, or show what is wrong with it and keep all that was typed."""
    form = forms.posted()
    found = form.lost() or spec.parse(form.body(), postroom().desk.defaults)
    if isinstance(found, list):
        form.show(found)
        return _compose(form, 422)
    try:
        submission = postroom().desk.submit(found, key=form.key.data or None, scope=SCOPE)
    except RedisError as error:
        trouble = redis_trouble.explain(error, changing=True)
        if trouble is None:
            raise
        trouble = f"{trouble} Nothing that you typed is lost, and sent again, the form still sends once."
        if is_fragment():  # htmx leaves the form as it is and shows the problem beside it
            raise ProblemError(503, trouble) from error
        return _compose(form, 503, trouble=trouble)
    if submission.kind == "conflict":
        form.key.data = forms.new_key()
        return _compose(form, 422, first_job=submission.job_id)
    return _go(f"/jobs/{submission.job_id}")


@bp.errorhandler(RequestEntityTooLarge)
def too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    """A form that was not even read: said at its files, which is where it grew."""
    if is_fragment() or request.endpoint != "actions.submit":
        return http_error(error)
    form = forms.fresh(forms.new_key())
    most = size(pages.post_limit())
    form.attachments.errors = [f"That was far too large: at most {most} can be sent. Choose fewer or smaller files."]
    trouble = "What you sent was too large to be read. Your browser's back button brings back what you typed."
    return _compose(form, 413, trouble=trouble)


@bp.post("/try")
def attempt() -> Response:
    """Send a line to one of the local mailbox's misbehaving addresses."""
    row = simulator.row_for(request.form.get("address", ""))
    if row is None or not postroom().settings.embeds_mailbox:
        raise ProblemError(404, "This is none of the local mailbox's addresses.")
    body = {"to": row.address, "subject": f"Hello, {row.local}", "text": f"What this address does: {row.does}."}
    found = spec.parse(body, postroom().desk.defaults)
    if isinstance(found, list):
        raise ProblemError(422, found[0].message)
    return _go(f"/jobs/{postroom().desk.submit(found, scope=SCOPE).job_id}")


@bp.post("/jobs/<job_id>/<any(retry, cancel, discard):verb>")
def change(job_id: str, verb: str) -> Response:
    """An operator's verb."""
    verdict = getattr(postroom().desk, verb)(lists.job(job_id).id)
    return _changed(Verb(verb), job_id, verdict)


@bp.post("/jobs/<job_id>/resolve")
def resolve(job_id: str) -> Response:
    """What became of recipients nobody could know of."""
    answer = request.form.get("answer")
    if answer not in ("arrived", "again"):
        raise ProblemError(422, "Say whether it arrived or is to be sent again.")
    verdict = postroom().desk.resolve(lists.job(job_id).id, "arrived" if answer == "arrived" else "again")
    return _changed(Verb.RESOLVE, job_id, verdict)


def _changed(verb: Verb, job_id: str, verdict: Verdict) -> Response:
    if verdict.kind == "not_found":
        raise lists.no_job(job_id)
    if verdict.kind == "not_allowed" and verdict.state is not None:
        raise not_allowed(verb, verdict.state)
    if not is_fragment():
        return _go(f"/jobs/{job_id}")
    document = lists.job(job_id)
    return fragment("partials/_job.html", lists.live_job(document), job=document)


def _compose(
    form: forms.ComposeForm, status: int, *, trouble: str | None = None, first_job: str | None = None
) -> Response:
    context = {"form": form, "trouble": trouble, "first_job": first_job, "post_limit": pages.post_limit()}
    if is_fragment():
        return make_response(render_template("partials/_compose.html", **context), status)
    return page("pages/compose.html", status, **context)


def _go(url: str) -> Response:
    if is_fragment():
        return Response(status=204, headers={"HX-Redirect": url})
    return make_response(redirect(url, 303))
