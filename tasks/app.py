"""The Celery application. Celery carries wake-ups; the due set, not its queue, is what Postroom relies on."""

from __future__ import annotations

from typing import Any

from celery import Celery

from tasks.settings import Settings, load
from tasks.store.keys import QUEUE

DELIVER = "postroom.deliver"


def make_app(settings: Settings) -> Celery:
    """A Celery application for these settings: ours in the worker, in the web, and for anyone's ``AsyncResult``."""
    app = Celery("postroom", broker=settings.broker, backend=settings.store.for_celery(), set_as_current=False)
    app.conf.update(
        task_default_queue=queue_key(settings) if settings.broker_is_amqp else QUEUE,
        # The nameless exchange needs no binding, of which a Redis that is full could not be told.
        task_default_exchange="",
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_transport_options(settings),
        # A wake-up that cannot be published at once is not worth waiting for: the dispatcher rings.
        task_publish_retry=False,
        redis_socket_timeout=5,
        redis_socket_connect_timeout=5,
    )
    return app


def _transport_options(settings: Settings) -> dict[str, Any]:
    # A ring goes out now or not at all; the worker's consumer has waits of its own before it connects again.
    now_or_not = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    if settings.broker_is_amqp:
        return now_or_not
    return {
        **now_or_not,
        # A wake-up carries no duty, so nothing is gained by kombu's bookkeeping of unacknowledged ones.
        "ack_emulation": False,
        "global_keyprefix": settings.key_prefix,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "health_check_interval": 25,
    }


def queue_key(settings: Settings) -> str:
    """The Redis list that holds our queue, as kombu names it (prefix, then the queue; priority 0 adds nothing), and
    our queue's name where the broker knows no prefix."""
    return settings.key_prefix + QUEUE


_current: Celery | None = None


def current_app() -> Celery:
    """The application of this process's own settings, made once; ``celery -A tasks.app:current_app()`` finds it too."""
    global _current  # noqa: PLW0603 - one a process, and reading the environment at import would be a side effect
    if _current is None:
        _current = make_app(load())
    return _current
