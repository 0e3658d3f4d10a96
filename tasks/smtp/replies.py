"""The server's bytes become replies (RFC 5321, 4.2): fed in any cuts, given out whole."""

from __future__ import annotations

from functools import lru_cache

from tasks.smtp.errand import Reply

LONGEST_LINE = 4096
MOST_LINES = 100
LONGEST_TEXT = 2000


class ReplyParser:
    """Keeps what is not yet a whole reply. Once ``garbage`` is set, nothing more is to be believed."""

    __slots__ = ("_code", "_lines", "_rest", "garbage")

    def __init__(self) -> None:
        self._rest = b""
        self._code = b""
        self._lines: list[str] = []
        self.garbage: str | None = None

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that are whole with these bytes."""
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        replies: list[Reply] = []
        for line in lines:
            reply = self._continued(line) if self._code else _whole(line) or self._continued(line)
            if self.garbage is not None:
                return replies
            if reply is not None:
                replies.append(reply)
        if len(self._rest) > LONGEST_LINE:
            self.garbage = _text(self._rest[:80])
        return replies

    def discard(self) -> None:
        """Forget what came before TLS: only bytes from inside it are the server's own (RFC 3207, 6)."""
        self._rest = b""
        self._code = b""
        self._lines = []

    def _continued(self, line: bytes) -> Reply | None:
        """A line of a reply of several; the reply, when it is the last."""
        line = line.removesuffix(b"\r")
        code, mark = line[:3], line[3:4]
        same = code == self._code if self._code else _is_code(code)
        if not same or mark not in (b"-", b" ", b"") or len(self._lines) == MOST_LINES or len(line) > LONGEST_LINE:
            self.garbage = _text(line[:80])
            return None
        self._lines.append(_text(line[4:]))
        if mark == b"-":
            self._code = code
            return None
        reply = Reply(int(code), "\n".join(self._lines)[:LONGEST_TEXT])
        self._code = b""
        self._lines = []
        return reply


@lru_cache(maxsize=512)
def _whole(line: bytes) -> Reply | None:
    """The reply that this line is by itself: servers say the same few over and over."""
    if not _is_code(line[:3]) or line[3:4] != b" " or len(line) > LONGEST_LINE:
        return None
    return Reply(int(line[:3]), _text(line[4:].removesuffix(b"\r"))[:LONGEST_TEXT])


def _is_code(code: bytes) -> bool:
    return len(code) == 3 and code.isdigit() and b"2" <= code[:1] <= b"5"


def _text(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    return (
        text
        if text.isprintable()
        else "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    )
