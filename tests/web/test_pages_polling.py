"""Polling: 304 for one small read while nothing changed, the fragment when something did, nothing for what is final."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.making import make_spec
from tests.web.pages import HTMX, token
from webapp.context import Postroom


def poll(client: FlaskClient, url: str, tag: str = "") -> TestResponse:
    return client.get(url, headers=HTMX | ({"HX-PTag": tag} if tag else {}))


def commands(postroom: Postroom) -> Counter[str]:
    """How often Redis has run each command, without this one and the client's own health check."""
    stats = postroom.redis.info("commandstats")
    counts = {name.removeprefix("cmdstat_"): stats[name]["calls"] for name in stats}
    return Counter({name: count for name, count in counts.items() if name not in ("info", "ping")})


@pytest.fixture
def job_id(postroom: Postroom) -> str:
    return postroom.desk.submit(make_spec()).job_id


@pytest.mark.parametrize("name", ["overview", "jobs", "jobs?state=queued&tag=a", "dead-letters", "job", "mailbox"])
def test_what_did_not_change_costs_one_small_read_and_renders_nothing(
    client: FlaskClient, postroom: Postroom, job_id: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.clock.now_us", lambda: 1_700_000_000_000_000)  # the overview's tag has the time in it
    url = f"/partials/jobs/{job_id}" if name == "job" else f"/partials/{name}"
    first = poll(client, url)
    assert first.status_code == 200
    before = commands(postroom)
    monkeypatch.setattr("flask.templating._render", lambda *_: pytest.fail("this was rendered"))
    same = poll(client, url, first.headers["HX-PTag"])
    assert (same.status_code, same.data) == (304, b"")
    assert sum((commands(postroom) - before).values()) == 1, commands(postroom) - before


def test_an_unchanged_answer_says_no_more_than_it_must_and_opens_no_session(client: FlaskClient, job_id: str) -> None:
    assert token(client)
    first = poll(client, "/partials/jobs")
    assert client.get_cookie("postroom_8000") is not None
    same = poll(client, "/partials/jobs", first.headers["HX-PTag"])
    assert set(same.headers) == {
        ("HX-PTag", first.headers["HX-PTag"]),
        ("Cache-Control", "no-store"),
        ("Vary", "Accept-Encoding"),
    }


@pytest.mark.parametrize("name", ["overview", "jobs", "job"])
def test_what_changed_comes_with_a_new_tag(client: FlaskClient, postroom: Postroom, job_id: str, name: str) -> None:
    url = f"/partials/jobs/{job_id}" if name == "job" else f"/partials/{name}"
    old = poll(client, url).headers["HX-PTag"]
    postroom.desk.cancel(job_id)
    new = poll(client, url, old)
    assert new.status_code == 200
    assert new.headers["HX-PTag"] != old
    assert "Canceled" in new.text


def test_the_page_knows_the_tag_so_that_its_first_poll_is_already_cheap(client: FlaskClient, job_id: str) -> None:
    for page, fragment in ((f"/jobs/{job_id}", f"/partials/jobs/{job_id}"), ("/jobs", "/partials/jobs")):
        tag = poll(client, fragment).headers["HX-PTag"]
        assert f'hx-ptag="{tag}"' in client.get(page).text


def test_another_list_has_another_tag(client: FlaskClient, job_id: str) -> None:
    urls = ("/partials/jobs", "/partials/jobs?state=queued", "/partials/jobs?state=sent")
    assert len({poll(client, url).headers["HX-PTag"] for url in urls}) == 3


def test_a_captured_mail_changes_the_mailbox_and_nothing_else(client: FlaskClient, postroom: Postroom) -> None:
    mails, jobs = (poll(client, url).headers["HX-PTag"] for url in ("/partials/mailbox", "/partials/jobs"))
    postroom.mailbox.add("a@mailbox.test", ["b@mailbox.test"], b"Subject: Hi\r\n\r\nHi\r\n", subject="Hi")
    assert poll(client, "/partials/mailbox", mails).status_code == 200
    assert poll(client, "/partials/jobs", jobs).status_code == 304


@pytest.mark.parametrize("page", ["/", "/jobs", "/jobs/{}", "/dead-letters", "/bulks", "/workers", "/mailbox"])
def test_a_change_is_on_screen_within_a_second_and_a_half(client: FlaskClient, job_id: str, page: str) -> None:
    pauses = re.findall(r'hx-trigger="every (\d+)ms"', client.get(page.format(job_id)).text)
    assert len(pauses) == 2, "the page's own region and the notice; in milliseconds, htmx reads no fractions"
    assert all(500 <= int(pause) < 1500 for pause in pauses)


def test_a_final_job_is_not_polled(client: FlaskClient, postroom: Postroom) -> None:
    job_id = postroom.desk.submit(make_spec()).job_id
    assert 'hx-trigger="every 1000ms"' in poll(client, f"/partials/jobs/{job_id}").text
    postroom.desk.cancel(job_id)
    final = poll(client, f"/partials/jobs/{job_id}").text
    # Without a trigger an hx-get would wait for a click.
    root = final[: final.index(">")]
    assert "hx-get" not in root
    assert "hx-trigger" not in root
    assert f'data-fragment="/partials/jobs/{job_id}"' in root


@pytest.mark.parametrize("name", ["overview", "jobs", "mailbox"])
def test_a_fragment_has_one_root_and_is_never_kept(client: FlaskClient, job_id: str, name: str) -> None:
    answer = poll(client, f"/partials/{name}")
    assert answer.text.lstrip().startswith(f'<div id="{name}"')
    assert answer.text.rstrip().endswith("</div>")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_job_that_is_gone_is_404(client: FlaskClient) -> None:
    for job_id in ("01hgw2bbg00000000000000000", "nonsense"):
        assert poll(client, f"/partials/jobs/{job_id}").status_code == 404


def test_a_verb_answers_htmx_with_the_job_as_it_is_now(client: FlaskClient, job_id: str) -> None:
    answer = client.post(f"/jobs/{job_id}/cancel", data={"csrf_token": token(client)}, headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div id="job"')
    assert "Canceled" in answer.text


def test_a_verb_leads_a_plain_browser_back_to_the_job(client: FlaskClient, job_id: str) -> None:
    answer = client.post(f"/jobs/{job_id}/cancel", data={"csrf_token": token(client)})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/jobs/{job_id}")


def test_a_verb_that_the_state_does_not_allow_is_409(client: FlaskClient, postroom: Postroom, job_id: str) -> None:
    postroom.desk.cancel(job_id)
    answer = client.post(f"/jobs/{job_id}/retry", data={"csrf_token": token(client)}, headers=HTMX)
    assert answer.status_code == 409
    assert "A job that is canceled cannot be retried." in answer.text


@pytest.mark.parametrize("verb", ["retry", "cancel", "discard", "resolve"])
def test_a_verb_needs_the_form_token(client: FlaskClient, postroom: Postroom, job_id: str, verb: str) -> None:
    assert client.post(f"/jobs/{job_id}/{verb}", data={"answer": "arrived"}).status_code == 400
    assert postroom.jobs.revision(job_id) == 1


def test_the_pulse_asks_redis(app: Flask, client: FlaskClient) -> None:
    assert client.get("/partials/pulse").status_code == 204
