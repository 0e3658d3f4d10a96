"""The style guide: every part of the pages in every state, in development only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tasks.domain.states import State
from tasks.settings import Settings
from webapp import create_app


@pytest.fixture
def developer(settings: Settings) -> Iterator[FlaskClient]:
    app = create_app(settings.model_copy(update={"development": True}))
    yield app.test_client()
    app.extensions["postroom"].redis.close()


def test_it_is_there_in_development_only(client: FlaskClient, developer: FlaskClient) -> None:
    assert client.get("/styleguide").status_code == 404
    assert developer.get("/styleguide").status_code == 200


def test_it_shows_every_state(developer: FlaskClient) -> None:
    html = developer.get("/styleguide").text
    for state in State:
        assert f'class="state is-{state} badge"' in html
        assert f"<h3>{state.capitalize()}</h3>" in html


def test_all_that_is_shown_at_once_has_ids_of_its_own(developer: FlaskClient) -> None:
    html = developer.get("/styleguide").text
    ids = Counter(re.findall(r' id="([^"]+)"', html))
    assert [name for name, count in ids.items() if count > 1] == []
    assert "hx-trigger" not in html[html.index('class="sample"') :], "nothing of it is asked for again"
