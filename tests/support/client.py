"""A client of the HTTP API, as a user's program would be: the standard library's, over a real socket."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

from tests.support.processes import wait_until


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


class Client:
    """Asks one Postroom."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: object | None = None, **headers: str) -> Answer:
        return self._ask("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def submit(self, **fields: object) -> str:
        """Submit a job that must be accepted; its id."""
        body = {"to": "ann@mailbox.test", "subject": "Hello", "text": "Hello Ann."} | fields
        answer = self.post("/api/jobs", body)
        assert answer.status == 202, answer
        return str(answer.body["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.get(f"/api/jobs/{job_id}")
        assert answer.status == 200, answer
        return dict(answer.body)

    def until(self, job_id: str, *states: str, seconds: float = 20) -> dict[str, Any]:
        """The job's document once it is in one of these states."""
        wait_until(lambda: self.job(job_id)["state"] in states, f"{job_id} to be {' or '.join(states)}", seconds)
        return self.job(job_id)

    def mails(self, recipient: str) -> list[dict[str, Any]]:
        return list(self.get(f"/api/mailbox?recipient={recipient.replace('+', '%2B')}").body["messages"])

    def _ask(self, method: str, path: str, body: object | None, headers: dict[str, str]) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers = {"Content-Type": "application/json"} | headers
        request = urllib.request.Request(self.base_url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return Answer(answer.status, _headers(answer.headers), _read(answer.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _headers(error.headers), _read(error.read()))


def _headers(given: Message) -> dict[str, str]:
    """Under their usual spelling: servers may write them in lower case."""
    return {name.title(): value for name, value in given.items()}


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw
