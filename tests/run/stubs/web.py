"""Stands in for the web server: /readyz answers 200 once it has been asked twice, and the worker is there."""

from __future__ import annotations

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tasks import settings

JOURNAL = Path(os.environ["JOURNAL"])
asked = 0


def note(text: str) -> None:
    with JOURNAL.open("a") as journal:
        journal.write(f"web {text}\n")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        global asked  # noqa: PLW0603
        asked += 1
        ready = asked > 1 and self.path == "/readyz" and "worker started" in JOURNAL.read_text()
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def stop(*_: object) -> None:
    note("asked")
    threading.Thread(target=server.shutdown).start()


config = settings.load()
server = ThreadingHTTPServer((config.host, config.port), Handler)
signal.signal(signal.SIGTERM, stop)
note(f"started {os.getpid()}")
server.serve_forever(poll_interval=0.02)
note("stopped")
sys.exit(0)
