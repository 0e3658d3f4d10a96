"""What this process did in the last seconds, to do it again for a Redis that forgot it.

With ``appendfsync everysec`` a crash of Redis's machine makes it forget up to about a second: a job that was accepted,
or an intent whose mail has gone. The processes around it outlive it and remember. On every new connection the server's
``run_id`` is looked at before anything else; when it has changed, what is remembered is replayed. Replays are
idempotent by job id, token and revision, and are repeated until the grace ends, since one process may remember a job's
acceptance and another its claim. With ``always`` nothing is forgotten, and nothing need be remembered.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from redis import Redis
from redis.connection import AbstractConnection
from redis.exceptions import NoScriptError, RedisError

from tasks import clock
from tasks.store.scripts import script, source

GRACE_SECONDS = 3.0
"""For so long after a restart nothing is claimed, so that all have replayed first."""
MOST_BYTES = 64_000_000
MOST_CHANGES = 100
"""How many changes one call makes again: few enough not to keep Redis long."""
CHANGE_WIDTH = 6
_WATCH_SECONDS = 0.25

ReplayedChange = tuple[str, str, str, str, str, str]
"""id, head, due, log line, result, reason: as ``lua/replay.lua`` takes them."""


class Memory:
    """The last ``seconds`` of what one process had Redis do."""

    def __init__(self, prefix: str, seconds: float, retention_us: int, result_seconds: int) -> None:
        self._prefix = prefix
        self._seconds = seconds
        self._change_arguments: list[Any] = [prefix, retention_us, result_seconds]
        self._entries: deque[tuple[float, int, str, list[Any]]] = deque()
        self._bytes = 0
        self._lock = threading.RLock()
        self._run_id: bytes | None = None
        self._replay_until = 0.0
        self._watcher: threading.Thread | None = None
        self.client: Redis | None = None

    def accepted(self, arguments: list[Any]) -> None:
        """A job was taken with these arguments of ``accept``."""
        self._remember("accept", arguments, len(arguments[3]))

    def asked_for(self, arguments: list[Any]) -> None:
        """A bulk was kept with these arguments of ``bulk_create``."""
        self._remember("bulk_create", arguments, sum(len(str(each)) for each in arguments))

    def changed(self, changes: Iterable[ReplayedChange]) -> None:
        """These changes were made."""
        flat: list[Any] = [part for change in changes for part in change]
        if flat:
            self._remember("replay", flat, 0)

    def on_connect(self, connection: AbstractConnection) -> None:
        """Before a new connection is used: replay, if this is another Redis process than the one we knew."""
        connection.on_connect()  # type: ignore[no-untyped-call]
        with self._lock:
            run_id = _call(connection, "recover", [self._prefix, int(GRACE_SECONDS * 1_000_000)])
            if self._run_id is not None and run_id != self._run_id:
                self._replay_until = clock.monotonic() + GRACE_SECONDS
            self._replay(lambda verb, arguments: _call_known(connection, verb, arguments))
            self._run_id = run_id

    def _remember(self, verb: str, arguments: list[Any], size: int) -> None:
        with self._lock:
            self._entries.append((clock.monotonic(), size, verb, arguments))
            self._bytes += size
            self._forget()
            if self._watcher is None and self.client is not None:
                self._watcher = threading.Thread(target=self._watch, args=(self.client,), daemon=True, name="memory")
                self._watcher.start()

    def _forget(self) -> None:
        oldest = clock.monotonic() - self._seconds
        replaying = clock.monotonic() < self._replay_until
        while self._entries and (self._bytes > MOST_BYTES or (self._entries[0][0] < oldest and not replaying)):
            self._bytes -= self._entries.popleft()[1]

    def _replay(self, call: Callable[[str, list[Any]], Any]) -> None:
        """Do everything again that is remembered, in its order."""
        if clock.monotonic() < self._replay_until:
            for verb, arguments in self._calls():
                call(verb, arguments)

    def _calls(self) -> Iterator[tuple[str, list[Any]]]:
        """The calls to make again: changes gathered into few, for there may be thousands, and no job twice in one."""
        gathered: dict[str, list[Any]] = {}
        for _, _, verb, arguments in [*self._entries, (0.0, 0, "end", [])]:
            changes = [arguments[at : at + CHANGE_WIDTH] for at in range(0, len(arguments), CHANGE_WIDTH)]
            full = verb != "replay" or len(gathered) >= MOST_CHANGES or any(each[0] in gathered for each in changes)
            if full and gathered:
                yield "replay", [*self._change_arguments, *(part for each in gathered.values() for part in each)]
                gathered = {}
            if verb == "replay":
                gathered |= {each[0]: each for each in changes}
            elif verb != "end":
                yield verb, arguments

    def _watch(self, client: Redis) -> None:
        """While something is remembered: notice a restart though nobody asks, and repeat the replay in its grace."""
        pause = threading.Event()
        while True:
            pause.wait(_WATCH_SECONDS)
            try:
                client.ping()
                with self._lock:
                    self._replay(lambda verb, arguments: script(client, verb)(arguments))
            except RedisError:
                continue
            with self._lock:
                self._forget()
                if not self._entries:
                    self._watcher = None
                    return


def _call(connection: AbstractConnection, verb: str, arguments: list[Any]) -> Any:
    """A Lua call on a connection that is not in its pool yet."""
    connection.send_command("EVAL", source(verb), 0, *arguments)  # type: ignore[no-untyped-call]
    return connection.read_response()


def _call_known(connection: AbstractConnection, verb: str, arguments: list[Any]) -> Any:
    """The same for one of many: its text is sent only where Redis does not know it."""
    digest = hashlib.sha1(source(verb).encode(), usedforsecurity=False).hexdigest()
    connection.send_command("EVALSHA", digest, 0, *arguments)  # type: ignore[no-untyped-call]
    try:
        return connection.read_response()
    except NoScriptError:
        return _call(connection, verb, arguments)
