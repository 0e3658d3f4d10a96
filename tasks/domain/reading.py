"""A message taken apart for people: from any bytes at all, without ever failing."""

from __future__ import annotations

import mimetypes
import re
from base64 import b64encode
from binascii import a2b_qp
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import Message as Tree
from email.parser import BytesParser

from tasks.domain.charset import decode
from tasks.domain.encoded_words import lenient_base64, read_header
from tasks.domain.safe_html import IMAGE_LIMIT, IMAGE_TYPES, safe_html

__all__ = ["Message", "Part", "inline_images", "read", "safe_html", "unstuff"]

_UNSAFE_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Part:
    """An attachment, or anything else that is not the text."""

    index: int
    filename: str
    content_type: str
    content: bytes
    content_id: str | None = None
    """What the HTML calls it by (``cid:``), without angle brackets."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a reader of mail would show. Headers are unfolded and decoded, in their order."""

    headers: list[tuple[str, str]]
    text: str | None
    html: str | None
    attachments: list[Part]

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for other, value in self.headers if other.lower() == name.lower()), None)


def unstuff(wire: bytes) -> bytes:
    """A message in wire form without its dot-stuffing (RFC 5321, 4.5.2)."""
    return wire.removeprefix(b".").replace(b"\r\n.", b"\r\n")


def read(source: bytes) -> Message:
    """Take a message (not dot-stuffed) apart."""
    try:
        tree: Tree = BytesParser(policy=policy.compat32).parsebytes(source)
    except RecursionError:  # multiparts in multiparts, some hundreds deep: show what follows the headers as it is
        tree = BytesParser(policy=policy.compat32).parsebytes(source, headersonly=True)
    headers = _headers(tree)
    text = html = None
    attachments: list[Part] = []
    for leaf in _leaves(tree):
        _make_readable(leaf)
        kind = leaf.get_content_type()
        shown = leaf.get_content_disposition() != "attachment" and _parameter(leaf, "filename") is None
        if shown and text is None and (kind == "text/plain" or kind.startswith("multipart/")):
            text = _text(leaf)
        elif shown and html is None and kind == "text/html":
            html = _text(leaf)
        else:
            attachments.append(_part(len(attachments), leaf, kind))
    return Message(headers, text, html, attachments)


def inline_images(message: Message) -> dict[str, str]:
    """Content ids and ``data:`` URIs of the pictures that the HTML may refer to; for :func:`safe_html`."""
    return {
        part.content_id: f"data:{part.content_type};base64,{b64encode(part.content).decode()}"
        for part in message.attachments
        if part.content_id and part.content_type in IMAGE_TYPES and len(part.content) <= IMAGE_LIMIT
    }


def _leaves(tree: Tree) -> Iterator[Tree]:
    """The parts that have no parts; an enclosed message counts as one. (A multipart whose boundary never comes has
    none either: the parser gives its content as text.)"""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            waiting += reversed(_children(part))
        else:
            yield part


def _children(part: Tree) -> list[Tree]:
    payload = part.get_payload() if part.is_multipart() else []
    return [item for item in payload if isinstance(item, Tree)]


def _headers(tree: Tree) -> list[tuple[str, str]]:
    return [(_utf8(name), read_header(_utf8(value))) for name, value in tree.raw_items()]


def _make_readable(leaf: Tree) -> None:
    """Take raw octets in its headers for UTF-8 (RFC 6532), where the library would make question marks of them."""
    headers = list(leaf.raw_items())
    for name, _ in headers:
        del leaf[name]
    for name, value in headers:
        leaf.set_raw(name, _utf8(value))


def _utf8(text: str) -> str:
    """From the parser's form, ASCII with surrogates for other octets."""
    return text.encode("ascii", "surrogateescape").decode("utf-8", "replace")


def _text(leaf: Tree) -> str:
    charset = _parameter(leaf, "charset", "content-type")
    return decode(_octets_of(leaf), charset).replace("\r\n", "\n").replace("\r", "\n")


def _part(index: int, leaf: Tree, kind: str) -> Part:
    name = _parameter(leaf, "filename") or _parameter(leaf, "name", "content-type") or ""
    name = _UNSAFE_IN_NAMES.sub(" ", re.split(r"[/\\]", name)[-1]).strip()
    filename = name or f"part-{index + 1}{mimetypes.guess_extension(kind) or ''}"
    content_id = read_header(str(leaf.get("Content-ID", ""))).strip("<> ")
    return Part(index, filename, kind, _octets_of(leaf), content_id or None)


def _octets_of(leaf: Tree) -> bytes:
    """The content, its transfer encoding undone."""
    if leaf.is_multipart():  # an enclosed message, or the blocks of a delivery status
        return b"\r\n".join(item.as_bytes(policy=policy.compat32) for item in _children(leaf))
    encoding = str(leaf.get("Content-Transfer-Encoding", "")).strip().lower()
    del leaf["Content-Transfer-Encoding"]  # the library's own decoders give up where these go on
    raw = leaf.get_payload(decode=True)
    assert isinstance(raw, bytes)  # noqa: S101
    if encoding == "base64":
        return lenient_base64(raw)
    if encoding == "quoted-printable":
        return a2b_qp(raw)
    return raw


def _parameter(leaf: Tree, name: str, header: str = "content-disposition") -> str | None:
    """A parameter of a header, by whichever of RFC 2231 and RFC 2047 its writer followed."""
    try:
        value = leaf.get_param(name, None, header)
    except (TypeError, ValueError):
        # The library sorts a parameter's sections by number, of which one may have none; and it takes a number of
        # thousands of digits for one.
        return None
    if isinstance(value, tuple):
        charset, _, text = value
        return decode(text.encode("latin-1", "replace"), charset)
    return None if value is None else read_header(str(value))
