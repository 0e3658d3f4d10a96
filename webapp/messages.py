"""A message as pages show it: text, HTML in a sandboxed frame, headers, source; and its files to download.

Jobs and captured mails have the same views at the same places below their own URL.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from flask import Blueprint, Response, make_response, render_template, request, send_file
from markupsafe import Markup

from tasks.domain import ids, reading
from webapp import lists, views
from webapp.context import postroom
from webapp.documents import MailDocument, MessageDocument
from webapp.problems import ProblemError

bp = Blueprint("messages", __name__)

SHOWN_CHARACTERS = 100_000
"""What a page shows of a text or source; the rest is there for download."""
WIDTHS = ("fit", "phone", "tablet", "desktop")
"""Of the frame: as wide as the page allows, or as wide as a reader's screen."""
FRAME_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A message open at one of its views."""

    message: MessageDocument
    url: str
    """Of the job or mail."""
    fragment: str
    """Of this part of the page alone."""
    view: str
    source: str | None
    """Only where it is what is shown."""
    width: str
    """Of the HTML's frame."""
    widths: tuple[str, ...]
    """Those that there are to choose from."""

    @property
    def views(self) -> list[str]:
        """The views that this message has."""
        return _views(self.message)

    @property
    def shown_text(self) -> str:
        """The text, cut where it is very long."""
        return _cut(self.message.text or "")


def _views(message: MessageDocument) -> list[str]:
    bodies = [name for name, body in (("text", message.text), ("html", message.html)) if body is not None]
    return [*bodies, "headers", "source"]


def of_job(job_id: str) -> Reading | None:
    """A job's message as the request asks for it (``view``, ``width``); None where its content is not kept any more."""
    wire = postroom().jobs.content(job_id)
    if wire is None:
        return None
    return open_at(reading.unstuff(wire), f"/jobs/{job_id}")


def of_mail(mail_id: str) -> tuple[MailDocument, Reading]:
    """A captured mail and its message, or 404."""
    mail = postroom().mailbox.get(mail_id)
    if mail is None or mail.source is None:
        raise lists.no_mail(mail_id)
    return views.mail_document(mail), open_at(mail.source, f"/mailbox/{mail_id}")


def open_at(source: bytes, url: str) -> Reading:
    """A message at the view and the width that the request asks for."""
    message = views.message_document(source)
    names = _views(message)
    view, width = request.args.get("view"), request.args.get("width")
    chosen = view if view in names else names[0]
    text = _cut(source.decode("utf-8", "replace").replace("\r\n", "\n")) if chosen == "source" else None
    return Reading(
        message=message,
        url=url,
        fragment=f"/partials{url}/message",
        view=chosen,
        source=text,
        width=width if width in WIDTHS else WIDTHS[0],
        widths=WIDTHS,
    )


def part_of_page(opened: Reading | None) -> Response:
    """The message alone, for htmx."""
    response = make_response(render_template("partials/_message.html", reading=opened))
    response.headers["Cache-Control"] = "no-store"
    return response


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "\n[cut here: download the source]"


@bp.get("/jobs/<identity>/message", defaults={"kind": "jobs"})
@bp.get("/mailbox/<identity>/message", defaults={"kind": "mailbox"})
def source(kind: str, identity: str) -> Response:
    """The message as it is sent, as a file."""
    return _download(_source(kind, identity), f"{identity}.eml", "message/rfc822")


@bp.get("/jobs/<identity>/message/html", defaults={"kind": "jobs"})
@bp.get("/mailbox/<identity>/message/html", defaults={"kind": "mailbox"})
def frame(kind: str, identity: str) -> Response:
    """The HTML alone, for the sandboxed frame. Only here inline styles are allowed, and nothing else is."""
    message = reading.read(_source(kind, identity))
    if message.html is None:
        raise ProblemError(404, "This message has no HTML.")
    body = Markup(reading.safe_html(message.html, reading.inline_images(message)))  # noqa: S704 - sanitised there
    response = Response(f'<!doctype html><meta charset="utf-8"><base target="_blank">{body}', mimetype="text/html")
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    return response


@bp.get("/jobs/<identity>/message/parts/<int:index>", defaults={"kind": "jobs"})
@bp.get("/mailbox/<identity>/message/parts/<int:index>", defaults={"kind": "mailbox"})
def part(kind: str, identity: str, index: int) -> Response:
    """One attached file."""
    parts = reading.read(_source(kind, identity)).attachments
    if index >= len(parts):
        raise ProblemError(404, "This message has no such file.")
    return _download(parts[index].content, parts[index].filename, "application/octet-stream")


def _source(kind: str, identity: str) -> bytes:
    if not ids.is_id(identity):
        raise ProblemError(404, f"There is no message {identity[:64]}.")
    if kind == "jobs":
        wire = postroom().jobs.content(identity)
        found = None if wire is None else reading.unstuff(wire)
    else:
        mail = postroom().mailbox.get(identity)
        found = mail.source if mail else None
    if found is None:
        raise ProblemError(404, f"There is no message {identity}, or its content is no longer kept.")
    return found


def _download(content: bytes, filename: str, mimetype: str) -> Response:
    return send_file(BytesIO(content), mimetype=mimetype, as_attachment=True, download_name=filename, etag=False)
