"""Readers of a submission's simple fields: from what JSON or the form gave to the value, or :class:`Wrong`.

The readers of lists are in :mod:`tasks.domain.lists`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from tasks.domain.wording import Wrong, has_control, is_unicode, quoted

SUBJECT_LIMIT = 998

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def plain_text(value: object) -> str:
    """A string that can be encoded."""
    if not isinstance(value, str):
        raise Wrong("This must be a string.")
    if not is_unicode(value):
        raise Wrong("This holds half of a surrogate pair (\\ud800 to \\udfff), which is no character: remove it.")
    return value


def header_text(value: object) -> str:
    """A string that a header can hold: one line, no control characters."""
    text = plain_text(value).strip(" \t")
    if has_control(text):
        raise Wrong("This cannot hold line breaks or control characters: write it on one line.")
    return text


def subject(value: object) -> str:
    """The subject; may be empty."""
    text = header_text(value)
    if len(text) > SUBJECT_LIMIT:
        raise Wrong(f"The subject is {len(text)} characters long: use at most {SUBJECT_LIMIT}.")
    return text


def instant(value: object) -> datetime:
    """A moment with its zone, in UTC."""
    advice = "write it with its zone, such as 2030-01-31T09:00:00Z or 2030-01-31T10:00:00+01:00."
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise Wrong(f"This time has no zone: {advice}")
        return value.astimezone(UTC)
    if not isinstance(value, str):
        raise Wrong(f"Give the time as a string: {advice}")
    text = value.strip()
    if not _INSTANT.fullmatch(text):
        raise Wrong(f"{quoted(text)} is not a time that can be understood: {advice}")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # the 31st of February, or a zone that leads out of the calendar
        raise Wrong(f"{quoted(text)} is not in the calendar: correct its day or time.") from None


def whole(low: int, high: int) -> Callable[[object], int]:
    """A reader of whole numbers within bounds."""

    def read(value: object) -> int:
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 20:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Wrong(f"This must be a whole number from {low} to {high}.")
        return value

    return read


def one_of(*words: str) -> Callable[[object], str]:
    """A reader of one of a few words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise Wrong(f"This must be {', '.join(words[:-1])} or {words[-1]}.")
        return value

    return read
