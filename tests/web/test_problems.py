"""Every error once: JSON for the API, a sentence for htmx, a page for people; Redis's troubles in plain words."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from flask import Flask, abort, redirect
from flask.testing import FlaskClient
from flask_wtf.csrf import CSRFError
from redis import exceptions
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from tasks.domain.spec import FieldError
from tasks.settings import Settings
from webapp import create_app, problems, redis_trouble
from webapp.problems import ProblemDocument, ProblemError

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HTMX = {"HX-Request": "true", "Accept": "text/html, */*"}
TROUBLES: list[tuple[exceptions.RedisError, str]] = [
    (exceptions.ConnectionError("Connection refused"), "cannot be reached"),
    (exceptions.TimeoutError("Timeout reading"), "does not answer in time"),
    (exceptions.BusyLoadingError("Redis is loading", status_code="LOADING"), "reading its data from disk"),
    (exceptions.OutOfMemoryError("command not allowed", status_code="OOM"), "Redis is full"),
    (exceptions.ResponseError("MISCONF Errors writing to the AOF file"), "cannot write to its disk"),
    (exceptions.ResponseError("Command # 1 (SET) of pipeline caused error: MISCONF Errors writing"), "its disk"),
    (exceptions.ReadOnlyError("You can't write", status_code="READONLY"), "read-only replica"),
    (exceptions.AuthenticationError("invalid", status_code="WRONGPASS"), "REDIS_URL"),
    (exceptions.NoPermissionError("no permissions", status_code="NOPERM"), "rights"),
]


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    problems.init_app(app)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def failing(app: Flask, path: str, error: Exception) -> FlaskClient:
    """A client of an application whose ``path`` fails."""

    def fail() -> str:
        raise error

    app.add_url_rule(path, view_func=fail, endpoint="fail", methods=["GET", "POST"])
    return app.test_client()


def problem_of(answer: TestResponse) -> ProblemDocument:
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == answer.status_code
    return ProblemDocument.model_validate(answer.get_json())


@pytest.mark.parametrize("path", ["/api", "/api/nothing", "/job-status/", "/start-job/x", "/send-email/x"])
def test_the_apis_paths_answer_in_json_whatever_is_accepted(client: FlaskClient, path: str) -> None:
    problem = problem_of(client.get(path, headers=BROWSER))
    assert problem.title == "Not Found"
    assert problem.detail == f"There is nothing at {path}."


@pytest.mark.parametrize(
    "accept", ["application/json", "application/problem+json", "application/json, text/html;q=0.5"]
)
def test_whoever_prefers_json_gets_it_on_a_page_too(client: FlaskClient, accept: str) -> None:
    problem_of(client.get("/nothing", headers={"Accept": accept}))


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}, BROWSER])
def test_everyone_else_gets_a_page(client: FlaskClient, headers: dict[str, str]) -> None:
    answer = client.get("/apiary", headers=headers)
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "There is nothing at /apiary." in answer.text


def test_htmx_gets_one_sentence(client: FlaskClient) -> None:
    answer = client.get("/<script>", headers=HTMX)
    assert answer.status_code == 404
    assert answer.text == "<p data-problem>There is nothing at /&lt;script&gt;.</p>"


def test_a_wrong_method_names_the_right_ones(app: Flask) -> None:
    app.add_url_rule("/api/act", view_func=lambda: "done", methods=["POST"])
    answer = app.test_client().get("/api/act")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    assert "GET" in problem_of(answer).detail


def test_a_problem_keeps_its_headers_and_members(app: Flask) -> None:
    error = ProblemError(409, "Too late.", headers={"X-Own": "kept"}, state="sent", allowed_states=["queued"])
    answer = failing(app, "/api/x", error).get("/api/x")
    assert answer.headers["X-Own"] == "kept"
    assert answer.get_json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "Too late.",
        "state": "sent",
        "allowed_states": ["queued"],
    }


def test_field_errors_are_listed(app: Flask) -> None:
    found = [FieldError("to", "Give a recipient."), FieldError("attachments.0.content", "Not base64.")]
    problem = problem_of(failing(app, "/api/x", problems.invalid(found)).post("/api/x"))
    assert problem.status == 422
    assert [(error.field, error.message) for error in problem.errors] == [
        ("to", "Give a recipient."),
        ("attachments.0.content", "Not base64."),
    ]
    assert problem.detail == "2 fields need another look."


def test_the_details_of_an_accident_are_logged_once_and_not_shown(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    answer = failing(app, "/api/x", RuntimeError("the secret")).get("/api/x")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "log says" in problem_of(answer).detail
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [RuntimeError]


@pytest.mark.parametrize(("error", "words"), TROUBLES)
@pytest.mark.parametrize("form", ["json", "htmx", "page"])
def test_a_redis_that_cannot_serve_is_503_in_plain_words(
    app: Flask, caplog: pytest.LogCaptureFixture, error: exceptions.RedisError, words: str, form: str
) -> None:
    path = "/api/x" if form == "json" else "/x"
    answer = failing(app, path, error).get(path, headers=HTMX if form == "htmx" else {})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert words in answer.text
    assert len(caplog.records) == (2 if form == "page" else 1)  # this application has no error page


def test_a_lost_connection_says_that_a_change_may_have_happened() -> None:
    for lost in (exceptions.ConnectionError("reset"), exceptions.TimeoutError("too long")):
        assert "may or may not" in (redis_trouble.explain(lost, changing=True) or "")
        assert "may or may not" not in (redis_trouble.explain(lost, changing=False) or "")
    full = exceptions.OutOfMemoryError("command not allowed", status_code="OOM")
    assert "Nothing was changed" in (redis_trouble.explain(full, changing=True) or "")


def test_a_mistake_of_ours_in_asking_redis_is_no_503(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    answer = failing(app, "/api/x", exceptions.ResponseError("WRONGTYPE Operation against a key")).get("/api/x")
    assert answer.status_code == 500
    assert "WRONGTYPE" not in answer.text
    assert "WRONGTYPE" in caplog.text


def test_a_form_without_its_token_says_what_to_do(app: Flask) -> None:
    answer = failing(app, "/x", CSRFError("The CSRF token is missing.")).post("/x", headers=HTMX)
    assert answer.status_code == 400
    assert "Reload the page" in answer.text


def test_redirects_and_whole_responses_pass_unchanged(app: Flask) -> None:
    app.add_url_rule("/slash/", view_func=lambda: "", endpoint="slash")
    app.add_url_rule("/whole", view_func=lambda: abort(Response("mine", 418)), endpoint="whole")
    app.add_url_rule("/away", view_func=lambda: redirect("/slash/"), endpoint="away")
    client = app.test_client()
    assert client.get("/slash").status_code == 308
    assert client.get("/whole").text == "mine"
    assert client.get("/away").status_code == 302


def test_redis_trouble_is_logged_without_a_stack(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    failing(app, "/api/x", exceptions.ConnectionError("Connection refused")).post("/api/x")
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "Connection refused" in record.message
    assert record.exc_info is None


def test_a_page_under_a_name_of_anothers_shows_nothing_of_ours(settings: Settings) -> None:
    client = create_app(settings).test_client()
    assert "Mail goes to" in client.get("/nothing").text
    misdirected = client.get("/nothing", headers={"Host": "evil.example"})
    assert misdirected.status_code == 421
    assert "Mail goes to" not in misdirected.text


def test_the_error_page_needs_no_redis(tmp_path: Path) -> None:
    away = Settings(redis_url="unix:///nowhere/redis.sock", data_dir=tmp_path)
    answer = create_app(away).test_client().get("/jobs", headers=BROWSER)
    assert answer.status_code == 503
    assert "cannot be reached" in answer.text
    assert "Mail goes to" in answer.text
