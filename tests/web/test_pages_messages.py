"""A message on a page: its views, the sandboxed frame, and its files."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.support.making import make_spec
from webapp.context import Postroom

HTML = '<h1 style="color:red" onclick="x()">Hi</h1><script>alert(1)</script><img src="https://example.org/spy.gif">'
FILES = [{"filename": "Preise für Tee.txt", "content": b"tea"}]


@pytest.fixture(params=["jobs", "mailbox"])
def url(request: pytest.FixtureRequest, postroom: Postroom) -> str:
    """A job's page, and that of a captured mail with the same message."""
    spec = make_spec(text="Plain <words>", html=HTML, attachments=FILES)
    job_id = postroom.desk.submit(spec).job_id
    if request.param == "jobs":
        return f"/jobs/{job_id}"
    wire = postroom.jobs.content(job_id)
    assert wire is not None
    return f"/mailbox/{postroom.mailbox.add('a@mailbox.test', ['b@mailbox.test'], wire, subject='Hello')}"


def test_it_is_shown_as_text_html_headers_and_source(client: FlaskClient, url: str) -> None:
    assert "Plain &lt;words&gt;" in client.get(url).text
    assert f'<iframe id="frame" src="{url}/message/html" sandbox' in client.get(f"{url}?view=html").text
    assert "<dt>MIME-Version</dt>" in client.get(f"{url}?view=headers").text
    assert "Content-Type: text/html" in client.get(f"{url}?view=source").text
    assert "Plain &lt;words&gt;" in client.get(f"{url}?view=nonsense").text


def test_a_view_comes_alone_for_htmx(client: FlaskClient, url: str) -> None:
    answer = client.get(f"/partials{url}/message?view=headers", headers={"HX-Request": "true"})
    assert answer.text.lstrip().startswith('<section class="section message" id="message"')
    assert 'id="headers"' in answer.text


def test_its_html_is_harmless_and_keeps_its_styles_in_a_frame_of_its_own(client: FlaskClient, url: str) -> None:
    frame = client.get(f"{url}/message/html")
    policy = frame.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "frame-ancestors 'self'" in policy
    assert "style-src 'unsafe-inline'" in policy
    assert "color:red" in frame.text
    for harm in ("<script", "onclick", "example.org/spy.gif"):
        assert harm not in frame.text


def test_its_source_and_its_files_are_downloads(client: FlaskClient, url: str) -> None:
    source = client.get(f"{url}/message")
    assert source.mimetype == "message/rfc822"
    assert source.headers["Content-Disposition"].startswith("attachment")
    file = client.get(f"{url}/message/parts/0")
    assert file.data == b"tea"
    assert file.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''Preise%20f%C3%BCr%20Tee.txt" in file.headers["Content-Disposition"]
    assert file.mimetype == "application/octet-stream", "a browser must not open it"
    assert client.get(f"{url}/message/parts/7").status_code == 404


def test_a_message_without_html_has_no_frame(client: FlaskClient, postroom: Postroom) -> None:
    job_id = postroom.desk.submit(make_spec()).job_id
    assert "view=html" not in client.get(f"/jobs/{job_id}").text
    assert client.get(f"/jobs/{job_id}/message/html").status_code == 404


def test_a_job_whose_content_is_gone_still_has_its_page(client: FlaskClient, postroom: Postroom) -> None:
    job_id = postroom.desk.submit(make_spec()).job_id
    postroom.redis.delete(postroom.jobs.keys.content(job_id))
    assert "no longer kept" in client.get(f"/jobs/{job_id}").text
    assert client.get(f"/jobs/{job_id}/message").status_code == 404


@pytest.mark.parametrize("kind", ["jobs", "mailbox"])
def test_the_message_of_nothing_is_404(client: FlaskClient, kind: str) -> None:
    for identity in ("01hgw2bbg00000000000000000", "nonsense"):
        for rest in ("", "/html", "/parts/0"):
            assert client.get(f"/{kind}/{identity}/message{rest}").status_code == 404
