"""The least that a poll could cost: a Flask route that does one Redis GET and no more, served as Postroom is.

``python -m tests.bench.noop PORT PROCESSES REDIS_URL``
"""

from __future__ import annotations

import os
import sys
from typing import cast

import redis
from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from webapp.__main__ import THREADS, WAITING

URL = "NOOP_REDIS"


def create_app() -> Flask:
    """One route."""
    app = Flask(__name__)
    store = redis.Redis.from_url(os.environ[URL])

    @app.get("/")
    def revision() -> bytes:
        return cast("bytes | None", store.get("postroom:revision")) or b""

    return app


def main() -> None:
    """Serve until ended."""
    os.environ[URL] = sys.argv[3]
    Granian(
        "tests.bench.noop:create_app",
        factory=True,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        address="127.0.0.1",
        port=int(sys.argv[1]),
        workers=int(sys.argv[2]),
        blocking_threads=THREADS,
        backpressure=WAITING,
        websockets=False,
        log_level=LogLevels.error,
    ).serve()


if __name__ == "__main__":
    main()
