"""Header values as people read them: unfolded, raw UTF-8 taken as such, encoded words (RFC 2047) decoded."""

from __future__ import annotations

import re
from binascii import a2b_base64, a2b_qp

from tasks.domain.charset import decode

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?\s]*)\?=")
_BREAKS = re.compile(r"[\r\n]+")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def read_header(raw: str) -> str:
    """The value of a header as people read it, from its text in the message."""
    line = _BREAKS.sub("", raw)
    if "=?" not in line:
        return line.strip(" \t")
    text, end = "", 0
    pending, pending_charset = b"", ""
    for word in _WORD.finditer(line):
        charset, encoding, content = word.groups()
        between = line[end : word.start()]
        adjacent = end > 0 and not between.strip()
        # Some writers cut a character in two, so octets are put together before they are decoded.
        if not (adjacent and charset.lower() == pending_charset):
            text += decode(pending, pending_charset) + ("" if adjacent else between)
            pending = b""
        pending += _octets(encoding, content)
        pending_charset = charset.lower()
        end = word.end()
    return (text + decode(pending, pending_charset) + line[end:]).strip(" \t")


def lenient_base64(data: bytes) -> bytes:
    """What can be made of it: other characters are passed over, and padding is not asked for."""
    letters = _NOT_BASE64.sub(b"", data)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return a2b_base64(letters + b"=" * (-len(letters) % 4))


def _octets(encoding: str, content: str) -> bytes:
    data = content.encode("utf-8", "replace")
    return lenient_base64(data) if encoding in "bB" else a2b_qp(data, header=True)
