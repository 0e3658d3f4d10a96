"""From a job to its message: RFC 5322 bytes as SMTP carries them. A pure function: the same job, the same bytes.

The standard library's ``EmailMessage`` takes many times as long. Its parser reads these back equal: the tests hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from tasks.domain import body, header
from tasks.domain.jobspec import JobSpec


@dataclass(frozen=True, slots=True)
class Built:
    """A message, ready for DATA."""

    wire: bytes
    """CRLF line ends, dot-stuffed, ending in CRLF, without the final dot."""
    message_id: str
    size_bytes: int
    """The octets of the message itself, without dot-stuffing."""
    smtputf8: bool
    """The envelope or a header needs a server with SMTPUTF8."""


def build(spec: JobSpec, job_id: str, accepted: datetime) -> Built:
    """The message of a job that was accepted at that moment."""
    message_id = f"<{job_id}@{spec.sender.domain}>"
    source = _headers(spec, message_id, accepted) + _content(spec, job_id)
    # Headers come first, so the message never begins with a dot.
    return Built(source.replace(b"\r\n.", b"\r\n.."), message_id, len(source), spec.smtputf8)


def size_of(spec: JobSpec) -> int:
    """How large the message will be, whatever its id and date."""
    return build(spec, "0" * 26, datetime(2000, 1, 1, tzinfo=UTC)).size_bytes


def size_at_most(spec: JobSpec) -> int:
    """A bound that costs nothing to know: no encoding makes more of it."""
    texts = len(spec.text or "") + len(spec.html or "")
    files = sum(len(attachment.content) * 3 // 2 + 4000 for attachment in spec.attachments)
    headers = sum(len(name) + 8 * len(value) for name, value in spec.headers.items())
    return 250_000 + 13 * texts + files + headers


def _headers(spec: JobSpec, message_id: str, accepted: datetime) -> bytes:
    lines = [b"Date: %b\r\n" % _date(accepted.replace(microsecond=0)), header.address_list("From", (spec.sender,))]
    if spec.to:
        lines.append(header.address_list("To", spec.to))
    elif not spec.cc:
        lines.append(b"To: undisclosed-recipients:;\r\n")
    if spec.cc:
        lines.append(header.address_list("Cc", spec.cc))
    if spec.reply_to:
        lines.append(header.address_list("Reply-To", spec.reply_to))
    lines.append(header.unstructured("Subject", spec.subject))
    lines.append(b"Message-ID: %b\r\nMIME-Version: 1.0\r\n" % message_id.encode())
    lines += [header.unstructured(name, value) for name, value in spec.headers.items()]
    return b"".join(lines)


@lru_cache(maxsize=8)
def _date(accepted: datetime) -> bytes:
    return format_datetime(accepted.astimezone(UTC)).encode()


def _content(spec: JobSpec, job_id: str) -> bytes:
    """The content headers, a blank line, and the content."""
    inner, outer = f"=_{job_id}_a".encode(), f"=_{job_id}_m".encode()
    texts = [
        body.text_part(subtype, text, (inner, outer))
        for subtype, text in (("plain", spec.text), ("html", spec.html))
        if text is not None
    ]
    content = texts[0] if len(texts) == 1 else body.multipart("alternative", inner, texts)
    if not spec.attachments:
        return content
    return body.multipart("mixed", outer, [content, *map(body.file_part, spec.attachments)])
