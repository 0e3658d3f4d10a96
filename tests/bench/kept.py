"""smtplib on kept connections, one a thread: the best that it does over a long line, at four round trips a mail."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Iterator

from tests.bench.mails import SENDER


def rate(port: int, connections: int, message: bytes, count: int) -> float:
    """Mails a second; connecting is not counted."""
    clients = [smtplib.SMTP("127.0.0.1", port, timeout=60) for _ in range(connections)]
    for client in clients:
        client.ehlo()
    numbers = iter(range(count))
    lock = threading.Lock()
    threads = [threading.Thread(target=_send, args=(client, message, numbers, lock)) for client in clients]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = count / (time.perf_counter() - began)
    for client in clients:
        client.quit()
    return found


def _send(client: smtplib.SMTP, message: bytes, numbers: Iterator[int], lock: threading.Lock) -> None:
    while True:
        with lock:
            if next(numbers, None) is None:
                return
        client.sendmail(SENDER, ["user@bench.test"], message)
