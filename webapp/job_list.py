"""The list of jobs: filters in the URL, tabs, pages by cursor, live."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from tasks.domain import filter as filters
from tasks.domain import ids
from tasks.domain.filter import Filter
from tasks.domain.spec import FieldError
from tasks.domain.states import STATES, State, Verb
from tasks.store.dead_letters import DeadLetters
from webapp import views, wording
from webapp.context import postroom
from webapp.polling import Live, fragment, tag_of, unchanged
from webapp.problems import ProblemError
from webapp.query import FILTERS
from webapp.rendering import page

bp = Blueprint("job_list", __name__)

SECONDS, PER_PAGE = 1, 50
LABELS = {
    "recipient": "To",
    "tag": "Tag",
    "batch": "Batch",
    "priority": "Priority",
    "since": "From",
    "until": "Before",
    "reason": "Reason",
    "q": "Named",
}
"""Of the chips, in their order."""
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?")
"""What a browser's field for date and time gives. It has no zone; ours say that UTC is meant."""

Words = dict[str, str]


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on, and the list without it."""

    name: str
    label: str
    value: str
    url: str


@bp.get("/jobs")
def show() -> AnyResponse:
    """The page. What a form sent is put into an address that can be shared: nothing blank, times with their zone."""
    typed = request.args.to_dict()
    tidy = tidied(typed)
    if tidy != typed:
        return redirect(url_of("/jobs", tidy), 303)
    found = _parsed(tidy)
    if isinstance(found, list):
        return page("pages/jobs.html", 400, **_form(tidy), errors={error.field: error.message for error in found})
    live, context = _jobs(found)
    return page("pages/jobs.html", live=live, **_form(found.words()), errors={}, **context)


@bp.get("/partials/jobs")
def part() -> Response:
    """Its live region."""
    found = _parsed(tidied(request.args.to_dict()))
    if isinstance(found, list):
        raise ProblemError(400, found[0].message)
    if same := unchanged(_tag(found)):
        return same
    live, context = _jobs(found)
    return fragment("partials/_jobs.html", live, **context)


def url_of(path: str, words: Mapping[str, str]) -> str:
    """A path with a query, where there is one."""
    return f"{path}?{urlencode(words)}" if words else path


def tidied(typed: Mapping[str, str]) -> Words:
    """A query as it is best written. The search field's ``find`` becomes a recipient, or the name of a job."""
    words = {name: value.strip() for name, value in typed.items() if value.strip()}
    for name in ("since", "until"):
        if (local := _LOCAL.fullmatch(words.get(name, ""))) is not None:
            words[name] = f"{words[name]}Z" if local[1] else f"{words[name]}:00Z"
    find = words.pop("find", None)
    if find is not None:
        named = "@" not in find or ids.is_id(find.strip("<>").partition("@")[0])
        words["q" if named else "recipient"] = find
    return words


def chips(words: Words) -> list[Chip]:
    """The filters that are on, besides the state, which has its tabs."""
    return [
        Chip(name, label, _said(name, words[name]), url_of("/jobs", {k: v for k, v in words.items() if k != name}))
        for name, label in LABELS.items()
        if name in words
    ]


def verbs_for(state: State | None) -> tuple[Verb, ...]:
    """What may be done to jobs of a list: of one state, or of all."""
    return tuple(Verb) if state is None else STATES[state].verbs


def _parsed(words: Words) -> Filter | list[FieldError]:
    found = filters.parse({name: value for name, value in words.items() if name in FILTERS})
    if isinstance(found, list) and "state" in words and any(error.field == "state" for error in found):
        raise ProblemError(404, f"{words['state'][:64]} is not a state of jobs.")
    return found


def _jobs(wanted: Filter) -> tuple[Live, dict[str, Any]]:
    words, cursor = wanted.words(), request.args.get("cursor") or None
    query = words | ({"cursor": cursor} if cursor else {})
    # The tag first: what changes after it shows next time.
    live = Live(url_of("/partials/jobs", query), _tag(wanted), SECONDS)
    finder = postroom().finder
    try:
        found = finder.page(wanted, PER_PAGE, cursor)
    except ValueError:
        raise ProblemError(404, "There is no such page of jobs.") from None
    document = views.jobs_document(found, postroom().jobs.counts(), finder.count(wanted))
    return live, {"jobs": document, "list": listed(words, cursor)}


def listed(words: Words, cursor: str | None) -> dict[str, Any]:
    """What the request asked for, as the live region needs it."""
    state = State(words["state"]) if "state" in words else None
    kept = {name: value for name, value in words.items() if name != "state"}
    return {
        "words": words,
        "state": state,
        "filtered": bool(kept),
        "cursor": cursor,
        "tabs": [(each, url_of("/jobs", _with_state(kept, each))) for each in (None, *State)],
        "verbs": verbs_for(state),
    }


def _form(words: Words) -> dict[str, Any]:
    """What stands around the live region."""
    state = words.get("state")
    return {
        "words": words,
        "chips": chips(words) if isinstance(filters.parse(_filters(words)), Filter) else [],
        "clear_url": url_of("/jobs", {"state": state} if state else {}),
    }


def _filters(words: Words) -> Words:
    return {name: value for name, value in words.items() if name in FILTERS}


def _with_state(words: Words, state: State | None) -> Words:
    if state is None:
        return words
    # Only the dead have a reason: it would leave every other tab empty.
    return {"state": state.value} | {k: v for k, v in words.items() if k != "reason" or state == State.DEAD}


def _said(name: str, value: str) -> str:
    if name in ("since", "until"):
        return wording.exact(value)
    if name == "reason":
        room = postroom()
        return DeadLetters(room.redis, room.settings.key_prefix).reason(value) or value
    return value


def _tag(wanted: Filter) -> str:
    return tag_of(postroom().jobs.system_revision(), *wanted.words().values(), request.args.get("cursor"))
