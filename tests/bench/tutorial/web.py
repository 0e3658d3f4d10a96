"""What every tutorial's Flask application does: ``.delay()``, and the id of the task."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, request

from tests.bench.tutorial.mail import app as celery
from tests.bench.tutorial.mail import send_email

app = Flask(__name__)


@app.post("/send-email")
def send() -> tuple[dict[str, Any], int]:
    mail = request.get_json()
    task = send_email.delay(mail["to"], mail["subject"], mail["text"], mail.get("html"))
    return {"task_id": task.id, "accepted_at": time.time()}, 202


@app.get("/job-status/<task_id>")
def status(task_id: str) -> dict[str, Any]:
    found = celery.AsyncResult(task_id)
    return {"status": found.state, "result": found.result if found.successful() else None}
