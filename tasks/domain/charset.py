"""Text out of bytes in whatever charset they claim to be in, never failing."""

from __future__ import annotations

# Codecs that are none of mail's, and that fail strictly, take quadratic time, or run escapes.
_NOT_FOR_MAIL = frozenset({"idna", "punycode", "undefined", "unicodeescape", "rawunicodeescape", "mbcs", "oem"})

# ASCII with other octets in it is meant to be something else.
_UNSAID = frozenset({"", "ascii", "usascii", "unknown8bit"})


def decode(data: bytes, charset: str | None) -> str:
    """The text; what cannot be read becomes a replacement character. UTF-8, then Latin-1, for an unknown charset."""
    name = (charset or "").strip().lower()
    plain = name.replace("_", "").replace("-", "")
    if plain not in _NOT_FOR_MAIL and plain not in _UNSAID:
        try:
            return _whole(data.decode(name, "replace"))
        except (LookupError, ValueError):  # no such codec, or none of text; a NUL or non-ASCII character in its name
            pass
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _whole(text: str) -> str:
    """UTF-7 can spell half a surrogate pair, which nothing can write."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
