"""The version of the layout in Redis, checked at start, so that an old process does not misread a new store."""

from __future__ import annotations

from typing import cast

from redis import Redis

from tasks.domain.errors import StartError
from tasks.store.keys import SCHEMA_VERSION, Keys


def check_schema(redis: Redis, prefix: str) -> None:
    """Claim an empty store for this version; :class:`StartError` where the store is another's."""
    key = Keys(prefix).of("schema")
    if redis.get(key) is None:  # a Redis that is full can still be read, and gone on with
        redis.set(key, SCHEMA_VERSION, nx=True)
    found = cast(bytes, redis.get(key)).decode()
    if found != str(SCHEMA_VERSION):
        raise StartError(
            f"The jobs in this Redis have layout {found}, and this Postroom reads layout {SCHEMA_VERSION}. "
            "Start the Postroom that wrote them, or name another KEY_PREFIX or Redis."
        )
