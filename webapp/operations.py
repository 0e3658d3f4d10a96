"""The JSON API of an operator: the overview's numbers, workers and lanes, dead letters, one verb for many jobs."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Response, url_for

from tasks import fleet
from tasks.domain import filter as filters
from tasks.domain import ids
from tasks.domain.filter import Filter
from tasks.domain.spec import FieldError
from tasks.domain.states import State, Verb
from tasks.domain.verbs import Answer
from tasks.store.bulks import Bulk
from tasks.store.dead_letters import DeadLetters
from tasks.store.keys import LANES
from webapp import query, views_bulk, views_overview
from webapp.api import RESOLUTIONS, answer
from webapp.body import json_fields
from webapp.context import postroom
from webapp.problems import ProblemError, invalid

bp = Blueprint("operations", __name__, url_prefix="/api")

MOST_IDS = 1_000


@bp.get("/stats")
def stats() -> Response:
    """All that the overview shows."""
    span = query.span(query.parameters("range").get("range"))
    room = postroom()
    now = fleet.look(room.settings, room.redis)
    return answer(views_overview.overview_document(now, room.jobs.counts(), room.stats, span))


@bp.get("/workers")
def workers() -> Response:
    """Workers, lanes and relay."""
    query.parameters()
    return answer(views_overview.workers_document(fleet.look(postroom().settings, postroom().redis)))


@bp.post("/lanes/<lane>/pause")
def pause(lane: str) -> Response:
    """Let no worker claim from this lane."""
    known_lane(lane)
    json_fields()
    postroom().desk.pause(lane)
    return _lane_answer(lane)


@bp.post("/lanes/<lane>/resume")
def resume(lane: str) -> Response:
    """Let workers claim from it again."""
    known_lane(lane)
    json_fields()
    postroom().desk.resume(lane)
    return _lane_answer(lane)


@bp.get("/dead-letters")
def dead_letters() -> Response:
    """The dead letters by reason, the largest group first."""
    query.parameters()
    room = postroom()
    groups, complete = DeadLetters(room.redis, room.settings.key_prefix).groups()
    return answer(views_bulk.dead_letters_document(groups, complete, room.jobs.counts()[State.DEAD]))


@bp.post("/bulk")
def bulk() -> Response:
    """Ask for one verb for all jobs that are meant now: 202; workers do it in the background."""
    asked = read_bulk(json_fields("verb", "filter", "ids", "answer"))
    if isinstance(asked, list):
        raise invalid(asked)
    made = postroom().desk.bulk(*asked)
    response = answer(views_bulk.bulk_document(made), 202)
    response.headers["Location"] = url_for("operations.show_bulk", bulk_id=made.id)
    return response


@bp.get("/bulks")
def bulks() -> Response:
    """The bulks that run, and those of the last days."""
    query.parameters()
    return answer(views_bulk.bulks_document(*postroom().bulks.recent()))


@bp.get("/bulk/<bulk_id>")
def show_bulk(bulk_id: str) -> Response:
    """A bulk and how far it has come."""
    query.parameters()
    return answer(views_bulk.bulk_document(find_bulk(bulk_id)))


@bp.post("/bulk/<bulk_id>/cancel")
def cancel_bulk(bulk_id: str) -> Response:
    """Change no further jobs."""
    json_fields()
    found = postroom().desk.cancel_bulk(find_bulk(bulk_id).id)
    return answer(views_bulk.bulk_document(found or find_bulk(bulk_id)))


def find_bulk(bulk_id: str) -> Bulk:
    """A bulk, or a 404 that says so."""
    found = postroom().bulks.read(bulk_id) if ids.is_id(bulk_id) else None
    if found is None:
        raise ProblemError(404, f"There is no bulk {bulk_id[:64]}. They are kept for 7 days.")
    return found


Asked = tuple[Verb, Filter, list[str] | None, Answer | None]
"""The arguments of ``desk.bulk``."""


def read_bulk(given: dict[str, Any]) -> Asked | list[FieldError]:
    """What is asked for, or what is wrong with it."""
    errors: list[FieldError] = []
    verb = given.get("verb")
    if verb not in list(Verb):
        errors.append(FieldError("verb", f"verb is one of {', '.join(Verb)}."))
    found = given.get("answer")
    if verb == Verb.RESOLVE and found not in RESOLUTIONS:
        errors.append(FieldError("answer", 'Say "arrived" or "again": they arrived, or send them again.'))
    elif verb != Verb.RESOLVE and found is not None:
        errors.append(FieldError("answer", "Only resolve takes an answer."))
    named, words = given.get("ids"), given.get("filter")
    if (named is None) == (words is None):
        errors.append(FieldError("filter", "Say which jobs are meant: by a filter ({} means all) or by their ids."))
    errors += _wrong_ids(named)
    wanted: Filter | list[FieldError] = Filter()
    if words is not None:
        wanted = filters.parse(words) if isinstance(words, dict) else [FieldError("", "A filter is an object.")]
    if isinstance(wanted, list):
        errors += [FieldError(f"filter.{error.field}".rstrip("."), error.message) for error in wanted]
    if errors or isinstance(wanted, list):
        return errors
    return Verb(str(verb)), wanted, named, cast("Answer | None", found)


def _wrong_ids(named: object) -> list[FieldError]:
    if named is None:
        return []
    if not isinstance(named, list) or not 1 <= len(named) <= MOST_IDS:
        return [FieldError("ids", f"ids is a list of 1 to {MOST_IDS} jobs' ids; for more jobs, use a filter.")]
    strange = [at for at, each in enumerate(named) if not (isinstance(each, str) and ids.is_id(each))]
    return [FieldError(f"ids.{at}", "This is not a job's id.") for at in strange[:10]]


def known_lane(lane: str) -> None:
    """404 where there is no such lane."""
    if lane not in LANES:
        raise ProblemError(404, f"There is no lane {lane[:64]}. Lanes: {', '.join(LANES)}.")


def _lane_answer(name: str) -> Response:
    now = fleet.look(postroom().settings, postroom().redis)
    [lane] = [lane for lane in now.lanes if lane.name == name]
    return answer(views_overview.lane_document(now, lane))
