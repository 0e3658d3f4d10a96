"""Commands that are made often go straight to a connection that their thread keeps: what a client does around a command
(pools, metrics, retries) costs as much as the command itself."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from hiredis import pack_command
from redis import Redis
from redis.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError

Command = tuple[Any, ...]

_OF_CLIENT: WeakKeyDictionary[Redis, threading.local] = WeakKeyDictionary()


class Direct:
    """A client's server, asked over the thread's own connection: made by the client's pool, so that closing the client
    closes it too."""

    def __init__(self, redis: Redis) -> None:
        self._pool = redis.connection_pool
        self._mine = _OF_CLIENT.setdefault(redis, threading.local())

    def __call__(self, *command: Any) -> Any:
        """Make a command once and return its answer; redis-py's errors come as from any command."""
        connection = self._connection()
        try:
            connection.send_packed_command([pack_command(command)], check_health=False)  # type: ignore[no-untyped-call]
            return connection.read_response()
        except ResponseError:
            raise
        except (OSError, RedisError):
            _hang_up(connection)
            raise

    def all(self, commands: Sequence[Command]) -> list[Any]:
        """Make commands in one round trip, each once, and return their answers."""
        answers = self.each(commands)
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    def each(self, commands: Sequence[Command]) -> list[Any]:
        """The same, where a command that Redis refuses is no reason to lose the others' answers: its
        ``ResponseError`` stands for it. What they all wrote is synced at once."""
        connection = self._connection()
        packed = [b"".join(map(pack_command, commands))]
        try:
            connection.send_packed_command(packed, check_health=False)  # type: ignore[no-untyped-call]
            return [_answer(connection) for _ in commands]
        except (OSError, RedisError):
            _hang_up(connection)
            raise

    def _connection(self) -> AbstractConnection:
        if not hasattr(self._mine, "connection"):
            self._mine.connection = self._pool.make_connection()
        kept: AbstractConnection = self._mine.connection
        if kept.is_connected and _has_ended(kept):
            _hang_up(kept)
        return kept


def _answer(connection: AbstractConnection) -> Any:
    try:
        return connection.read_response()
    except ResponseError as problem:
        return problem


def _hang_up(connection: AbstractConnection) -> None:
    """An answer that comes late must not be taken for the next one's."""
    connection.disconnect()  # type: ignore[no-untyped-call]


def _has_ended(connection: AbstractConnection) -> bool:
    """Redis hung up while nobody asked: then there is something to read, or reading raises."""
    try:
        return bool(connection.can_read())
    except (OSError, RedisError):
        return True
