"""Every key that Postroom leaves in Redis stands in the table of keys."""

from __future__ import annotations

from tasks.store.keys import CELERY_RESULT, PATTERNS, QUEUE
from tests.support.client import Client
from tests.support.processes import Stack

CELERYS_OWN = ("_kombu.", QUEUE)


def test_no_key_is_unknown_and_none_that_should_end_lasts(client: Client, stack: Stack) -> None:
    client.until(client.submit(to="keys@mailbox.test"), "sent")
    client.until(client.submit(to="reject+keys@mailbox.test"), "dead")
    prefix = stack.settings.key_prefix
    stems = tuple(pattern.stem for pattern in PATTERNS.values())
    for key in map(bytes.decode, stack.redis.scan_iter("*")):
        if key.startswith(CELERY_RESULT):
            assert 0 < stack.redis.ttl(key) <= 86_400, key
            continue
        assert key.startswith(prefix), key
        rest = key.removeprefix(prefix)
        assert rest.startswith(stems) or rest.startswith(CELERYS_OWN), key
        if rest.startswith(("idempotency:", "worker:", "relay:")):
            assert stack.redis.ttl(key) > 0, key
