"""The seed's calls before a real relay: it has no mailbox for a mere name, and no default sender."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tasks.settings import Settings
from webapp import create_app


@pytest.fixture
def relayed(settings: Settings) -> Iterator[FlaskClient]:
    app = create_app(settings.model_copy(update={"smtp_host": "relay.example.org"}))
    yield app.test_client()
    app.extensions["postroom"].redis.close()


def test_a_greeting_without_an_address_is_refused_and_says_why(relayed: FlaskClient) -> None:
    answer = relayed.post("/start-job", json={"name": "fail"})
    assert answer.status_code == 422
    [error] = answer.get_json()["errors"]
    assert error["field"] == "email"
    assert "relay.example.org" in error["message"]


def test_without_a_default_sender_the_sender_is_what_is_missing(relayed: FlaskClient) -> None:
    answer = relayed.post("/send-email", json={"to": "ann@example.org", "subject": "s", "body": "b"})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == ["from"]
