"""The list of bulks: those that run, and those of the last days."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from webapp import views_bulk
from webapp.context import postroom
from webapp.polling import Live, fragment, tag_of, unchanged
from webapp.rendering import page

bp = Blueprint("bulk_list", __name__)

SECONDS = 1


@bp.get("/bulks")
def show() -> Response:
    """The page."""
    live, context = _bulks()
    return page("pages/bulks.html", live=live, **context)


@bp.get("/partials/bulks")
def part() -> Response:
    """Its live region."""
    return unchanged(_tag()) or region()


def region() -> Response:
    """It as it is now; also what a bulk that was stopped from the list is answered with."""
    live, context = _bulks()
    return fragment("partials/_bulks.html", live, **context)


def _bulks() -> tuple[Live, dict[str, Any]]:
    live = Live("/partials/bulks", _tag(), SECONDS)  # the tag first: what changes after it shows next time
    return live, {"bulks": views_bulk.bulks_document(*postroom().bulks.recent())}


def _tag() -> str:
    return tag_of(postroom().jobs.system_revision(), "bulks")
