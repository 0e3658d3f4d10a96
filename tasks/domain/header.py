"""Header lines: plain where they can be, folded (RFC 5322, 2.2.3) and in encoded words (RFC 2047) where they must."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote as percent

from tasks.domain.address import Address, quote

LINE_LIMIT = 76
"""What a line with an encoded word must not exceed (RFC 2047, 2). For others it is 78, and never more than 998."""
_TOKEN_LIMIT = 900
_WORD_OCTETS = 45
"""So many octets make an encoded word of at most 75 characters: 12 of ``=?utf-8?b?`` and ``?=``, 60 of base64."""

_FOLD = "\r\n "
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")
_PLAIN_PARAMETER = re.compile(r"[A-Za-z0-9 !#$&()+,\-.;=@\[\]^_{}~]+")
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


@lru_cache(maxsize=512)
def unstructured(name: str, value: str) -> bytes:
    """A line of free text, such as Subject."""
    if value.isascii() and "=?" not in value and "\t" not in value:
        if len(name) + len(value) + 2 <= LINE_LIMIT:
            return f"{name}: {value}\r\n".encode()
        tokens = re.findall(r" *[^ ]+", value)
        if all(len(token) <= _TOKEN_LIMIT for token in tokens):
            return f"{name}: {_filled(tokens, len(name) + 2)}\r\n".encode()
    return f"{name}: {_FOLD.join(_encoded_words(value, len(name) + 2))}\r\n".encode()


@lru_cache(maxsize=512)
def address_list(name: str, addresses: Sequence[Address]) -> bytes:
    """A line of addresses, raw UTF-8 (RFC 6532) in those that have no other form."""
    tokens: list[str] = []
    for address in addresses:
        tokens += _mailbox(address)
        tokens[-1] += ","
    return f"{name}: {_filled(tokens, len(name) + 2).lstrip().removesuffix(',')}\r\n".encode()


def parameter(name: str, value: str) -> str:
    """``; name="value"`` on a line of its own; by RFC 2231 where it is more than plain ASCII."""
    if _PLAIN_PARAMETER.fullmatch(value) and "=?" not in value and len(value) + len(name) + 5 <= LINE_LIMIT:
        return f';\r\n {name}="{value}"'
    sections = [""]
    for character in value:
        encoded = percent(character, safe="")
        if len(sections[-1]) + len(encoded) > LINE_LIMIT - len(name) - 18:
            sections.append("")
        sections[-1] += encoded
    if len(sections) == 1:
        return f";\r\n {name}*=utf-8''{sections[0]}"
    sections[0] = f"utf-8''{sections[0]}"
    return "".join(f";\r\n {name}*{number}*={section}" for number, section in enumerate(sections))


def _mailbox(address: Address) -> list[str]:
    """Its tokens, between which a line may break, each with the blank before it."""
    name = address.name
    if not name:
        return [f" {address.wire}"]
    if name.isascii() and "=?" not in name:
        words = [name if _ATOMS.fullmatch(name) else quote(name)]
    else:
        words = _encoded_words(name, len("Reply-To: "))
    return [f" {word}" for word in (*words, f"<{address.wire}>")]


def _filled(tokens: list[str], used: int) -> str:
    """Tokens (each with the blanks before it) put together, with a line break before one that would not fit."""
    text, column = "", used
    for token in tokens:
        if text and column + len(token) > LINE_LIMIT:
            text += "\r\n"
            column = 0
        text += token
        column += len(token)
    return text


def _encoded_words(text: str, used: int) -> list[str]:
    """The text as encoded words, each whole in itself; readers drop the blanks between them."""
    words, chunk, room = [], b"", max(12, _WORD_OCTETS - used * 3 // 4)
    for character in text:
        encoded = character.encode()
        if len(chunk) + len(encoded) > room:
            words.append(_encoded_word(chunk))
            chunk, room = b"", _WORD_OCTETS
        chunk += encoded
    return [*words, _encoded_word(chunk)]


def _encoded_word(chunk: bytes) -> str:
    """In whichever of Q and B is shorter."""
    q = "".join(chr(octet) if octet in _Q_SAFE else "_" if octet == 32 else f"={octet:02X}" for octet in chunk)
    b = b2a_base64(chunk, newline=False).decode()
    return f"=?utf-8?q?{q}?=" if len(q) <= len(b) else f"=?utf-8?b?{b}?="
