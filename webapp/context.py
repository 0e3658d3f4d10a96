"""What the web process holds: one frozen object, made by ``create_app``, found with :func:`postroom`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from redis import Redis

    from tasks.desk import Desk
    from tasks.settings import Settings
    from tasks.store.bulks import Bulks
    from tasks.store.finder import Finder
    from tasks.store.jobs import Jobs
    from tasks.store.mailbox import Mailbox
    from tasks.store.stats import Stats
    from tasks.store.workers import Workers


@dataclass(frozen=True, slots=True)
class Postroom:
    """The settings, and the ways to read and change what Redis keeps. Nothing here connects before it is used."""

    settings: Settings
    redis: Redis
    jobs: Jobs
    desk: Desk
    finder: Finder
    stats: Stats
    bulks: Bulks
    workers: Workers
    mailbox: Mailbox


def postroom() -> Postroom:
    """The :class:`Postroom` of the application that is answering."""
    return cast("Postroom", current_app.extensions["postroom"])
