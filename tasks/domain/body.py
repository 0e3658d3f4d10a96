"""Bodies of MIME parts in the shortest of the transfer encodings that every relay takes (RFC 2045)."""

from __future__ import annotations

from binascii import b2a_base64, b2a_qp

from tasks.domain.attachment import Attachment
from tasks.domain.header import parameter

_LINE_LIMIT = 998
"""In octets, without CRLF (RFC 5322, 2.1.1)."""
_BASE64_LINE = 76


def text_part(subtype: str, text: str, boundaries: tuple[bytes, ...] = ()) -> bytes:
    """Headers, blank line and content of a text, which ends in a line end. ``boundaries`` must not occur in it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.endswith("\n"):
        text += "\n"
    encoding, content = _encoded(text)
    if encoding == b"7bit" and any(boundary in content for boundary in boundaries):
        encoding, content = b"quoted-printable", _quoted_printable(text.encode())
    head = b'Content-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: %b\r\n\r\n'
    return head % (subtype.encode(), encoding) + content


def file_part(attachment: Attachment) -> bytes:
    """Headers, blank line and content of an attachment."""
    head = (
        f"Content-Type: {attachment.content_type}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment{parameter('filename', attachment.filename)}\r\n\r\n"
    )
    return head.encode() + _base64(attachment.content)


def multipart(subtype: str, boundary: bytes, parts: list[bytes]) -> bytes:
    """Parts put together."""
    head = b'Content-Type: multipart/%b;\r\n boundary="%b"\r\n\r\n' % (subtype.encode(), boundary)
    return head + b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts) + b"--%b--\r\n" % boundary


def _encoded(text: str) -> tuple[bytes, bytes]:
    if text.isascii():
        if "\0" not in text and max(map(len, text.split("\n"))) <= _LINE_LIMIT:
            return b"7bit", text.encode().replace(b"\n", b"\r\n")
        return b"quoted-printable", _quoted_printable(text.encode())
    data = text.encode()
    others = len(data) - len(text.encode("ascii", "ignore"))
    if others > len(data) // 6:  # quoted-printable makes three octets of each, base64 four of every three
        return b"base64", _base64(data.replace(b"\n", b"\r\n"))
    return b"quoted-printable", _quoted_printable(data)


def _quoted_printable(data: bytes) -> bytes:
    """With ``\\n`` for line ends in, and ``\\r\\n`` out."""
    return b2a_qp(data, istext=True).replace(b"\n", b"\r\n")


def _base64(data: bytes) -> bytes:
    encoded = b2a_base64(data, newline=False)
    lines = [encoded[start : start + _BASE64_LINE] for start in range(0, len(encoded), _BASE64_LINE)]
    return b"\r\n".join([*lines, b""])
