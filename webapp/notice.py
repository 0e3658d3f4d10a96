"""What every page says: above all else that nothing is taken or mail is held back, or that a bulk is under way; in the
navigation how many dead letters there are."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request
from redis.exceptions import RedisError

from tasks.store.attention import Attention, attention
from webapp.context import postroom
from webapp.polling import Live, fragment, tag_of, unchanged
from webapp.redis_trouble import REFUSALS

bp = Blueprint("notice", __name__)

SECONDS = 1.4
"""As seldom as a change may be on screen within 1.5 s: every page asks."""
HELD_BACK, BULKS = ("/workers", "Workers and lanes"), ("/bulks", "See how far")
"""Where a line leads."""
TOLD_BY = {HELD_BACK: ("overview", "workers"), BULKS: ("bulk", "bulks")}
"""These pages tell it themselves, and in more words."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, and where to look or act, if there is such a place."""

    text: str
    link: tuple[str, str] | None
    calm: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """What to say, and how it stays true."""

    live: Live
    lines: list[Line]
    dead: int


@bp.get("/partials/notice")
def show() -> Response:
    """It alone."""
    found = _read()
    if same := unchanged(_tag(found)):
        return same
    told = _notice(found, request.args.get("on", ""))
    return fragment("partials/_notice_changed.html", told.live, notice=told)


def of_page(key: str) -> Notice | None:
    """For the page whose path begins so (``overview`` for the first); None where Redis is away, which the page itself
    says better."""
    try:
        return _notice(_read(), key)
    except RedisError:
        return None


def _read() -> Attention:
    room = postroom()
    return attention(room.redis, room.settings.key_prefix, room.settings.relay_name)


def _notice(found: Attention, on: str) -> Notice:
    told = any(on in pages for pages in TOLD_BY.values())
    url = f"/partials/notice?on={on}" if told else "/partials/notice"
    lines = [line for line in _lines(found) if line.link is None or on not in TOLD_BY[line.link]]
    return Notice(Live(url, _tag(found), SECONDS), lines, found.dead)


def _tag(found: Attention) -> str:
    relay = found.relay
    return tag_of(
        found.dead, repr((found.refusing, found.paused, found.bulks, relay.failures, relay.is_open, relay.text))
    )


def _lines(found: Attention) -> list[Line]:
    lines = []
    if found.refusing:
        lines.append(Line(REFUSALS[found.refusing], None))
    if found.relay.is_open:
        told = f"The relay {found.relay.name} is held back: {found.relay.text or 'it does not answer'}"
        lines.append(Line(told, HELD_BACK))
    if found.paused:
        lanes = "lane is" if len(found.paused) == 1 else "lanes are"
        lines.append(Line(f"The {' and '.join(found.paused)} {lanes} paused: mail waits there.", HELD_BACK))
    if found.bulks:
        bulks = "A bulk is" if found.bulks == 1 else f"{found.bulks:,} bulks are"
        lines.append(Line(f"{bulks} under way.", BULKS, calm=True))
    return lines
