"""One verb for many jobs: asked for on the list, confirmed on a page that says how many, done in the background, and
watched on a page of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, request
from werkzeug.datastructures import MultiDict

from tasks.domain import filter as filters
from tasks.domain.filter import Filter
from tasks.domain.states import STATES, State, Verb, states_that_allow
from tasks.store.finder import Count
from webapp import bulk_list, job_list, operations, views, views_bulk
from webapp.context import postroom
from webapp.documents import CountDocument, JobSummary
from webapp.polling import Live, fragment, tag_of, unchanged
from webapp.problems import ProblemError, invalid, is_fragment
from webapp.query import FILTERS
from webapp.rendering import page

bp = Blueprint("bulk_pages", __name__)

SECONDS = 1
SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be confirmed."""

    verb: Verb
    words: dict[str, str]
    """The filter of the list that it came from."""
    meant: dict[str, str]
    """The filter to act on, where no jobs are named."""
    ids: list[str] | None
    """Those named whose state allows the verb."""
    count: CountDocument
    """How many jobs the verb is for."""
    left: int
    """How many of those named it is not for."""
    sample: list[JobSummary]

    @property
    def list_url(self) -> str:
        """The list that it came from."""
        return job_list.url_of("/jobs", self.words)


@bp.get("/bulk")
def confirm() -> Response:
    """How many jobs it is for, and what becomes of them. Nothing changes yet."""
    verb = _verb(request.args.get("verb", ""))
    words = _words(request.args)
    named = request.args.getlist("ids")
    if not (named or request.args.get("all")):
        flash(f"Select the jobs to {verb} first.")
        return make_response(redirect(job_list.url_of("/jobs", words), 303))
    asked = _all_that_match(verb, words) if request.args.get("all") else _named(verb, words, named)
    return page("pages/bulk_confirm.html", asked=asked, chips=job_list.chips(asked.words))


@bp.post("/bulk")
def begin() -> Response:
    """Confirmed: workers do it."""
    given: dict[str, Any] = {"verb": request.form.get("verb"), "answer": request.form.get("answer") or None}
    named = request.form.getlist("ids")
    found = operations.read_bulk(given | ({"ids": named} if named else {"filter": _words(request.form)}))
    if isinstance(found, list):
        raise invalid(found)
    return make_response(redirect(f"/bulk/{postroom().desk.bulk(*found).id}", 303))


@bp.get("/bulk/<bulk_id>")
def show(bulk_id: str) -> Response:
    """How far it has come."""
    live, context = _bulk(bulk_id)
    return page("pages/bulk.html", live=live, **context)


@bp.get("/partials/bulk/<bulk_id>")
def part(bulk_id: str) -> Response:
    """Its live region."""
    if same := unchanged(_tag()):
        return same
    live, context = _bulk(bulk_id)
    return fragment("partials/_bulk.html", live, **context)


@bp.post("/bulk/<bulk_id>/cancel")
def cancel(bulk_id: str) -> Response:
    """Change no further jobs. The answer is the page that it was asked on: the bulk's, or the list."""
    postroom().desk.cancel_bulk(operations.find_bulk(bulk_id).id)
    on_list = request.form.get("on") == "list"
    if not is_fragment():
        return make_response(redirect("/bulks" if on_list else f"/bulk/{bulk_id}", 303))
    if on_list:
        return bulk_list.region()
    live, context = _bulk(bulk_id)
    return fragment("partials/_bulk.html", live, **context)


def _bulk(bulk_id: str) -> tuple[Live, dict[str, Any]]:
    tag = _tag()  # first: what changes after it shows next time
    found = operations.find_bulk(bulk_id)
    document = views_bulk.bulk_document(found)
    live = Live(f"/partials/bulk/{document.id}", tag, SECONDS if document.state == "running" else None)
    list_url = job_list.url_of("/jobs", document.filter)
    return live, {"bulk": document, "list_url": list_url}


def _tag() -> str:
    return tag_of(postroom().jobs.system_revision(), "bulk")


def _verb(text: str) -> Verb:
    if text not in list(Verb):
        raise ProblemError(404, f"{text[:64] or 'Nothing'} is not something to do to jobs: {', '.join(Verb)}.")
    return Verb(text)


def _words(given: MultiDict[str, str]) -> dict[str, str]:
    return {name: given[name] for name in FILTERS if given.get(name)}


def _named(verb: Verb, words: dict[str, str], named: list[str]) -> Asked:
    found = operations.read_bulk({"verb": verb, "ids": named, "answer": "again" if verb == Verb.RESOLVE else None})
    if isinstance(found, list):
        raise invalid(found)
    wanted = list(dict.fromkeys(named))
    jobs = [job for job in postroom().jobs.read_many(wanted) if job is not None]
    meant = [job for job in jobs if verb in STATES[job.head.state].verbs]
    return Asked(
        verb,
        words,
        {},
        [job.id for job in meant],
        CountDocument(count=len(meant), exact=True),
        len(wanted) - len(meant),
        [views.job_summary(job) for job in meant[:SAMPLE]],
    )


def _all_that_match(verb: Verb, words: dict[str, str]) -> Asked:
    """Of a list of all states, the verb is for the jobs in those that allow it."""
    wanted = filters.parse(words)
    if isinstance(wanted, list):
        raise invalid(wanted, 400)
    finder = postroom().finder
    parts = [replace(wanted, state=state) for state in _states(wanted, verb)]
    counts = [finder.count(part) for part in parts]
    some = [part for part, count in zip(parts, counts, strict=True) if count.number or not count.exact]
    pages = [finder.page(part, SAMPLE) for part in some]
    newest = sorted((job for each in pages for job in each.jobs), key=lambda job: (-job.accepted_us, job.id))
    number = Count(sum(count.number for count in counts), exact=all(count.exact for count in counts))
    meant = some[0] if len(some) == 1 else wanted  # so that nothing is skipped that need not be
    # What comes after the number was shown is not meant.
    now_us = postroom().jobs.now_us()
    meant = replace(meant, until_us=min(meant.until_us or now_us, now_us))
    sample = [views.job_summary(job) for job in newest[:SAMPLE]]
    return Asked(verb, words, meant.words(), None, views.count_document(number), 0, sample)


def _states(wanted: Filter, verb: Verb) -> list[State]:
    return [state for state in states_that_allow(verb) if wanted.state in (None, state)]
