"""Readers of a submission's lists: addresses, headers, attachments, tags."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tasks.domain.address import Address, AddressError, parse_one, split_list
from tasks.domain.attachment import Attachment, read_attachment
from tasks.domain.fields import header_text
from tasks.domain.wording import Wrong, quoted

ADDRESSES_LIMIT = 1000
"""Of one field, before the same ones are counted as one: what is longer is not even looked at."""
ADDRESSES_TEXT_LIMIT = 100_000
REPLY_TO_LIMIT = 50
ATTACHMENTS_LIMIT = 50
HEADERS_LIMIT = 50
HEADER_NAME_LIMIT = 76
HEADER_VALUE_LIMIT = 4000
TAGS_LIMIT = 10
TAG_LIMIT = 50

_HEADER_NAME = re.compile(r"[!-9;-~]+")
_OUR_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version", "reply-to", "sender"}
    | {"return-path", "received", "dkim-signature", "authentication-results", "delivered-to"}
)
_OUR_PREFIXES = ("content-", "resent-", "arc-")
_TAG = re.compile(r"\w[\w .:/+#@-]*")


def addresses(value: object) -> tuple[Address, ...]:
    """A string of addresses, or a list of such strings; the same address counts once."""
    found: dict[str, Address] = {}
    problems = []
    for item in _items(value):
        try:
            address = parse_one(item)
        except AddressError as problem:
            problems.append(str(problem))
        else:
            found.setdefault(address.wire, address)
    if problems:
        raise Wrong(*problems)
    return tuple(found.values())


def few_addresses(value: object) -> tuple[Address, ...]:
    """As many addresses as one may want the answers to go to."""
    found = addresses(value)
    if len(found) > REPLY_TO_LIMIT:
        raise Wrong(f"These are {len(found)} addresses: use at most {REPLY_TO_LIMIT}.")
    return found


def _items(value: object) -> list[str]:
    """The addresses of a string or of a list of strings, each as a string."""
    texts = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise Wrong("Give addresses as a string, separated by commas, or as a list of strings.")
    if len(texts) > ADDRESSES_LIMIT or sum(map(len, texts)) > ADDRESSES_TEXT_LIMIT:
        raise Wrong("These are too many addresses for one job: give each job at most 50.")
    try:
        return [item for text in texts for item in split_list(header_text(text))]
    except AddressError as problem:
        raise Wrong(str(problem)) from None


def one_address(value: object) -> Address:
    """A single address."""
    if not isinstance(value, str):
        raise Wrong("Give the address as a string.")
    found = addresses(value)
    if len(found) != 1:
        raise Wrong(f"Give exactly one address: this holds {len(found)}.")
    return found[0]


def headers(value: object) -> dict[str, str]:
    """Headers beyond our own: an object of names and values."""
    if not isinstance(value, Mapping):
        raise Wrong("Give headers as an object of names and values.")
    if len(value) > HEADERS_LIMIT:
        raise Wrong(f"These are {len(value)} headers: use at most {HEADERS_LIMIT}.")
    found: dict[str, str] = {}
    problems: list[tuple[str, str]] = []
    for name, content in value.items():
        try:
            if _header_name(name).lower() in (other.lower() for other in found):
                raise Wrong(f"{quoted(name)} is given twice: leave one out.")
            found[name] = _header_value(content)
        except Wrong as wrong:
            problems.extend((str(name), problem) for _, problem in wrong.problems)
    if problems:
        raise Wrong(*problems)
    return found


def _header_name(name: object) -> str:
    if not isinstance(name, str) or len(name) > HEADER_NAME_LIMIT or not _HEADER_NAME.fullmatch(name):
        raise Wrong(
            f"{quoted(str(name))} is not a header name: use letters, digits and hyphens, "
            f"at most {HEADER_NAME_LIMIT} of them."
        )
    if name.lower() in _OUR_HEADERS or name.lower().startswith(_OUR_PREFIXES):
        raise Wrong(f"{quoted(name)} is set by Postroom and the relay: leave it out of headers.")
    return name


def _header_value(value: object) -> str:
    text = header_text(value)
    if not text:
        raise Wrong("This header has no value: give it one, or leave it out.")
    if len(text) > HEADER_VALUE_LIMIT:
        raise Wrong(f"This value is {len(text)} characters long: use at most {HEADER_VALUE_LIMIT}.")
    return text


def attachments(value: object) -> tuple[Attachment, ...]:
    """A list of files."""
    if not isinstance(value, list | tuple):
        raise Wrong("Give attachments as a list.")
    if len(value) > ATTACHMENTS_LIMIT:
        raise Wrong(f"These are {len(value)} attachments: send at most {ATTACHMENTS_LIMIT}, or put them in an archive.")
    found: list[Attachment] = []
    problems: list[tuple[str, str]] = []
    for number, item in enumerate(value):
        try:
            found.append(read_attachment(item))
        except Wrong as wrong:
            problems.extend((f"{number}.{key}".rstrip("."), problem) for key, problem in wrong.problems)
    if problems:
        raise Wrong(*problems)
    return tuple(found)


def tags(value: object) -> tuple[str, ...]:
    """A list of tags, or one string of them separated by commas; the same tag counts once."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise Wrong("Give tags as a list of strings.")
    found: dict[str, None] = {}
    problems = []
    for item in items:
        tag = header_text(item)
        if not tag and isinstance(value, str):
            continue
        if len(tag) > TAG_LIMIT or not _TAG.fullmatch(tag):
            problems.append(
                f"{quoted(tag)} is not a tag: use 1 to {TAG_LIMIT} letters, digits, spaces and . _ : / + # @ -, "
                "beginning with a letter or digit."
            )
        found[tag] = None
    if len(found) > TAGS_LIMIT:
        problems.append(f"These are {len(found)} tags: use at most {TAGS_LIMIT}.")
    if problems:
        raise Wrong(*problems)
    return tuple(found)
