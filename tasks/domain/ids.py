"""Job ids: 26 characters of Crockford's base 32, a millisecond of time and 80 random bits (the ULID layout).

Lower case, so that an id is also a good ``Message-ID`` left side, ENVID and file name.
"""

from __future__ import annotations

import re

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_PATTERN = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")


def make_id(unix_ms: int, randomness: bytes) -> str:
    """The id for a moment and 10 random bytes; ids sort by time."""
    number = (unix_ms << 80) | int.from_bytes(randomness, "big")
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def is_id(text: str) -> bool:
    """Could this be a job's id? (Anything else is not looked up.)"""
    return _PATTERN.fullmatch(text) is not None


def range_ms(prefix: str) -> tuple[int, int]:
    """The milliseconds from (included) and to (excluded) which ids that begin so were made."""
    digits = prefix[:10]
    first = 0
    for digit in digits.ljust(10, "0"):
        first = first * 32 + _ALPHABET.index(digit)
    return first, first + 32 ** (10 - len(digits))
