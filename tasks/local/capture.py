"""From the bytes that came to what the mailbox's list shows of them."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain import reading
from tasks.store.mailbox import Mailbox

_HEADERS_READ = 256_000


def keep(mailbox: Mailbox, mail_from: str, rcpt_tos: Sequence[str], source: bytes) -> str:
    """Put a mail into the mailbox, and return its id."""
    head = reading.read(source[:_HEADERS_READ].partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    return mailbox.add(
        mail_from,
        rcpt_tos,
        source,
        sender=head.header("From") or "",
        to=head.header("To") or "",
        subject=head.header("Subject") or "",
        message_id=head.header("Message-ID"),
    )
