"""Who may ask: programs of this machine and our own pages, and no other site."""

from __future__ import annotations

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from webapp import guard, problems
from webapp.guard import is_loopback

OURS = "http://localhost"
FOREIGN = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
NEIGHBOUR = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}


@pytest.fixture
def client() -> FlaskClient:
    """The guard alone, before three views that would do anything for anybody."""
    app = Flask(__name__)
    guard.init_app(app)
    problems.init_app(app)
    app.add_url_rule("/page", view_func=lambda: "a page", endpoint="page")
    app.add_url_rule("/act", view_func=lambda: "done", endpoint="act", methods=["POST"])
    app.add_url_rule("/api/act", view_func=lambda: "done", endpoint="api_act", methods=["POST", "PUT", "DELETE"])
    app.add_url_rule("/own", view_func=_own_headers, endpoint="own")
    return app.test_client()


def _own_headers() -> Response:
    response = Response("mail")
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["Cache-Control"] = "max-age=60"
    return response


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:8000", "127.0.0.1", "127.8.8.8:1", "[::1]", "[::1]:8000", "postroom.localhost:8000"],
)
def test_a_loopback_name_with_any_port_is_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/page", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evillocalhost",
        "10.0.0.1",
        "0.0.0.0",
        "[::]",
        "[fe80::1]",
        "127.0.0.1@evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1:80:80",
        "localhost:http",
        "localhost/x",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "[::1",
    ],
)
def test_a_name_that_others_could_own_is_misdirected(client: FlaskClient, host: str) -> None:
    answer = client.get("/page", headers={"Host": host})
    assert answer.status_code == 421
    assert not is_loopback(host)


def test_a_request_without_a_host_is_malformed(client: FlaskClient) -> None:
    assert client.get("/page", headers={"Host": ""}).status_code == 400


@pytest.mark.parametrize("path", ["/act", "/api/act"])
@pytest.mark.parametrize(
    "headers",
    [
        FOREIGN,
        NEIGHBOUR,
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://evil.example/localhost"},
        {"Origin": "localhost"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Origin": OURS, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_another_site_changes_nothing(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    answer = client.post(path, headers=headers, json={} if path.startswith("/api") else None)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": OURS, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Origin": OURS, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Origin": OURS},
        {"Origin": "https://localhost"},  # a proxy on this machine speaks TLS for us
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_our_own_pages_and_programs_may_change_things(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post("/act", headers=headers).status_code == 200
    assert client.post("/api/act", headers=headers).status_code == 200


def test_a_link_from_another_site_opens_a_page(client: FlaskClient) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/page", headers=link).status_code == 200


@pytest.mark.parametrize(
    ("mode", "target"), [("no-cors", "image"), ("no-cors", "script"), ("cors", "empty"), ("navigate", "iframe")]
)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_embeds_and_fetches_nothing(client: FlaskClient, site: str, mode: str, target: str) -> None:
    asked = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": target}
    assert client.get("/page", headers=asked).status_code == 403


def test_a_fetch_of_an_old_browser_from_another_site_is_refused_by_its_origin(client: FlaskClient) -> None:
    assert client.get("/page", headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.options("/api/act", headers={"Origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/plain; application/json",
    ],
)
@pytest.mark.parametrize("body", [b"", b'{"to": "ann@mailbox.test"}'])
def test_the_api_takes_nothing_that_a_form_can_send(client: FlaskClient, content_type: str, body: bytes) -> None:
    answer = client.post("/api/act", data=body, content_type=content_type)
    assert answer.status_code == 415
    assert answer.headers["Accept"] == "application/json"


def test_a_body_without_a_content_type_is_not_taken_for_json(client: FlaskClient) -> None:
    assert client.post("/api/act", data=b"{}").status_code == 415
    assert client.put("/api/act", data=b"{}").status_code == 415
    chunked = {"Transfer-Encoding": "chunked"}
    assert client.post("/api/act", headers=chunked).status_code == 415


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_the_api_takes_json(client: FlaskClient, content_type: str) -> None:
    assert client.post("/api/act", data=b"{}", content_type=content_type).status_code == 200


def test_every_answer_carries_the_security_headers(client: FlaskClient) -> None:
    foreign = {"Host": "evil.example"}
    for answer in (client.get("/page"), client.get("/nothing"), client.get("/page", headers=foreign)):
        for name, value in guard.HEADERS.items():
            assert answer.headers[name] == value


def test_an_answer_keeps_the_policy_and_the_caching_it_chose(client: FlaskClient) -> None:
    answer = client.get("/own")
    assert answer.headers.getlist("Content-Security-Policy") == ["sandbox"]
    assert answer.headers["Cache-Control"] == "max-age=60"


def test_the_policy_allows_nothing_inline_and_no_other_origin() -> None:
    policy = guard.CONTENT_SECURITY_POLICY
    assert policy.startswith("default-src 'none';")
    for weakness in ("unsafe", "http", "*", "blob:"):
        assert weakness not in policy
