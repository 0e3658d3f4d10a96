"""The addresses of the local mailbox that misbehave on purpose, so that everyone can see what happens then.

One table: the mailbox obeys it, the empty mailbox page and the README show it.
"""

from __future__ import annotations

from dataclasses import dataclass

DOMAIN = "mailbox.test"


@dataclass(frozen=True, slots=True)
class Row:
    """One address. A reply is given to RCPT for as long as its condition holds; without one the mail is accepted."""

    local: str
    does: str
    """In words, as pages show it."""
    reply: str | None = None
    attempts: int | None = None
    """The reply is for this many attempts of a message; None: for all of them."""
    until_seconds: float | None = None
    """The reply is for this long after the message was first seen; None: for ever."""
    pause_seconds: float = 0
    """How long its answer takes."""
    drops: bool = False
    """Takes the content, then closes the connection without a reply."""

    @property
    def address(self) -> str:
        """The address, whole."""
        return f"{self.local}@{DOMAIN}"

    @property
    def remembers(self) -> bool:
        """Its answer depends on what was before."""
        return self.attempts is not None or self.until_seconds is not None

    def reply_to(self, count: int, seconds: float) -> str | None:
        """What RCPT is answered when a message is offered for the ``count``-th time, ``seconds`` after the first; None:
        it is accepted."""
        if self.attempts is not None and count > self.attempts:
            return None
        if self.until_seconds is not None and seconds >= self.until_seconds:
            return None
        return self.reply


_LATER = "451 4.7.1 Not now, try again later"

ROWS: tuple[Row, ...] = (
    Row("defer-once", "451 on the first attempt of a message, then accepted", _LATER, attempts=1),
    Row("defer-twice", "451 on the first two attempts of a message, then accepted", _LATER, attempts=2),
    Row("defer", "always 451: try again later", _LATER),
    Row("reject", "550: no such mailbox", "550 5.1.1 No such mailbox here"),
    Row("fail", "550 “Simulated task failure”", "550 Simulated task failure"),
    Row("slow", "accepted, but answers after 5 seconds", pause_seconds=5),
    Row("drop", "takes the message, then closes without a reply: nobody can know", drops=True),
    Row(
        "greylist",
        "450 with “try again in 5 seconds”, then accepted",
        "450 4.7.1 Greylisted, please try again in 5 seconds",
        until_seconds=5,
    ),
)

_BY_LOCAL = {row.local: row for row in ROWS}


def row_for(address: str) -> Row | None:
    """The row of an address (``+label`` and upper case allowed); None: it behaves well."""
    local, at, domain = address.rpartition("@")
    if not at or domain.lower() != DOMAIN:
        return None
    return _BY_LOCAL.get(local.partition("+")[0].lower())
