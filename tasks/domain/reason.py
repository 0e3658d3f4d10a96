"""What refusals have in common: a reply without what differs from mail to mail, so that equal reasons count as one.

Relays put addresses, queue ids, numbers and times into their replies. Those become ``<address>``, ``<id>``,
``<number>`` and so on; the SMTP code, the enhanced status code and the words stay. Where in doubt a token stays: two
groups of one reason are a nuisance, one group of two reasons is a lie.
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 200
_LOOKED_AT = 1_000
"""Of a reply. What comes later is cut off in any case."""

_UNIT = (
    r"(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|[kKMG]i?[Bb]|bytes?|octets?|messages?|recipients?|points?)\b"
)
_PARTS = re.compile(
    rf"""
      (?P<address> <?[^\s<>()\[\],;:"'=]+@[^\s<>()\[\],;:"'=]*[^\s<>()\[\],;:"'=.]>? )
    | (?P<time>    \b(?:(?:[A-Z][a-z]{{2}},\ )?\d{{1,2}}\ [A-Z][a-z]{{2}}\ \d{{4}}\ |\d{{4}}-\d\d-\d\d[T ])?
                   \d\d?:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\ ?[+-]\d\d:?\d\d)?\b
                 | \b\d{{4}}-\d\d-\d\d\b )
    | (?P<ip>      \b(?:[0-9a-fA-F]{{1,4}}:){{2,7}}(?::?[0-9a-fA-F]{{1,4}}){{0,7}} | \b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\b )
    | (?P<number>  \b\d+(?:\.\d+)?(?=\ ?(?:%|{_UNIT})) | (?<!TLS\ )(?<!section\ )\b\d+\.\d+\b(?!\.\d) )
    | (?P<token>   [A-Za-z0-9]+(?:[-._+]+[A-Za-z0-9]+)* )
    """,
    re.VERBOSE,
)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?:-\d{1,3})?")
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z0-9-]+\.[A-Za-z]{2,}")
_RUNS = re.compile(r"\d+|[A-Za-z]+")


@lru_cache(maxsize=512)
def group_of(reply: str) -> str:
    """The wording that all replies of this kind share: at most 200 characters, on one line."""
    return _PARTS.sub(_shared, " ".join(reply[:_LOOKED_AT].split()))[:LONGEST]


def _shared(found: re.Match[str]) -> str:
    if found.lastgroup != "token":
        return f"<{found.lastgroup}>"
    token = found[0]
    if _STATUS.fullmatch(token):
        return token
    if _HOST.fullmatch(token):
        *labels, name, top = token.split(".")
        return ".".join(["<id>" if any(map(str.isdigit, label)) else label for label in labels] + [name, top])
    if token.isdigit():
        is_rfc = found.string[: found.start()].endswith("RFC ")
        return token if len(token) < 4 or is_rfc else "<number>"
    return "<id>" if _is_id(token) else token


def _is_id(token: str) -> bool:
    """``4Xy12``, ``1rXyZa-0001Ab-CD``, ``a640c23a-a99fb1si123456b.123``; but not ``S3140``, ``OU-002``, ``TLSv1.2``."""
    pieces = re.split(r"[-._+]+", token)
    with_digits = [piece for piece in pieces if any(map(str.isdigit, piece))]
    return any(map(_is_mixed, with_digits)) or (len(pieces) >= 3 and len(with_digits) >= 2)


def _is_mixed(piece: str) -> bool:
    """Letters and digits by turns, as words and codes do not have them."""
    runs = _RUNS.findall(piece)
    digits = sum(map(str.isdigit, piece))
    if len(runs) < 2:
        return False
    return digits >= 5 or (len(runs) >= 3 and len(piece) >= 5 and digits >= 2)
