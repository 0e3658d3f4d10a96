"""The local mailbox's pages: its list, one mail, and what can be done with them."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, request
from flask import make_response as answer

from tasks.domain import ids
from webapp import lists, messages
from webapp.context import postroom
from webapp.polling import fragment, unchanged
from webapp.rendering import page

bp = Blueprint("mailbox_pages", __name__)


@bp.get("/mailbox")
def mailbox() -> Response:
    """What the local mailbox captured."""
    live, context = lists.mailbox()
    return page("pages/mailbox.html", live=live, **context)


@bp.get("/partials/mailbox")
def region() -> Response:
    """Its list alone."""
    if same := unchanged(lists.mailbox_tag()):
        return same
    live, context = lists.mailbox()
    return fragment("partials/_mailbox.html", live, **context)


@bp.get("/mailbox/<mail_id>")
def mail(mail_id: str) -> Response:
    """One captured mail. From now on it is read."""
    lists.need_mailbox()
    document, reading = messages.of_mail(mail_id)
    if document.unread:
        postroom().mailbox.mark_read(document.id)
    return page("pages/mail.html", mail=document, reading=reading)


@bp.get("/partials/mailbox/<mail_id>/message")
def message(mail_id: str) -> Response:
    """Its message in another view."""
    return messages.part_of_page(messages.of_mail(mail_id)[1])


@bp.post("/mailbox/read")
def read_all() -> Response:
    """Mark all as read."""
    lists.need_mailbox()
    postroom().mailbox.mark_read()
    return _back()


@bp.get("/mailbox/delete")
def ask() -> Response:
    """Really all of them?"""
    lists.need_mailbox()
    return page("pages/mailbox_delete.html", count=postroom().mailbox.count())


@bp.post("/mailbox/delete")
def clear() -> Response:
    """Let all go."""
    lists.need_mailbox()
    count = postroom().mailbox.clear()
    flash(f"Deleted {count:,} mail{'' if count == 1 else 's'}.")
    return _back()


@bp.post("/mailbox/<mail_id>/delete")
def remove(mail_id: str) -> Response:
    """Let one go."""
    lists.need_mailbox()
    if not (ids.is_id(mail_id) and postroom().mailbox.remove(mail_id)):
        raise lists.no_mail(mail_id)
    flash("Deleted the mail.")
    return _back()


def _back() -> Response:
    query = request.query_string.decode("ascii", "replace")
    return answer(redirect(f"/mailbox?{query}" if query else "/mailbox", 303))
