"""The pages: each builds its documents and renders one template."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, render_template, request
from flask.blueprints import BlueprintSetupState

from tasks.domain import simulator
from tasks.domain.states import State
from webapp import assets, forms, lists, messages, wording
from webapp.context import postroom
from webapp.documents import AttemptDocument, Place

bp = Blueprint("pages", __name__)

FILTERS = {
    "ago": wording.ago,
    "until": wording.until,
    "exact": wording.exact,
    "moment": wording.moment,
    "span": wording.span,
    "size": wording.size,
    "people": wording.people,
    "figure": "{:,}".format,
}


bp.register_blueprint(messages.bp)


@bp.record_once
def _install(state: BlueprintSetupState) -> None:
    """What every template may use."""
    app = cast(Flask, state.app)
    assets.install(app)
    app.jinja_env.filters.update(FILTERS, verdict=verdict)
    app.jinja_env.globals.update(states=list(State), tryout=simulator.ROWS)
    app.context_processor(_frame)


def _frame() -> dict[str, Any]:
    """What the frame of every page shows; an error page's too, so nothing of it may need Redis."""
    settings = postroom().settings
    items = [("/", "Overview", "overview"), ("/jobs", "Jobs", "jobs"), ("/compose", "Compose", "compose")]
    if settings.embeds_mailbox:
        items.append(("/mailbox", "Mailbox", "mailbox"))
    return {
        "place": Place(relay=settings.relay_name, local=settings.embeds_mailbox),
        "nav_items": items,
        "nav_current": request.path.split("/")[1] or "overview",
    }


def verdict(attempt: AttemptDocument) -> str:
    """The outcome that an attempt is marked with: the one that needs a look first."""
    for outcome in ("unknown", "deferred", "rejected"):
        if getattr(attempt, outcome):
            return "partial" if outcome == "rejected" and attempt.accepted else outcome
    return "accepted"


@bp.get("/")
def overview() -> Response:
    """Counts, and the newest jobs."""
    live, context = lists.overview()
    return page("pages/overview.html", live=live, **context)


@bp.get("/jobs")
def jobs() -> Response:
    """Jobs, newest first."""
    live, context = lists.jobs()
    return page("pages/jobs.html", live=live, **context)


@bp.get("/jobs/<job_id>")
def job(job_id: str) -> Response:
    """A job, whole."""
    document = lists.job(job_id)
    reading = messages.of_job(document.id, request.args.get("view"))
    return page("pages/job.html", job=document, live=lists.live_job(document), reading=reading)


@bp.get("/compose")
def compose() -> Response:
    """An empty form, or one filled in by the link that led here (``?to=``, ``?subject=``, ``?text=``).

    Its idempotency key is in the URL, so that the form has the same one after a reload or the browser's back button,
    which may or may not bring the page itself back from a cache.
    """
    key = request.args.get("key", "")
    if not forms.is_key(key):
        given = request.args.to_dict() | {"key": forms.new_key()}
        return make_response(redirect(f"/compose?{urlencode(given)}", 303))
    form = forms.fresh(key)
    return page("pages/compose.html", form=form, trouble=None, first_job=None, post_limit=post_limit())


@bp.get("/mailbox")
def mailbox() -> Response:
    """What the local mailbox captured."""
    live, document = lists.mailbox()
    return page("pages/mailbox.html", live=live, mailbox=document)


@bp.get("/mailbox/<mail_id>")
def mail(mail_id: str) -> Response:
    """One captured mail."""
    document, reading = messages.of_mail(mail_id, request.args.get("view"))
    return page("pages/mail.html", mail=document, reading=reading)


def post_limit() -> int:
    """The largest form that is read at all: app.js asks for fewer files before a larger one is sent in vain."""
    return int(current_app.config["MAX_CONTENT_LENGTH"])


def page(template: str, status: int = 200, **context: object) -> Response:
    """A page. Browsers may keep it for their back button, with what was typed into it, and for nothing else."""
    response = make_response(render_template(template, **context), status)
    response.headers["Cache-Control"] = "private, no-cache"
    return response
