"""The compose form: errors at their fields with all that was typed, and one mail for one form."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tasks.clock import from_us
from tasks.domain.reading import read, unstuff
from tasks.domain.states import State
from tasks.settings import Settings
from tests.web.pages import HTMX, compose, hidden, job_of
from webapp import create_app
from webapp.context import Postroom


def test_a_form_becomes_a_job_with_all_its_fields(client: FlaskClient, postroom: Postroom) -> None:
    answer = compose(
        client,
        **{
            "from": "Shop <shop@mailbox.test>",
            "to": "Ann <ann@mailbox.test>, ben@mailbox.test",
            "cc": "cy@mailbox.test",
            "subject": "Preise für Tee",
            "text": "Hallo",
            "html": "<b>Hallo</b>",
            "priority": "high",
            "tags": "tea, monthly",
            "attachments": [(io.BytesIO(b"one"), "one.txt"), (io.BytesIO(b"two"), "two.pdf")],
        },
    )
    job_id = job_of(answer)
    job, wire = postroom.jobs.read(job_id), postroom.jobs.content(job_id)
    assert job is not None
    assert wire is not None
    assert job.card.rcpt_tos == ["ann@mailbox.test", "ben@mailbox.test", "cy@mailbox.test"]
    assert (job.card.sender, job.card.priority, job.card.tags) == (
        "Shop <shop@mailbox.test>",
        "high",
        ["tea", "monthly"],
    )
    message = read(unstuff(wire))
    assert [(part.filename, part.content) for part in message.attachments] == [("one.txt", b"one"), ("two.pdf", b"two")]
    assert (message.text or "").strip() == "Hallo"


@pytest.mark.parametrize(
    ("fields", "at", "words"),
    [
        ({"to": ""}, "to", "at least one recipient"),
        ({"to": "nonsense"}, "to", "nonsense"),
        ({"cc": "a@b@c"}, "cc", "a@b@c"),
        ({"from": "nobody"}, "from", "nobody"),
        ({"text": ""}, "text", "Write a message"),
        ({"tags": "!"}, "tags", "is not a tag"),
        ({"subject": "x" * 999}, "subject", "at most 998"),
        ({"send_at_local": "nonsense"}, "send_at_local", "cannot be understood|not a time"),
        ({"priority": "soon"}, "priority", "high, normal or low"),
    ],
)
def test_an_error_is_said_at_its_field(client: FlaskClient, fields: dict[str, str], at: str, words: str) -> None:
    answer = compose(client, **fields)
    assert answer.status_code == 422
    assert re.search(rf'<a href="#{at}">', answer.text), "the summary links to it"
    assert re.search(rf'<(input|textarea|select)[^>]*aria-describedby="[^"]*{at}-error"[^>]*id="{at}"', answer.text)
    assert re.search(rf'id="{at}-error">.*?({words})', answer.text, re.DOTALL)


def test_an_error_keeps_what_was_typed(client: FlaskClient) -> None:
    typed = {"to": "no", "cc": "cy@mailbox.test", "subject": 'Say "hi" & <go>', "text": "\nFirst\n", "tags": "tea"}
    html = compose(client, **typed).text
    assert 'value="Say &#34;hi&#34; &amp; &lt;go&gt;"' in html
    assert 'value="cy@mailbox.test"' in html
    assert re.search(r"<textarea[^>]*>\s*First", html)
    assert '<details class="more" id="more-recipients" open>' in html, "what is filled in is not folded away"


def test_htmx_gets_the_form_alone_and_a_browser_a_page(client: FlaskClient) -> None:
    fragment, page = compose(client, HTMX, to="no").text, compose(client, to="no").text
    assert fragment.lstrip().startswith('<form id="compose"')
    assert page.lstrip().startswith("<!doctype html>")


def test_a_page_loaded_anew_says_that_files_must_be_chosen_again_and_a_morphed_form_does_not(
    client: FlaskClient,
) -> None:
    def answer(headers: dict[str, str] | None) -> str:
        return compose(client, headers, to="no", attachments=[(io.BytesIO(b"x"), "x.txt")]).text

    assert "Choose your files again" in answer(None)
    assert "Choose your files again" not in answer(HTMX)


def test_the_same_form_twice_is_one_job(client: FlaskClient, postroom: Postroom) -> None:
    key = "k" * 20
    assert job_of(compose(client, key=key)) == job_of(compose(client, key=key))
    assert sum(postroom.jobs.counts().values()) == 1


def test_a_sent_form_that_was_changed_asks_first(client: FlaskClient, postroom: Postroom) -> None:
    key = "k" * 20
    first = job_of(compose(client, key=key))
    changed = compose(client, key=key, subject="Changed")
    assert changed.status_code == 422
    assert f'href="/jobs/{first}"' in changed.text
    assert 'value="Changed"' in changed.text
    again = hidden(changed.text, "key")
    assert again != key
    assert job_of(compose(client, key=again, subject="Changed")) != first
    assert sum(postroom.jobs.counts().values()) == 2


def test_htmx_is_sent_to_the_job(client: FlaskClient) -> None:
    answer = compose(client, HTMX)
    assert answer.status_code == 204
    assert re.fullmatch(r"/jobs/[0-9a-z]{26}", answer.headers["HX-Redirect"])


def test_the_form_keeps_its_key_when_it_is_loaded_again(client: FlaskClient) -> None:
    first = client.get("/compose?to=ann@mailbox.test&subject=Hi", follow_redirects=True)
    again = client.get(first.request.full_path)
    assert hidden(first.text, "key") == hidden(again.text, "key")
    assert 'value="ann@mailbox.test"' in again.text
    assert hidden(client.get("/compose", follow_redirects=True).text, "key") != hidden(first.text, "key")


@pytest.mark.parametrize(
    ("local", "exact", "expected"),
    [
        ("2030-01-31T10:00", "2030-01-31T09:00:00.000Z", "2030-01-31T09:00:00+00:00"),  # as app.js fills it in
        ("2030-01-31T10:00", "", "2030-01-31T10:00:00+00:00"),  # without JavaScript: UTC
        ("2030-01-31T10:00:30", "", "2030-01-31T10:00:30+00:00"),
    ],
)
def test_a_send_time_is_the_instant_meant(
    client: FlaskClient,
    postroom: Postroom,
    monkeypatch: pytest.MonkeyPatch,
    local: str,
    exact: str,
    expected: str,
) -> None:
    from datetime import UTC, datetime

    monkeypatch.setattr("tasks.clock.now", lambda: datetime(2029, 12, 1, tzinfo=UTC))
    job = postroom.jobs.read(job_of(compose(client, send_at_local=local, send_at=exact)))
    assert job is not None
    assert job.head.state == State.SCHEDULED
    assert job.card.send_at_us is not None
    assert from_us(job.card.send_at_us).isoformat() == expected


def test_a_cleared_send_time_means_now(client: FlaskClient, postroom: Postroom) -> None:
    job = postroom.jobs.read(job_of(compose(client, send_at_local="", send_at="2030-01-31T09:00:00.000Z")))
    assert job is not None
    assert job.head.state == State.QUEUED


def test_a_form_without_its_token_is_refused(client: FlaskClient) -> None:
    assert compose(client, csrf_token="").status_code == 400


@pytest.fixture
def small(settings: Settings) -> Iterator[Flask]:
    """An application that takes messages of 10 kB at most."""
    app = create_app(settings.model_copy(update={"max_message_bytes": 10_000}))
    yield app
    app.extensions["postroom"].redis.close()


def test_too_large_a_file_is_an_error_at_the_field(small: Flask) -> None:
    answer = compose(small.test_client(), attachments=[(io.BytesIO(b"x" * 20_000), "x.bin")], subject="Kept")
    assert answer.status_code == 422
    assert re.search(r'id="attachments-error">.*?at most 10 kB', answer.text, re.DOTALL)
    assert 'value="Kept"' in answer.text


def test_far_too_large_a_form_is_a_sentence(small: Flask) -> None:
    body, kind = b"x" * 1_200_000, "multipart/form-data; boundary=x"
    answer = small.test_client().post("/compose", data=body, content_type=kind, headers=HTMX)
    assert answer.status_code == 413
    assert "data-problem" in answer.text


def test_far_too_large_a_form_is_a_page_that_says_so_at_its_files(small: Flask) -> None:
    body, kind = b"x" * 1_200_000, "multipart/form-data; boundary=x"
    answer = small.test_client().post("/compose", data=body, content_type=kind)
    assert answer.status_code == 413
    assert re.search(r'id="attachments-error">.*far too large', answer.text, re.DOTALL)
    assert hidden(answer.text, "key")


def test_while_redis_is_away_what_was_typed_is_kept(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    away = create_app(Settings(redis_url=f"unix://{tmp_path}/none.sock", data_dir=tmp_path))
    key, ours = app.config["SECRET_KEY"], app.extensions["postroom"]
    assert key
    app.extensions["postroom"] = replace(away.extensions["postroom"], settings=ours.settings)
    try:
        page, fragment = compose(client, subject="Kept"), compose(client, HTMX, subject="Kept")
    finally:
        app.extensions["postroom"] = ours
    assert (page.status_code, fragment.status_code) == (503, 503)
    assert "Not sent yet" in page.text
    assert 'value="Kept"' in page.text
    assert "data-problem" in fragment.text, "htmx leaves the form as it is, and says this beside it"
