"""A wake-up: a Celery message that says "something is due, come and claim it". It carries no duty.

``accept`` pushes one in its own atomic step, so its bytes are made beforehand, by Celery's own serializer, once, with
slots for the task id (the job's id), which is its delivery tag too. A contract test holds it equal to what
``apply_async`` publishes.
"""

from __future__ import annotations

import base64
import json
from typing import Any, cast

from celery import Celery

from tasks.app import DELIVER
from tasks.store.keys import QUEUE

_TASK_ID = "00000000-task-id-slot-000000000000"


class WakeUpTemplate:
    """The message of a wake-up with its slot open."""

    def __init__(self, app: Celery) -> None:
        text = json.dumps(_envelope(app))
        head, rest = text.split(_TASK_ID, 1)
        # The id stands four times: the task's own, its root's, its correlation's and the delivery's.
        self._parts = [head, *rest.split(_TASK_ID)]

    def fill(self, task_id: str) -> bytes:
        """The message for a task id."""
        return task_id.join(self._parts).encode()


def _envelope(app: Celery) -> dict[str, Any]:
    """What kombu's Redis transport would push for ``deliver.apply_async()``."""
    message = app.amqp.as_task_v2(_TASK_ID, DELIVER, reply_to=app.thread_oid, ignore_result=True)
    body, content_type, encoding = _serialize(message.body)
    return {
        "body": base64.b64encode(body.encode()).decode(),
        "content-encoding": encoding,
        "content-type": content_type,
        "headers": message.headers,
        "properties": {
            **message.properties,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": _TASK_ID,
        },
    }


def _serialize(body: Any) -> tuple[str, str, str]:
    from kombu.serialization import dumps

    content_type, encoding, text = dumps(body, serializer="json")  # type: ignore[no-untyped-call]
    return cast(str, text), content_type, encoding
