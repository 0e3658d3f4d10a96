"""Clients that submit jobs over HTTP and do not give up: each submission has a key, and is repeated until its 202."""

from __future__ import annotations

import http.client
import itertools
import json
import math
import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

THREADS = 6
PAUSE_SECONDS = 0.15
TIMEOUT_SECONDS = 15
PATIENCE_SECONDS = 40


WAIT_SECONDS = 0.9
"""How far ahead some jobs are scheduled."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A 202: from here on the job may not be lost."""

    job_id: str
    resends: bool
    """Its own policy sends again what may have been lost."""
    canceled: bool
    """It was withdrawn, and the answer was that this was in time."""


class Traffic:
    """Some threads, together at a steady rate."""

    def __init__(self, port: int, seed: int, rate: float, cancels: float) -> None:
        self.accepted: dict[str, Accepted] = {}
        """By idempotency key."""
        self.repeated = 0
        """Requests that failed, and were made again with the same key."""
        self.replayed = 0
        """Repeats that found that the first one was taken."""
        self.wrong: list[str] = []
        """Answers that no client may ever get."""
        self._port = port
        self._seed = seed
        self._rate = rate
        self._cancels = cancels
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._give_up = math.inf
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]

    def start(self) -> None:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No new submissions; those under way get their 202."""
        self._give_up = time.monotonic() + PATIENCE_SECONDS
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        client = _Client(self._port)
        while not self._stop.is_set():
            number = next(self._numbers)
            if not self._stop.wait(max(0.0, self._began + number / self._rate - time.monotonic())):
                self._submit(client, number)
        client.close()

    def _submit(self, client: _Client, number: int) -> None:
        chance = random.Random(f"{self._seed} {number}")
        key = f"chaos-{self._seed}-{number}"
        body = _body(chance, number)
        status, headers, answer = self._insist(client, "/api/jobs", body, key)
        if status != 202:
            self.wrong.append(f"{status} {str(answer)[:200]}")
            return
        job_id = str(answer["id"])
        canceled = False
        if chance.random() < self._cancels:
            status, _, _ = self._insist(client, f"/api/jobs/{job_id}/cancel", {}, None)
            canceled = status == 200
        with self._lock:
            self.replayed += headers.get("idempotency-replayed") == "true"
            self.accepted[key] = Accepted(job_id, body.get("on_unknown") == "resend", canceled)

    def _insist(
        self, client: _Client, path: str, body: dict[str, object], key: str | None
    ) -> tuple[int, dict[str, str], dict[str, object]]:
        """Until there is an answer that is not "try again"."""
        while time.monotonic() < self._give_up:
            try:
                status, headers, answer = client.post(path, body, key)
            except (OSError, http.client.HTTPException, ValueError):
                client.close()
            else:
                if status < 500:
                    return status, headers, answer
                if status != 503 or "retry-after" not in headers:
                    self.wrong.append(f"{status} {str(answer)[:200]}")
            with self._lock:
                self.repeated += 1
            time.sleep(PAUSE_SECONDS)
        return 0, {}, {"a client waited in vain": path}


class _Client:
    """A connection that is kept, and opened anew after an error."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, body: object, key: str | None) -> tuple[int, dict[str, str], dict[str, object]]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        self._connection.request("POST", path, json.dumps(body), headers)
        answer = self._connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, json.loads(answer.read())

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _body(chance: random.Random, number: int) -> dict[str, object]:
    recipients = chance.choice([1, 1, 1, 2, 3])
    body: dict[str, object] = {
        "to": [f"r{number}.{each}@mailbox.test" for each in range(recipients)],
        "subject": f"Chaos {number}",
        "text": "Hello.\n" * chance.choice([2, 20, 20, 200]),
        "priority": chance.choice(["high", "normal", "normal", "low"]),
    }
    if chance.random() < 0.02:
        body["text"] = "A large one.\n.with a dot\n" * 4000
    if chance.random() < 0.25:
        body["on_unknown"] = "resend"
    if chance.random() < 0.2:  # these wait in Redis when it crashes, however fast all others go
        body["send_at"] = (datetime.now(UTC) + timedelta(seconds=WAIT_SECONDS)).isoformat()
    return body
