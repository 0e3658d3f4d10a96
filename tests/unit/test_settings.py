"""Where jobs and wake-ups are, by the three names that say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.app import make_app
from tasks.settings import Settings

REDIS, OTHER, RABBIT = "redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/1", "amqp://me:secret@rabbit.example.org//"
OWN = "the embedded Redis"


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("REDIS_URL", "REDIS_BACKEND_URL", "REDIS_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("both", "backend", "broker", "jobs_in", "wake_ups_in"),
    [
        (None, None, None, OWN, OWN),
        (REDIS, None, None, REDIS, REDIS),
        (None, REDIS, None, REDIS, REDIS),
        (None, None, REDIS, REDIS, REDIS),
        (None, REDIS, OTHER, REDIS, OTHER),
        (REDIS, None, OTHER, REDIS, OTHER),
        (None, None, RABBIT, OWN, RABBIT),
        (REDIS, None, RABBIT, REDIS, RABBIT),
        (None, REDIS, RABBIT, REDIS, RABBIT),
    ],
)
def test_where_jobs_and_wake_ups_are(
    both: str | None, backend: str | None, broker: str | None, jobs_in: str, wake_ups_in: str
) -> None:
    settings = Settings(redis_url=both, redis_backend_url=backend, redis_broker_url=broker)
    store = settings.store.for_celery()
    assert settings.embeds_redis is (jobs_in == OWN)
    assert jobs_in in (OWN, store)
    assert settings.broker == (store if wake_ups_in == OWN else wake_ups_in)
    assert settings.one_redis is (jobs_in == wake_ups_in)
    assert make_app(settings).conf.broker_url == settings.broker


def test_in_rabbitmq_the_queue_carries_the_prefix_that_redis_keys_have() -> None:
    """So that two Postrooms can share a RabbitMQ, as they can a Redis."""
    assert make_app(Settings(redis_broker_url=RABBIT, key_prefix="mail:")).conf.task_default_queue == "mail:postroom"
    redis = make_app(Settings(redis_broker_url=REDIS, key_prefix="mail:")).conf
    assert redis.task_default_queue == "postroom"
    assert redis.broker_transport_options["global_keyprefix"] == "mail:"


@pytest.mark.parametrize("address", ["amqp://", "amqps:///vhost", "http://example.org", "rabbit"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match=r"redis_broker_url[\s\S]*(names no host|must start with)"):
        Settings(redis_broker_url=address)


def test_what_an_address_may_start_with_is_told_for_each_use() -> None:
    with pytest.raises(ValidationError, match="redis://, rediss://, unix://, redis\\+socket://, amqp:// or amqps://"):
        Settings(redis_broker_url="rabbitmq://localhost")
    with pytest.raises(ValidationError, match="redis://, rediss://, unix:// or redis\\+socket://"):
        Settings(redis_url="rabbitmq://localhost")


def test_jobs_cannot_be_in_rabbitmq() -> None:
    with pytest.raises(ValidationError, match="must start with redis://"):
        Settings(redis_backend_url=RABBIT)
