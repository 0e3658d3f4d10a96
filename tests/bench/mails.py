"""The mails that are sent, for all variants the same."""

from __future__ import annotations

import json
from dataclasses import dataclass

SENDER = "postroom@bench.test"
_LINE = "The quick brown fox jumps over the lazy dog, and nobody minds.\n"
TEXT_1KB = _LINE * 11
"""With its headers, a message of about 1 kB."""
TEXT_20KB = _LINE * 140
HTML_20KB = "<!doctype html><html><body>" + f"<p>{_LINE}</p>\n" * 145 + "</body></html>"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail but its recipient."""

    text: str
    html: str | None = None

    def body(self, number: int) -> dict[str, str]:
        """As JSON asks for it."""
        fields = {"to": f"user{number:07d}@bench.test", "subject": f"News number {number:07d}", "text": self.text}
        return fields | ({"html": self.html} if self.html else {})

    def json(self, number: int) -> str:
        return json.dumps(self.body(number))


KB1 = Mail(TEXT_1KB)
KB20 = Mail(TEXT_20KB, HTML_20KB)
