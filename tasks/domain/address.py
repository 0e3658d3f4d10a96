"""Addresses, and lists of them as people write them: ``Ann <ann@example.org>, "Smith, Bob" <bob@example.org>``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import email_validator
from email_validator import EmailNotValidError, validate_email

from tasks.domain.wording import has_control, is_unicode, quoted

# Whether mail for `ann@intranet.local` can be delivered is for the relay to know: no name is refused for being special.
# (The library's documented way to say so is to change this list.)
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

LOCAL_PART_LIMIT = 64
"""In octets (RFC 5321, 4.5.3.1.1). The library itself holds the domain to 253 and the whole to 254 (a path of 256)."""
NAME_LIMIT = 255
ITEM_LIMIT = 2000
"""Longer than any name and address can be, escapes included: what is longer is not even looked at."""

_PLAIN = re.compile(r"(?=[^@]{1,64}@.{1,63}\Z)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@[a-z0-9]+(?:[.-][a-z0-9]+)*")
"""What most addresses look like. The library finds nothing to say about these, and takes a tenth of a submission's time
to find it."""
_SEPARATORS = re.compile("[,;:]")
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"?|[\\].?|[^"\\]', re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"?', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")


class AddressError(ValueError):
    """Not an address. The message is a sentence that says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox with the name of its owner, if one was given. ``address`` is as people read it, in Unicode."""

    name: str
    address: str

    @property
    def wire(self) -> str:
        """The address for SMTP: its domain in A-labels. The local part is never changed."""
        return self.address if self.address.isascii() else _check(self.address)[1]

    @property
    def domain(self) -> str:
        """What follows the last @, in A-labels."""
        return self.wire.rpartition("@")[2]

    @property
    def smtputf8(self) -> bool:
        """The local part has other than ASCII characters, so only an SMTPUTF8 server (RFC 6531) can take it."""
        return not self.wire.isascii()

    @property
    def shown(self) -> str:
        """For people: ``Ann <ann@example.org>``, or the address alone."""
        if not self.name:
            return self.address
        plain = not self.name.isascii() or _PLAIN_NAME.fullmatch(self.name)
        special = any(character in self.name for character in '",;:<>@()[]\\')
        return f"{self.name if plain and not special else quote(self.name)} <{self.address}>"


def quote(text: str) -> str:
    """As a quoted-string (RFC 5322, 3.2.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def split_list(text: str) -> list[str]:
    """The items of a list, cut at commas (or semicolons) outside quotes, angle brackets and comments."""
    if not _SEPARATORS.search(text):
        return [text] if text.strip() else []
    items, current, depth, angle = [], "", 0, False
    for piece in _PIECES.findall(text):
        if piece in (",", ";") and not depth and not angle:
            items.append(current)
            current = ""
            continue
        if piece == ":" and not depth and not angle and "[" not in current:
            group = quoted((current + piece).strip())
            raise AddressError(f"{group} would be a group, and groups are not taken: list its addresses instead.")
        depth = max(0, depth + (piece == "(") - (piece == ")"))
        if not depth:
            angle = piece == "<" or (angle and piece != ">")
        current += piece
    return [item for item in (*items, current) if item.strip()]


def parse_one(text: str) -> Address:
    """One address, with or without a name."""
    if len(text) > ITEM_LIMIT:
        raise AddressError(f"{quoted(text)} is too long for an address: use at most 254 characters.")
    return _parsed(text.strip(" \t"))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Address:
    if _PLAIN.fullmatch(text):
        return Address("", text)
    if has_control(text) or not is_unicode(text):
        raise AddressError("An address cannot hold line breaks or control characters.")
    name, spec = _take_apart(text)
    if len(name) > NAME_LIMIT:
        raise AddressError(f"The name {quoted(name)} is too long: use at most {NAME_LIMIT} characters.")
    return Address(name, _check(spec)[0])


def _take_apart(text: str) -> tuple[str, str]:
    """Name and address of ``name <address>``, ``address (name)`` or ``address``."""
    before, angle, after = "", False, ""
    pieces = _PIECES.findall(text)
    for position, piece in enumerate(pieces):
        if piece == "<":
            angle, after = True, "".join(pieces[position + 1 :])
            break
        before += piece
    if not angle:
        return _without_comment(text)
    if not after.endswith(">"):
        raise AddressError(f"{quoted(text)} is not an address: write it as Name <name@example.org>.")
    return _name(before), after[:-1].strip()


def _without_comment(text: str) -> tuple[str, str]:
    """The old form ``ann@example.org (Ann)``."""
    if text.endswith(")") and "(" in text:
        spec, _, comment = text[:-1].partition("(")
        return _name(comment), spec.strip()
    return "", text


def _name(text: str) -> str:
    """A display name: quotes and escapes undone, runs of blanks made one."""
    bare = _QUOTED.sub(lambda quoted_string: _ESCAPE.sub(r"\1", quoted_string[1]), text)
    return " ".join(bare.split())


@lru_cache(maxsize=4096)
def _check(spec: str) -> tuple[str, str]:
    """The address in its normal form, as read and for the wire; the library's words where it is none."""
    try:
        found = validate_email(
            spec,
            check_deliverability=False,
            test_environment=True,
            globally_deliverable=False,
            allow_quoted_local=True,
            allow_domain_literal=True,
        )
    except EmailNotValidError as problem:
        raise AddressError(f"{quoted(spec)} is not an address: {_as_clause(str(problem))}") from None
    if len(found.local_part.encode()) > LOCAL_PART_LIMIT:
        raise AddressError(f"{quoted(spec)} is not an address: at most {LOCAL_PART_LIMIT} octets may precede the @.")
    return found.normalized, f"{found.local_part}@{found.ascii_domain}"


def _as_clause(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
