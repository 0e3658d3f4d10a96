"""What every page says: above all else that mail is held back; in the navigation how many dead letters there are."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request
from redis.exceptions import RedisError

from tasks.store.attention import Attention, attention
from webapp.context import postroom
from webapp.polling import Live, fragment, tag_of, unchanged

bp = Blueprint("notice", __name__)

SECONDS = 2
TELL_IT_THEMSELVES = ("overview", "workers")
"""These pages have all warnings, and in more words."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What to say, and how it stays true."""

    live: Live
    lines: list[str]
    dead: int


@bp.get("/partials/notice")
def show() -> Response:
    """It alone."""
    quiet = bool(request.args.get("quiet"))
    found = _read()
    if same := unchanged(_tag(found)):
        return same
    told = _notice(found, quiet=quiet)
    return fragment("partials/_notice_changed.html", told.live, notice=told)


def of_page(key: str) -> Notice | None:
    """For the page of this key; None where Redis is away, which the page itself says better."""
    try:
        return _notice(_read(), quiet=key in TELL_IT_THEMSELVES)
    except RedisError:
        return None


def _read() -> Attention:
    room = postroom()
    return attention(room.redis, room.settings.key_prefix, room.settings.relay_name)


def _notice(found: Attention, *, quiet: bool) -> Notice:
    url = "/partials/notice?quiet=1" if quiet else "/partials/notice"
    return Notice(Live(url, _tag(found), SECONDS), [] if quiet else _lines(found), found.dead)


def _tag(found: Attention) -> str:
    return tag_of(found.dead, repr((found.paused, found.relay.failures, found.relay.is_open, found.relay.text)))


def _lines(found: Attention) -> list[str]:
    lines = []
    if found.relay.is_open:
        lines.append(f"The relay {found.relay.name} is held back: {found.relay.text or 'it does not answer'}")
    if found.paused:
        lanes = "lane is" if len(found.paused) == 1 else "lanes are"
        lines.append(f"The {' and '.join(found.paused)} {lanes} paused: mail waits there.")
    return lines
