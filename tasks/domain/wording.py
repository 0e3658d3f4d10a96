"""What is wrong with a submission, in sentences, and the small helpers of those."""

from __future__ import annotations

import re

_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


class Wrong(ValueError):
    """What is wrong with a field: sentences, each with the place within the field ("" for the field itself)."""

    def __init__(self, *problems: str | tuple[str, str]) -> None:
        self.problems = [("", problem) if isinstance(problem, str) else problem for problem in problems]
        super().__init__(self.problems)


def has_control(text: str) -> bool:
    """True where a header could not hold it: a line break of any kind, NUL, or another control character but tab."""
    return _CONTROLS.search(text) is not None


def is_unicode(text: str) -> bool:
    """False where it holds half a surrogate pair, which no encoding can write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(text: str, limit: int = 60) -> str:
    """Shortened, and safe to show and to encode, whatever it holds."""
    short = text if len(text) <= limit else text[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", short).encode("utf-8", "replace").decode()


def quoted(text: str) -> str:
    """The same in quotes: for naming the culprit."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{shown(text)}\N{RIGHT DOUBLE QUOTATION MARK}"


def size(count: int) -> str:
    """Octets in words, in the decimal units that the limits are set in."""
    for unit, scale in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= scale:
            return f"{count / scale:.1f}".removesuffix(".0") + f" {unit}"
    return f"{count} bytes"
