"""A copy of a job: the form filled in with all of it, its files included."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient

from tasks.domain.reading import read, unstuff
from tests.support.making import make_spec
from tests.web.asking import UNKNOWN_ID
from tests.web.pages import compose, hidden, job_of
from webapp.context import Postroom

FILES = [{"filename": "one.txt", "content": b"one"}, {"filename": "two.txt", "content": b"two"}]


@pytest.fixture
def job_id(postroom: Postroom) -> str:
    spec = make_spec(
        **{
            "from": "Shop <shop@mailbox.test>",
            "to": "Ann <ann@mailbox.test>, ben@mailbox.test",
            "cc": "cy@mailbox.test",
            "bcc": "di@mailbox.test",
            "reply_to": "desk@mailbox.test",
            "subject": "Preise für Tee",
            "text": "Hallo <Ann>.",
            "html": "<b>Hallo</b>",
            "tags": ["tea", "monthly"],
            "priority": "low",
            "headers": {"X-Campaign": "spring"},
            "attachments": FILES,
        }
    )
    return postroom.desk.submit(spec).job_id


def test_the_form_has_all_of_the_job(client: FlaskClient, postroom: Postroom, job_id: str) -> None:
    assert f"/compose?copy={job_id}" in client.get(f"/jobs/{job_id}").text
    html = client.get(f"/compose?copy={job_id}", follow_redirects=True).text
    for name, value in {
        "from": "Shop <shop@mailbox.test>",
        "to": "Ann <ann@mailbox.test>, ben@mailbox.test",
        "cc": "cy@mailbox.test",
        "bcc": "di@mailbox.test",
        "reply_to": "desk@mailbox.test",
        "subject": "Preise für Tee",
        "tags": "tea, monthly",
        "copy": job_id,
    }.items():
        assert hidden(html, name) == value
    assert "Hallo &lt;Ann&gt;.</textarea>" in html
    assert "&lt;b&gt;Hallo&lt;/b&gt;</textarea>" in html
    assert '<option selected value="low">' in html
    assert html.count('name="keep"') == html.count(" checked") - 1 == 2  # and the box of the shortcuts
    assert "Left behind by this copy: its header X-Campaign." in html
    assert postroom.jobs.counts()["queued"] == 1  # type: ignore[index]


def test_it_is_sent_with_the_files_that_were_kept_and_those_that_were_added(
    client: FlaskClient, postroom: Postroom, job_id: str
) -> None:
    added = (io.BytesIO(b"three"), "three.txt")
    sent = job_of(compose(client, copy=job_id, keep=["1"], attachments=[added]))
    wire = postroom.jobs.content(sent)
    assert wire is not None
    files = [(part.filename, part.content) for part in read(unstuff(wire)).attachments]
    assert files == [("two.txt", b"two"), ("three.txt", b"three")]


def test_without_javascript_an_error_keeps_what_was_kept(client: FlaskClient, job_id: str) -> None:
    html = compose(client, copy=job_id, keep=["1"], to="nobody").text
    assert 'id="keep-1" value="1" checked' in html
    assert 'id="keep-0" value="0">' in html


def test_files_that_are_gone_meanwhile_are_said(client: FlaskClient, postroom: Postroom, job_id: str) -> None:
    postroom.redis.delete(postroom.jobs.keys.content(job_id))
    answer = compose(client, copy=job_id, keep=["0"])
    assert answer.status_code == 422
    assert "no longer kept" in answer.text
    html = client.get(f"/compose?copy={job_id}", follow_redirects=True).text
    assert "Left behind by this copy: its text and files" in html
    assert hidden(html, "subject") == "Preise für Tee"


@pytest.mark.parametrize("name", [UNKNOWN_ID, "nonsense"])
def test_a_copy_of_nothing_is_404(client: FlaskClient, name: str) -> None:
    assert client.get(f"/compose?copy={name}", follow_redirects=True).status_code == 404
