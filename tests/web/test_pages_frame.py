"""What every page has in common, what they say when there is nothing to show, and the assets they load."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tasks.domain import simulator
from tasks.domain.errors import StartError
from tasks.settings import Settings
from tests.support.making import make_spec
from tests.web.pages import job_of, token
from webapp import assets, create_app
from webapp.context import Postroom

PAGES = ("/", "/jobs", "/jobs?state=dead", "/compose", "/mailbox", "/nowhere")


@pytest.fixture
def relayed(settings: Settings) -> Iterator[FlaskClient]:
    """A Postroom that hands its mail to a real relay."""
    app = create_app(settings.model_copy(update={"smtp_host": "smtp.example.org"}))
    yield app.test_client()
    app.extensions["postroom"].redis.close()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_where_mail_goes(client: FlaskClient, relayed: FlaskClient, path: str) -> None:
    assert "the local mailbox" in _place(client.get(path, follow_redirects=True).text)
    assert "smtp.example.org:587" in _place(relayed.get(path, follow_redirects=True).text)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_anything_that_the_policy_would_refuse(client: FlaskClient, path: str, postroom: Postroom) -> None:
    postroom.desk.submit(make_spec())
    html = client.get(path, follow_redirects=True).text
    assert not re.search(r"<[^>]+ (style|on\w+)=", html)
    assert not re.search(r"<script(?! src=)", html)
    assert "<style" not in html


def test_the_mailbox_is_there_only_where_mail_goes_to_it(client: FlaskClient, relayed: FlaskClient) -> None:
    assert 'href="/mailbox"' in client.get("/").text
    assert 'href="/mailbox"' not in relayed.get("/").text
    assert relayed.get("/mailbox").status_code == 404
    assert relayed.get("/partials/mailbox").status_code == 404


@pytest.mark.parametrize("path", ["/", "/jobs", "/mailbox"])
def test_an_empty_page_explains_the_addresses_that_misbehave(
    client: FlaskClient, relayed: FlaskClient, path: str
) -> None:
    html = client.get(path).text
    for row in simulator.ROWS:
        assert row.address in html
    assert "mailbox.test" not in relayed.get("/").text


@pytest.mark.parametrize("row", simulator.ROWS, ids=lambda row: row.local)
def test_an_address_is_tried_with_one_click(client: FlaskClient, postroom: Postroom, row: simulator.Row) -> None:
    answer = client.post("/try", data={"address": row.address, "csrf_token": token(client)})
    job = postroom.jobs.read(job_of(answer))
    assert job is not None
    assert job.card.rcpt_tos == [row.address]


def test_only_those_addresses_are_tried_with_one_click(client: FlaskClient, relayed: FlaskClient) -> None:
    assert client.post("/try", data={"address": "x@example.org", "csrf_token": token(client)}).status_code == 404
    own = {"address": simulator.ROWS[0].address, "csrf_token": token(relayed)}
    assert relayed.post("/try", data=own).status_code == 404


@pytest.mark.parametrize("path", ["/jobs?state=nonsense", "/jobs?cursor=nonsense", "/mailbox/nonsense", "/jobs/x"])
def test_what_is_not_there_is_404(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_older_jobs_are_on_the_next_page(client: FlaskClient, postroom: Postroom) -> None:
    for number in range(55):
        postroom.desk.submit(make_spec(subject=f"Number {number}"))
    first = client.get("/jobs").text
    older = re.search(r'id="older"[^>]*href="([^"]+)"', first)
    assert older is not None
    second = client.get(older[1].replace("&amp;", "&")).text
    assert (first.count('class="title"'), second.count('class="title"')) == (50, 5)
    assert 'id="newest"' in second


def test_assets_are_kept_for_ever_under_the_name_of_their_content(client: FlaskClient) -> None:
    html = client.get("/").text
    urls = re.findall(r'(?:src|href)="(/assets/[^"]+)"', html)
    assert len(urls) >= 8
    for url in urls:
        with client.get(url) as answer:
            assert answer.status_code == 200, url
            assert "immutable" in answer.headers["Cache-Control"]
    with client.get(re.sub(r"/assets/\w+/", "/assets/0123456789abcdef/", urls[0])) as stale:
        assert stale.status_code == 200
        assert "immutable" not in stale.headers["Cache-Control"]
    assert client.get("/assets/x/../../README.md").status_code == 404


def test_every_file_that_a_style_sheet_names_is_there() -> None:
    for sheet in assets.STATIC.glob("*.css"):
        for name in re.findall(r'url\("([^"]+)"\)', sheet.read_text()):
            assert (assets.STATIC / name).is_file(), f"{sheet.name}: {name}"


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a")
    before = assets.digest_of(tmp_path)
    (tmp_path / "a.css").write_text("b")
    assert assets.digest_of(tmp_path) != before


def test_the_start_fails_clearly_without_the_fetched_assets(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"vendor/htmx\.min\.js is missing: `make setup`"):
        assets.install(Flask(__name__), tmp_path)


def _place(html: str) -> str:
    found = re.search(r'<p class="place">(.*?)</p>', html, re.DOTALL)
    assert found is not None
    return found[1]
