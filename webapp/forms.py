"""The compose form: what a browser sends, made into what ``tasks.domain.spec`` parses, and its errors put to fields."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import FileStorage
from wtforms import (
    Field,
    HiddenField,
    MultipleFileField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from tasks.domain import ids
from tasks.domain.reading import Message, Part, read, unstuff
from tasks.domain.spec import FieldError
from webapp import lists
from webapp.context import postroom
from webapp.problems import is_fragment
from webapp.wording import size

PRIORITIES = ("high", "normal", "low")
PREFILLED = ("to", "cc", "subject", "text")
WRITTEN = {
    *("from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "mime-version", "auto-submitted"),
    *("content-type", "content-transfer-encoding", "content-disposition", "importance", "x-priority", "priority"),
}
"""The headers that a message has by itself."""
KEY_BYTES = 15
_KEY = re.compile(r"[A-Za-z0-9_-]{20}")


class ComposeForm(FlaskForm):  # type: ignore[misc]
    """A submission. Whether it is right is the parser's to say, so the fields have no validators of their own."""

    key = HiddenField()
    """The idempotency key: a double click or a reload sends once."""
    sender = StringField("From", name="from")
    to = StringField("To")
    cc = StringField("Cc")
    bcc = StringField("Bcc")
    reply_to = StringField("Reply-To")
    subject = StringField("Subject")
    text = TextAreaField("Message")
    html = TextAreaField("HTML version")
    attachments = MultipleFileField("Attachments")
    send_at_local = StringField("Send at")
    """As typed, in the browser's zone; app.js puts the instant it means into ``send_at``."""
    send_at = HiddenField()
    priority = SelectField("Priority", choices=[SelectChoice(word, word.title()) for word in PRIORITIES])
    tags = StringField("Tags")
    copy = HiddenField()
    """The job that this is a copy of."""
    keep = SelectMultipleField("Attachments of the original", validate_choice=False)
    """Those of its files, by number, that go along."""

    @cached_property
    def original(self) -> Message | None:
        """The message that this is a copy of; None where there is none, or none any more."""
        wire = postroom().jobs.content(self.copy.data) if self.copy.data and ids.is_id(self.copy.data) else None
        return None if wire is None else read(unstuff(wire))

    @property
    def copied(self) -> list[Part]:
        """The files of the original."""
        return self.original.attachments if self.original else []

    @property
    def left_behind(self) -> list[str]:
        """What of the original this form cannot carry."""
        if self.original is None:
            return ["its text and files, which are no longer kept"] if self.copy.data else []
        own = [name for name, _ in self.original.headers if name.lower() not in WRITTEN]
        return [f"its header {name}" for name in dict.fromkeys(own)]

    def body(self) -> dict[str, Any]:
        """As the parser takes it. Blank fields are left out."""
        names = ("to", "cc", "bcc", "reply_to", "subject", "text", "html", "priority", "tags")
        body = {name: self[name].data for name in names} | {"from": self.sender.data, "send_at": self.instant}
        body = {name: value for name, value in body.items() if value and value.strip()}
        return body | {"attachments": self._files()} if self._files() else body

    @property
    def instant(self) -> str:
        """The send time with its zone. Without JavaScript nobody knows the browser's, and UTC is meant."""
        local = (self.send_at_local.data or "").strip()
        if not local:
            return ""
        return (self.send_at.data or "").strip() or (f"{local}Z" if local.count(":") == 2 else f"{local}:00Z")

    @property
    def file_hint(self) -> str:
        """What to know about files. A page that is loaded anew cannot hold chosen ones; a morphed form can."""
        if self._chosen() and not is_fragment():
            return "Choose your files again: a page that is loaded anew cannot keep them."
        return f"Up to {size(postroom().settings.max_message_bytes)} as sent; files grow by a third on their way."

    def lost(self) -> list[FieldError]:
        """Files that were to be kept and are gone."""
        if len(self._kept()) == len(self.keep.data or []):
            return []
        return [FieldError("keep", "The original's files are no longer kept. Take them out, or attach them again.")]

    def show(self, errors: Iterable[FieldError]) -> None:
        """Put each error to its field; one that belongs to none goes to the first."""
        for error in errors:
            name = {"from": "sender"}.get(first := error.field.partition(".")[0], first)
            name = "send_at_local" if name == "send_at" else name
            text = f"{self._file_name(error.field)}{error.message}"
            field: Field = self[name] if name in self else self.to  # noqa: SIM401 - a form's get() is not a dict's
            field.errors = [*field.errors, text]

    def wrong(self) -> list[tuple[Field, str]]:
        """Every error with its field, in the order of the page."""
        return [(field, error) for field in self for error in field.errors]

    def _chosen(self) -> list[FileStorage]:
        return [file for file in self.attachments.data or [] if isinstance(file, FileStorage) and file.filename]

    def _kept(self) -> list[Part]:
        return [part for part in self.copied if str(part.index) in (self.keep.data or [])]

    def _files(self) -> list[dict[str, Any]]:
        files: list[dict[str, Any]] = [
            {"filename": part.filename, "content_type": part.content_type, "content": part.content}
            for part in self._kept()
        ]
        for file in self._chosen():
            file.stream.seek(0)
            files.append({"filename": file.filename, "content_type": file.mimetype, "content": file.stream.read()})
        return files

    def _file_name(self, path: str) -> str:
        """``attachments.1.filename`` said as the file's name."""
        index = path.split(".")[1] if path.startswith("attachments.") else ""
        return f"{self._files()[int(index)]['filename']}: " if index.isdigit() else ""


def fresh(key: str) -> ComposeForm:
    """An empty form, or one filled in from the link that led to it: with its fields, or as a copy of a job."""
    given = _copy(request.args["copy"]) if "copy" in request.args else {}
    given |= {name: request.args[name] for name in PREFILLED if name in request.args}
    form = ComposeForm(formdata=None, data={"priority": "normal", "key": key, **given})
    form.sender.render_kw = {"placeholder": postroom().settings.default_from or ""}
    form.keep.data = [str(part.index) for part in form.copied]
    return form


def _copy(job_id: str) -> dict[str, Any]:
    job = postroom().jobs.read(job_id) if ids.is_id(job_id) else None
    if job is None:
        raise lists.no_job(job_id)
    wire = postroom().jobs.content(job_id)
    message = read(unstuff(wire)) if wire is not None else None
    card = job.card
    people = {name: ", ".join(getattr(card, name)) for name in ("to", "cc", "bcc", "reply_to")}
    return {
        **people,
        "copy": job_id,
        "sender": card.sender,
        "subject": card.subject,
        "text": ((message and message.text) or "").rstrip("\n"),
        "html": ((message and message.html) or "").rstrip("\n"),
        "priority": card.priority,
        "tags": ", ".join(card.tags),
    }


def posted() -> ComposeForm:
    """The form as it came."""
    form = ComposeForm()
    form.sender.render_kw = {"placeholder": postroom().settings.default_from or ""}
    return form


def new_key() -> str:
    """An idempotency key that nobody guesses."""
    return secrets.token_urlsafe(KEY_BYTES)


def is_key(text: str) -> bool:
    """Could :func:`new_key` have made it?"""
    return _KEY.fullmatch(text) is not None
