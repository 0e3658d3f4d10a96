"""Whether a parser can take an HTML text in reasonable time: that goes with the square of the tags left open."""

from __future__ import annotations

import re
from collections import Counter

SIZE_LIMIT = 2_000_000
DEPTH_LIMIT = 400

_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
_NEVER_DEEP = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
    | {"p", "li", "dd", "dt", "option", "td", "th", "tr", "tbody", "thead", "tfoot", "colgroup"}
)
"""Those without content, and those that are closed by the next of their kind."""


def is_too_much(html: str) -> bool:
    """True where it is larger, or tags are left open deeper, than any real message has them."""
    if len(html) > SIZE_LIMIT:
        return True
    opened: Counter[str] = Counter()
    depth = 0
    for slash, name in _TAG.findall(html):
        tag = name.lower()
        if tag in _NEVER_DEEP:
            continue
        if not slash:
            opened[tag] += 1
            depth += 1
        elif opened[tag]:
            opened[tag] -= 1
            depth -= 1
        if depth > DEPTH_LIMIT:
            return True
    return False
