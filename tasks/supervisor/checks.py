"""What must be right before anything is started: each problem is one line."""

from __future__ import annotations

import fcntl
import os
from typing import IO

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from tasks.domain.errors import StartError
from tasks.local.port import require_free
from tasks.redis_address import RedisAddress
from tasks.settings import Settings
from tasks.store.connection import connect

OLDEST_REDIS = (6, 2)
_ANSWER_SECONDS = 3.0


def lock(config: Settings) -> IO[str]:
    """Make ``DATA_DIR`` ours alone for as long as the returned file is open."""
    try:
        # One that is there already keeps its mode: it may be shared with others on purpose.
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (config.data_dir / "supervisor.lock").open("a+", encoding="ascii")
    except OSError as problem:
        raise StartError(f"DATA_DIR: cannot use {config.data_dir}: {problem.strerror}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        raise StartError(
            f"DATA_DIR {config.data_dir} is in use by another Postroom (process {file.read().strip() or 'unknown'}): "
            "stop that one, or give this one a DATA_DIR, PORT and MAILBOX_PORT of its own"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def ports(config: Settings) -> None:
    """Nobody else listens where we shall."""
    if config.embeds_mailbox and config.port == config.mailbox_port:
        raise StartError(f"PORT and MAILBOX_PORT are both {config.port}: they must differ")
    require_free("PORT", config.host, config.port)
    if config.embeds_mailbox:
        require_free("MAILBOX_PORT", "127.0.0.1", config.mailbox_port)


def redis(address: RedisAddress) -> list[str]:
    """A Redis that we did not start answers; what is not as it should be there, a line each."""
    client = connect(address, most=1, timeout_seconds=_ANSWER_SECONDS)
    try:
        server = client.info()
    except (AuthenticationError, NoPermissionError) as problem:
        raise StartError(f"the Redis at {address.shown} refuses us: {problem}") from None
    except RedisError as problem:
        raise StartError(f"the Redis at {address.shown} does not answer: {problem}") from None
    finally:
        client.close()
    version = str(server["redis_version"])
    policy = str(server.get("maxmemory_policy", "noeviction"))
    warnings = []
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        warnings.append(f"the Redis at {address.shown} is {version}, and Postroom needs 6.2 or newer")
    if policy != "noeviction":
        warnings.append(
            f"the Redis at {address.shown} has maxmemory-policy {policy}: it may throw mail away; set noeviction"
        )
    return warnings


def answers(config: Settings) -> bool:
    """The embedded Redis takes commands (and has read its file)."""
    client = connect(config.store, most=1, timeout_seconds=1)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()
