"""``python -m tests.bench.queues.fill WHICH COUNT``: so many tasks that do nothing."""

from __future__ import annotations

import os
import sys
from typing import Any


def _put(which: str) -> Any:
    if which == "celery":
        from tests.bench.queues.celery_noop import noop

        return noop.delay
    if which == "huey":
        from tests.bench.queues.huey_noop import noop as huey_noop

        return huey_noop
    if which == "dramatiq":
        from tests.bench.queues.dramatiq_noop import noop as dramatiq_noop

        return dramatiq_noop.send
    from redis import Redis
    from rq import Queue

    from tests.bench.queues.rq_noop import noop as rq_noop

    queue = Queue(connection=Redis(unix_socket_path=os.environ["NOOP_SOCKET"]))
    return lambda: queue.enqueue(rq_noop)


def main() -> None:
    put = _put(sys.argv[1])
    for _ in range(int(sys.argv[2])):
        put()


if __name__ == "__main__":
    main()
