"""Style sheets and style attributes of a message, without anything that loads or leaves the message."""

from __future__ import annotations

import re
from collections.abc import Iterator

SHEETS_LIMIT = 200_000
"""Characters of style sheets that are looked at; what is longer is left out."""

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_LOADING_RULE = re.compile(r"@(?:import|charset|namespace)\b[^;{}]*;?|@font-face\s*\{[^{}]*\}", re.IGNORECASE)
_URL = re.compile(r"""url\(\s*(?:"[^"]*"|'[^']*'|[^"'()]*)\s*\)""", re.IGNORECASE)
# Whatever is left of these was not understood, and an escape or a tag could spell any of them.
_UNSAFE = re.compile(
    r"[\\<]|(?:url|src|image|image-set|cross-fade|element|expression|paint)\s*\(|@(?:import|font-face|charset|namespace)|"
    r"behavior\s*:|-moz-binding|javascript:|vbscript:",
    re.IGNORECASE,
)
_PROPERTIES = (
    "background", "border", "box-shadow", "box-sizing", "caption-side", "clear", "color", "direction", "display",
    "empty-cells", "float", "font", "height", "letter-spacing", "line-height", "list-style", "margin", "max-height",
    "max-width", "min-height", "min-width", "mso-", "opacity", "overflow", "padding", "table-layout", "text",
    "unicode-bidi", "vertical-align", "visibility", "white-space", "width", "word", "overflow-wrap", "flex", "align",
    "justify", "gap", "order", "outline", "object-fit",
)  # fmt: skip


def safe_declarations(style: str) -> str:
    """A style attribute, with the declarations of known properties that load nothing."""
    kept = []
    for declaration in _COMMENT.sub(" ", style).split(";"):
        name, colon, value = declaration.partition(":")
        name = name.strip().lower()
        if colon and name.startswith(_PROPERTIES) and not _UNSAFE.search(value):
            kept.append(f"{name}:{value.strip()}")
    return ";".join(kept)


def safe_sheet(html: str) -> str:
    """The style elements of an HTML text as one sheet; one that holds what cannot be made safe is left out whole."""
    sheets = []
    length = 0
    for sheet in _sheets(html):
        length += len(sheet)
        if length > SHEETS_LIMIT:
            break
        cleaned = _URL.sub("none", _LOADING_RULE.sub(" ", _COMMENT.sub(" ", sheet))).strip()
        if cleaned and not _UNSAFE.search(cleaned):
            sheets.append(cleaned)
    return "\n".join(sheets)


def _sheets(html: str) -> Iterator[str]:
    """The content of each style element that stands outside comments (there, they are for Outlook alone)."""
    lower = html.lower()
    if len(lower) != len(html):  # a few letters change their length, and positions must be those of both
        lower = html
    position = 0
    while (start := lower.find("<style", position)) >= 0:
        comment = lower.find("<!--", position, start)
        if comment >= 0:
            position = lower.find("-->", comment)
            if position < 0:
                return
            continue
        begin = lower.find(">", start) + 1
        end = lower.find("</style", begin)
        if not begin or end < 0:
            return
        yield html[begin:end]
        position = end
