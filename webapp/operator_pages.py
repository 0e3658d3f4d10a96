"""An operator's pages: dead letters by reason; workers, lanes and the relay."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect

from tasks import clock, fleet
from tasks.domain.states import State
from tasks.store.dead_letters import DeadLetters
from webapp import operations, views_bulk, views_overview
from webapp.context import postroom
from webapp.polling import Live, fragment, tag_of, unchanged
from webapp.problems import is_fragment
from webapp.rendering import page

bp = Blueprint("operator_pages", __name__)

SECONDS = 1


@bp.get("/dead-letters")
def dead_letters() -> Response:
    """The page of dead letters."""
    live, context = _dead_letters()
    return page("pages/dead_letters.html", live=live, **context)


@bp.get("/partials/dead-letters")
def dead_letters_part() -> Response:
    """Its live region."""
    if same := unchanged(_dead_tag()):
        return same
    live, context = _dead_letters()
    return fragment("partials/_dead_letters.html", live, **context)


@bp.get("/workers")
def workers() -> Response:
    """The page of workers."""
    live, context = _workers()
    return page("pages/workers.html", live=live, **context)


@bp.get("/partials/workers")
def workers_part() -> Response:
    """Its live region."""
    if same := unchanged(_workers_tag()):
        return same
    live, context = _workers()
    return fragment("partials/_workers.html", live, **context)


@bp.post("/lanes/<lane>/<any(pause, resume):verb>")
def change_lane(lane: str, verb: str) -> Response:
    """Let no worker claim from a lane, or let them again."""
    operations.known_lane(lane)
    getattr(postroom().desk, verb)(lane)
    if not is_fragment():
        return make_response(redirect("/workers", 303))
    live, context = _workers()
    return fragment("partials/_workers.html", live, **context)


def _dead_letters() -> tuple[Live, dict[str, Any]]:
    live = Live("/partials/dead-letters", _dead_tag(), SECONDS)
    room = postroom()
    groups, complete = DeadLetters(room.redis, room.settings.key_prefix).groups()
    return live, {"dead": views_bulk.dead_letters_document(groups, complete, room.jobs.counts()[State.DEAD])}


def _dead_tag() -> str:
    return tag_of(postroom().jobs.system_revision(), "dead")


def _workers() -> tuple[Live, dict[str, Any]]:
    live = Live("/partials/workers", _workers_tag(), SECONDS)
    room = postroom()
    return live, {"fleet": views_overview.workers_document(fleet.look(room.settings, room.redis))}


def _workers_tag() -> str:
    """With the time in it: what workers report of themselves raises no revision."""
    return tag_of(postroom().jobs.system_revision(), str(clock.now_us() // 1_000_000))
