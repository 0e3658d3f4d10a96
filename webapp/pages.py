"""The pages: each builds its documents and renders one template."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, request
from flask.blueprints import BlueprintSetupState

from tasks.domain import simulator
from tasks.domain.states import State
from webapp import assets, bulk_wording, forms, lists, messages, notice, shown, wording
from webapp.context import postroom
from webapp.documents import Place
from webapp.rendering import page

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
    "verdict": shown.verdict,
    "by_need": shown.by_need,
    "phases": shown.phases,
    "rate": wording.rate,
    "local": wording.local,
    "verbs": shown.verbs,
    "consequence": bulk_wording.consequence,
    "bulk_title": bulk_wording.bulk_title,
    "bulk_story": bulk_wording.bulk_story,
    "bulk_which": bulk_wording.bulk_which,
    "bulk_share": bulk_wording.bulk_share,
}

SHORTCUTS: list[tuple[tuple[str, ...], str]] = [
    (("/",), "Search this page's list"),
    (("j",), "Next row"),
    (("k",), "Row before"),
    (("Enter",), "Open the row"),
    (("x",), "Select the row, where rows can be selected"),
    (("?",), "These shortcuts"),
]
RELOAD_SECONDS = 10
PLACES = {"": "overview", "bulk": "jobs", "bulks": "jobs"}
"""The place in the navigation of a path that begins so, where it is not the same word."""


bp.register_blueprint(messages.bp)


@bp.record_once
def _install(state: BlueprintSetupState) -> None:
    """What every template may use."""
    app = cast(Flask, state.app)
    assets.install(app)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(states=list(State), tryout=simulator.ROWS, most_shown=shown.MOST_SHOWN)
    app.context_processor(_frame)


def _frame() -> dict[str, Any]:
    """What the frame of every page shows; an error page's too, so nothing of it may need Redis."""
    settings = postroom().settings
    items = [
        ("/", "Overview", "overview"),
        ("/jobs", "Jobs", "jobs"),
        ("/dead-letters", "Dead letters", "dead-letters"),
        ("/compose", "Compose", "compose"),
    ]
    if settings.embeds_mailbox:
        items.append(("/mailbox", "Mailbox", "mailbox"))
    items.append(("/workers", "Workers", "workers"))
    current = PLACES.get(first := request.path.split("/")[1], first)
    return {
        "place": Place(relay=settings.relay_name, local=settings.embeds_mailbox),
        "nav_items": items,
        "nav_current": current,
        "read_notice": lambda: notice.of_page(first or current),
        "shortcuts": SHORTCUTS + [(("g", label[0].lower()), label) for _, label, _ in items],
        **_reloading(),
    }


def _reloading() -> dict[str, Any]:
    """Without JavaScript a live page reloads itself, unless its reader keeps it still: a link turns that round."""
    asked = request.args.to_dict()
    still = bool(asked.pop("still", None))
    if not still:
        asked["still"] = "1"
    return {"still": still, "turned_url": f"?{urlencode(asked)}", "reload_seconds": RELOAD_SECONDS}


@bp.get("/jobs/<job_id>")
def job(job_id: str) -> Response:
    """A job, whole."""
    document = lists.job(job_id)
    reading = messages.of_job(document.id)
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


def post_limit() -> int:
    """The largest form that is read at all: app.js asks for fewer files before a larger one is sent in vain."""
    return int(current_app.config["MAX_CONTENT_LENGTH"])
