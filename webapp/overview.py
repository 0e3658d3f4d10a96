"""The overview: what happens now, and what happened of late."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from tasks import clock, fleet
from tasks.store.stats import RANGES, Range
from webapp import charts, views, views_overview
from webapp.context import postroom
from webapp.polling import Live, fragment, tag_of, unchanged
from webapp.problems import ProblemError
from webapp.rendering import page

bp = Blueprint("overview", __name__)

SECONDS = 1
BEAT_US = 5_000_000
"""So often it is rendered though nothing changed: a worker that falls silent raises no revision, nor does a minute."""
NEWEST = 10


@bp.get("/")
def show() -> Response:
    """The page."""
    live, context = _overview()
    return page("pages/overview.html", live=live, **context)


@bp.get("/partials/overview")
def part() -> Response:
    """Its live region."""
    if same := unchanged(_tag(_range())):
        return same
    live, context = _overview()
    return fragment("partials/_overview.html", live, **context)


def _overview() -> tuple[Live, dict[str, Any]]:
    span = _range()
    # The tag first: what changes after it shows next time.
    live = Live("/partials/overview" if span == "hour" else f"/partials/overview?range={span}", _tag(span), SECONDS)
    room = postroom()
    counts = room.jobs.counts()
    document = views_overview.overview_document(fleet.look(room.settings, room.redis), counts, room.stats, span)
    return live, {
        "overview": document,
        "chart": charts.throughput(document.throughput),
        "jobs": views.jobs_document(room.jobs.page(None, NEWEST), counts),
    }


def _tag(span: Range) -> str:
    return tag_of(postroom().jobs.system_revision(), span, str(clock.now_us() // BEAT_US))


def _range() -> Range:
    asked = request.args.get("range") or "hour"
    if asked not in RANGES:
        raise ProblemError(404, f"{asked[:64]} is not a range of time. Ranges: {', '.join(RANGES)}.")
    return asked
