"""The web application over a real Redis, asked as a program on this machine would."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tasks.settings import Settings
from tests.support.processes import RedisProcess
from webapp import create_app
from webapp.context import Postroom


@pytest.fixture(scope="module")
def app(redis_process: RedisProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One for a whole module, since its templates are compiled once then. ``client`` and ``postroom`` empty Redis.

    It remembers nothing for a Redis that forgets: that thread's looks at Redis would be counted with a request's.
    """
    app = create_app(Settings(redis_url=redis_process.url, data_dir=tmp_path_factory.mktemp("web"), replay_seconds=0))
    yield app
    app.extensions["postroom"].redis.close()


@pytest.fixture
def client(app: Flask, settings: Settings) -> FlaskClient:
    """It asks as curl does: http://localhost, and none of a browser's headers. Redis is empty."""
    return app.test_client()


@pytest.fixture
def postroom(app: Flask, settings: Settings) -> Postroom:
    """What that application holds."""
    found = app.extensions["postroom"]
    assert isinstance(found, Postroom)
    return found
