"""What the page tests do as a browser would: take a form's hidden fields, and send it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

HTMX = {"HX-Request": "true"}


def hidden(html: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'<input[^>]* name="{name}"[^>]* value="([^"]*)"', html)
    assert found, f"no field {name} in {html[:2000]}"
    return unescape(found[1])


def compose(client: FlaskClient, headers: dict[str, str] | None = None, /, **fields: Any) -> TestResponse:
    """Open the form, fill it in and send it; ``key`` and ``csrf_token`` are the form's unless given."""
    html = client.get("/compose", follow_redirects=True).text
    data = {name: hidden(html, name) for name in ("csrf_token", "key")}
    data |= {"to": "ann@mailbox.test", "subject": "Hello", "text": "Hello Ann."} | fields
    return client.post("/compose", data=data, headers=headers, content_type="multipart/form-data")


def token(client: FlaskClient) -> str:
    """A form token of this client's session."""
    return hidden(client.get("/compose", follow_redirects=True).text, "csrf_token")


def job_of(answer: TestResponse) -> str:
    """The job that a form led to."""
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].rpartition("/")[2]
