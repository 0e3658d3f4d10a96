"""The JSON API of the local mailbox: what its pages show and do."""

from __future__ import annotations

from flask import Blueprint, Response

from tasks.domain import ids
from tasks.store.mailbox import Mail
from webapp import lists, query, views
from webapp.api import answer
from webapp.body import json_fields
from webapp.context import postroom
from webapp.documents import ChangedDocument, OpenMailDocument
from webapp.problems import bad_parameter

bp = Blueprint("mailbox_api", __name__, url_prefix="/api/mailbox")


@bp.before_request
def _need_mailbox() -> None:
    lists.need_mailbox()


@bp.get("")
def mails() -> Response:
    """What was captured, newest first: of one recipient with ``?recipient=``, with these words with ``?q=``."""
    asked = query.parameters("recipient", "q", "limit", "cursor")
    cursor = asked.get("cursor")
    if cursor is not None and not ids.is_id(cursor):
        raise bad_parameter("cursor", "This cursor is not one of ours; take next_cursor of the page before.")
    limit = query.limit(asked.get("limit"))
    return answer(lists.mailbox_document(asked.get("q", ""), asked.get("recipient"), limit, cursor))


@bp.get("/<mail_id>")
def show(mail_id: str) -> Response:
    """One mail, whole. It stays unread: that is for people."""
    query.parameters()
    mail = _found(mail_id)
    return answer(OpenMailDocument(mail=views.mail_document(mail), message=views.message_document(mail.source or b"")))


@bp.get("/<mail_id>/message")
def message(mail_id: str) -> Response:
    """The RFC 5322 source, as it arrived."""
    query.parameters()
    response = Response(_found(mail_id).source, mimetype="message/rfc822")
    response.headers["Content-Disposition"] = f'attachment; filename="{mail_id}.eml"'
    return response


@bp.post("/read")
def read_all() -> Response:
    """Mark all as read."""
    json_fields()
    return answer(ChangedDocument(changed=postroom().mailbox.mark_read()))


@bp.post("/<mail_id>/read")
def read(mail_id: str) -> Response:
    """Mark one as read."""
    json_fields()
    mail = _found(mail_id)
    return answer(ChangedDocument(changed=postroom().mailbox.mark_read(mail.id) if mail.unread else 0))


@bp.delete("")
def clear() -> Response:
    """Let all go."""
    json_fields()
    return answer(ChangedDocument(changed=postroom().mailbox.clear()))


@bp.delete("/<mail_id>")
def remove(mail_id: str) -> Response:
    """Let one go."""
    json_fields()
    if not (ids.is_id(mail_id) and postroom().mailbox.remove(mail_id)):
        raise lists.no_mail(mail_id)
    return answer(ChangedDocument(changed=1))


def _found(mail_id: str) -> Mail:
    mail = postroom().mailbox.get(mail_id)
    if mail is None or mail.source is None:
        raise lists.no_mail(mail_id)
    return mail
