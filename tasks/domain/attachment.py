"""A file that goes with a message, and what is taken for one."""

from __future__ import annotations

import binascii
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from tasks.domain.wording import Wrong, has_control, is_unicode, quoted

FILENAME_LIMIT = 255
CONTENT_TYPE_LIMIT = 200
UNKNOWN_TYPE = "application/octet-stream"

_WORD = r"[A-Za-z0-9!#$&^_.+\-]+"
_CONTENT_TYPE = re.compile(rf'{_WORD}/{_WORD}(?: *; *{_WORD}=(?:{_WORD}|"[^"\\\x00-\x1f\x7f-\uffff]*"))*')
# A whole message or a multipart may not be in base64 (RFC 2045, 6.4), so such a file goes as plain bytes.
_COMPOSITE = ("message/", "multipart/")
KEYS_LIMIT = 10
_KEYS = ("filename", "content_type", "content")


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file: its name without a path, its media type, its bytes."""

    filename: str
    content_type: str
    content: bytes


def read_attachment(value: object) -> Attachment:
    """From JSON (``content`` in base64) or from the form (``content`` as bytes)."""
    if isinstance(value, Attachment):
        value = {key: getattr(value, key) for key in _KEYS}
    if not isinstance(value, Mapping):
        raise Wrong("An attachment must be an object with filename, content_type and content.")
    problems = [
        (str(key), f"An attachment has no {quoted(str(key))}: it takes filename, content_type and content.")
        for key in list(value)[:KEYS_LIMIT]
        if key not in _KEYS
    ]

    def attempt(key: str, read: Callable[[], _T], instead: _T) -> _T:
        try:
            return read()
        except ValueError as problem:
            problems.append((key, str(problem)))
            return instead

    filename = attempt("filename", lambda: _filename(value.get("filename")), "")
    content_type = attempt("content_type", lambda: _content_type(value.get("content_type"), filename), "")
    content = attempt("content", lambda: _content(value.get("content")), b"")
    if problems:
        raise Wrong(*problems)
    return Attachment(filename, content_type, content)


def _filename(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("Give the file a name.")
    if has_control(value) or not is_unicode(value):
        raise ValueError("A file name cannot hold line breaks or control characters.")
    name = re.split(r"[/\\]", value)[-1].replace("\t", " ").strip()
    if name in ("", ".", ".."):
        raise ValueError(f"{quoted(value)} names no file: end it with the file's name.")
    if len(name) > FILENAME_LIMIT:
        raise ValueError(f"This file name is {len(name)} characters long: use at most {FILENAME_LIMIT}.")
    return name


def _content(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("Give the file's content as a base64 string.")
    try:
        return binascii.a2b_base64(value, strict_mode=True)
    except ValueError:  # binascii.Error, and other than ASCII characters
        raise ValueError(
            "The content is not valid base64: use the standard alphabet, padded, without breaks."
        ) from None


def _content_type(value: object, filename: str) -> str:
    if value is None or value == "":
        value = mimetypes.guess_type(filename)[0] or UNKNOWN_TYPE
    if not isinstance(value, str):
        raise ValueError("The content type must be a string such as application/pdf.")
    if len(value) > CONTENT_TYPE_LIMIT or not _CONTENT_TYPE.fullmatch(value):
        raise ValueError(f"{quoted(value)} is not a content type: write one such as application/pdf.")
    return UNKNOWN_TYPE if value.lower().startswith(_COMPOSITE) else value
