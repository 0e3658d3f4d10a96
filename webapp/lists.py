"""What the live regions show, for pages and their fragments alike: the document, and how it keeps itself fresh."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import request

from tasks.domain import ids
from tasks.domain.states import State
from tasks.store.finder import Count
from webapp import views
from webapp.context import postroom
from webapp.documents import JobDocument, MailboxDocument
from webapp.polling import Live, tag_of
from webapp.problems import ProblemError

LIST_SECONDS, JOB_SECONDS = 2, 1
NEWEST, PER_PAGE = 10, 50


def list_tag() -> str:
    """The tag of the list that the request asks for: one small read."""
    return tag_of(postroom().jobs.system_revision(), request.args.get("state"), request.args.get("cursor"))


def overview() -> tuple[Live, dict[str, Any]]:
    """Counts, and the newest jobs."""
    live = Live("/partials/overview", list_tag(), LIST_SECONDS)  # the tag first: what changes later shows next time
    store = postroom().jobs
    return live, {"jobs": views.jobs_document(store.page(None, NEWEST), store.counts())}


def jobs() -> tuple[Live, dict[str, Any]]:
    """The page of jobs that the request's ``state`` and ``cursor`` ask for."""
    asked, cursor = request.args.get("state") or None, request.args.get("cursor") or None
    if asked is not None and asked not in list(State):
        raise ProblemError(404, f"{asked[:64]} is not a state of jobs.")
    query = urlencode({name: value for name, value in (("state", asked), ("cursor", cursor)) if value})
    live = Live(f"/partials/jobs?{query}" if query else "/partials/jobs", list_tag(), LIST_SECONDS)
    store = postroom().jobs
    try:
        found = store.page(State(asked) if asked else None, PER_PAGE, cursor)
    except ValueError:
        raise ProblemError(404, "There is no such page of jobs.") from None
    counts = store.counts()
    matching = Count(counts[State(asked)], exact=True) if asked else None
    return live, {"jobs": views.jobs_document(found, counts, matching), "current": asked, "cursor": cursor}


def job(job_id: str) -> JobDocument:
    """A job's document, or 404."""
    found = postroom().jobs.read(job_id) if ids.is_id(job_id) else None
    if found is None:
        raise no_job(job_id)
    return views.job_document(found, postroom().settings.relay_name)


def no_job(job_id: str) -> ProblemError:
    """The answer for an id that nothing is known of."""
    return ProblemError(404, f"There is no job {job_id[:64]}. Final jobs are let go after a while (RETENTION_DAYS).")


def live_job(document: JobDocument) -> Live:
    """A job is polled until it is final."""
    seconds = None if document.final else JOB_SECONDS
    return Live(f"/partials/jobs/{document.id}", tag_of(document.revision), seconds)


def mailbox_tag() -> str:
    """The tag of the mailbox's list; 404 where mail goes to a real relay."""
    _need_mailbox()
    return tag_of(postroom().mailbox.revision())


def mailbox() -> tuple[Live, MailboxDocument]:
    """What the local mailbox captured, newest first."""
    live = Live("/partials/mailbox", mailbox_tag(), LIST_SECONDS)
    box = postroom().mailbox
    return live, views.mailbox_document(box.list(limit=PER_PAGE), box.count())


def _need_mailbox() -> None:
    if not postroom().settings.embeds_mailbox:
        relay = postroom().settings.relay_name
        raise ProblemError(404, f"There is no local mailbox: mail goes to {relay} (SMTP_HOST).")
