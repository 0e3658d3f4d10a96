"""The skin: pages, partials and the JSON API over ``tasks``. :func:`create_app` puts it together."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from jinja2 import StrictUndefined

from tasks.desk import Desk
from tasks.settings import Settings, load
from tasks.store.bulks import Bulks
from tasks.store.connection import connect
from tasks.store.finder import Finder
from tasks.store.mailbox import Mailbox
from tasks.store.stats import Stats
from tasks.store.workers import Workers
from tasks.stores import make_jobs, make_memory
from webapp import (
    actions,
    api,
    bulk_list,
    bulk_pages,
    compression,
    export,
    guard,
    health,
    job_list,
    mailbox_api,
    mailbox_pages,
    notice,
    operations,
    operator_pages,
    overview,
    pages,
    partials,
    problems,
    seed_api,
    styleguide,
)
from webapp.context import Postroom
from webapp.express import Express
from webapp.lean import LeanFlask

ROOT = Path(__file__).resolve().parent.parent
FOR_BROWSERS = (
    *(pages.bp, partials.bp, actions.bp, mailbox_pages.bp),
    *(overview.bp, job_list.bp, bulk_list.bp, bulk_pages.bp, operator_pages.bp, notice.bp),
)
FOR_PROGRAMS = (api.bp, mailbox_api.bp, operations.bp, export.bp, seed_api.bp, health.bp)
"""These take no forms: ``guard`` keeps other sites out of them, so curl needs no form token."""


def create_app(settings: Settings | None = None) -> Flask:
    """The application; ``settings`` are those of the environment unless given. It connects to nothing by itself."""
    settings = settings or load()
    app = LeanFlask(__name__, template_folder=str(ROOT / "templates"), static_folder=None)
    _configure(app, settings)
    app.extensions["postroom"] = _postroom(settings)
    guard.init_app(app)  # before the form tokens: a stranger's request is not even parsed
    csrf = CSRFProtect(app)
    problems.init_app(app)
    compression.init_app(app)
    for blueprint in FOR_PROGRAMS:
        csrf.exempt(blueprint)
    for blueprint in FOR_BROWSERS + FOR_PROGRAMS:
        app.register_blueprint(blueprint)
    if settings.development:
        app.register_blueprint(styleguide.bp)
    _put_express_before(app)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    largest = body_limit(settings.max_message_bytes)
    app.config.update(
        SECRET_KEY=settings.read_secret_key(),
        SESSION_COOKIE_NAME=f"postroom_{settings.port}",  # two instances on one host share their cookies
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=largest,
        MAX_FORM_MEMORY_SIZE=largest,
        MAX_FORM_PARTS=1000,
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def _put_express_before(app: Flask) -> None:
    express = Express(app.wsgi_app, app.extensions["postroom"], app.config["MAX_CONTENT_LENGTH"])
    app.wsgi_app = express  # type: ignore[method-assign]  # as Flask's own documentation does it


def body_limit(max_message_bytes: int) -> int:
    """The largest request body that is read: JSON may need twice a message's octets (escapes), and fields more."""
    return 2 * max_message_bytes + 1_000_000


def _postroom(settings: Settings) -> Postroom:
    memory = make_memory(settings)
    redis = connect(settings.store, memory)
    jobs = make_jobs(settings, redis, memory)
    return Postroom(
        settings=settings,
        redis=redis,
        jobs=jobs,
        desk=Desk(settings, redis, memory),
        finder=Finder(jobs),
        stats=Stats(redis, settings.key_prefix),
        bulks=Bulks(redis, settings.key_prefix),
        workers=Workers(redis, settings.key_prefix),
        mailbox=Mailbox(redis, settings.key_prefix, settings.retention_days),
    )
