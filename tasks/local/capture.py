"""From the bytes that came to what the mailbox's list shows of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

from tasks.domain import reading
from tasks.store.mailbox import Mailbox

_READ = 256_000
"""The bytes that are read of a mail: all of its headers, and as a rule of its text."""
_TAG = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def keep(mailbox: Mailbox, mail_from: str, rcpt_tos: Sequence[str], source: bytes) -> str:
    """Put a mail into the mailbox, and return its id."""
    mail = reading.read(source if len(source) <= _READ else source[:_READ])
    return mailbox.add(
        mail_from,
        rcpt_tos,
        source,
        sender=mail.header("From") or "",
        to=mail.header("To") or "",
        subject=mail.header("Subject") or "",
        message_id=mail.header("Message-ID"),
        text=mail.text or _words(mail.html or ""),
    )


def _words(html: str) -> str:
    """What HTML says, for the search alone."""
    return unescape(_TAG.sub(" ", html))
