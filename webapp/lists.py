"""What the live regions show, for pages and their fragments alike: the document, and how it keeps itself fresh."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import request

from tasks.domain import ids
from webapp import views
from webapp.context import postroom
from webapp.documents import JobDocument, MailboxDocument
from webapp.polling import Live, tag_of
from webapp.problems import ProblemError

LIST_SECONDS, JOB_SECONDS = 1, 1
PER_PAGE = 50
MAILBOX_QUERY = ("q", "recipient", "cursor")


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
    """The tag of the mailbox's list that the request asks for; 404 where mail goes to a real relay."""
    need_mailbox()
    return tag_of(postroom().mailbox.revision(), *(request.args.get(name) for name in MAILBOX_QUERY))


def mailbox() -> tuple[Live, dict[str, Any]]:
    """What the local mailbox captured, newest first: the page that the request asks for."""
    asked = {name: request.args.get(name, "").strip() for name in MAILBOX_QUERY}
    query = urlencode({name: value for name, value in asked.items() if value})
    live = Live(f"/partials/mailbox?{query}" if query else "/partials/mailbox", mailbox_tag(), LIST_SECONDS)
    document = mailbox_document(asked["q"], asked["recipient"] or None, PER_PAGE, asked["cursor"] or None)
    return live, {"mailbox": document, "asked": asked}


def mailbox_document(words: str, recipient: str | None, limit: int, cursor: str | None) -> MailboxDocument:
    """A page of the mailbox, for pages and API alike."""
    box = postroom().mailbox
    found = box.search(words, recipient, limit, cursor)
    return views.mailbox_document(found, box.count(recipient), box.unread(), words=bool(words.split()))


def need_mailbox() -> None:
    """404 where mail goes to a real relay."""
    if not postroom().settings.embeds_mailbox:
        relay = postroom().settings.relay_name
        raise ProblemError(404, f"There is no local mailbox: mail goes to {relay} (SMTP_HOST).")


def no_mail(mail_id: str) -> ProblemError:
    """The answer for an id that no captured mail has."""
    return ProblemError(404, f"There is no mail {mail_id[:64]} in the local mailbox.")
