"""Every error once: as RFC 9457 JSON, as a page, or as a fragment for htmx.

Raise :class:`ProblemError` (or Werkzeug's exceptions, or let a Redis error pass), and the answer fits the asker:

- JSON for the API's paths, and for whoever prefers JSON: ``application/problem+json``;
- a sentence for htmx (``HX-Request``), which swaps no error (``noSwap`` in ``base.html``): app.js shows the
  ``[data-problem]`` and the page stays as it is;
- a page for everyone else: ``errors/error.html``, which gets ``problem``, a :class:`ProblemDocument`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, current_app, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from jinja2 import TemplateError
from markupsafe import Markup
from pydantic import ConfigDict, Field
from redis.exceptions import RedisError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.exceptions import NotFound as NothingHere

from webapp import redis_trouble
from webapp.documents import Document

if TYPE_CHECKING:
    from tasks.domain.spec import FieldError

JSON_PATHS = {"api", "start-job", "job-status", "send-email", "healthz", "readyz"}
"""The first segments of the paths that always answer in JSON."""
log = logging.getLogger(__name__)


class FieldProblem(Document):
    """What is wrong with one field."""

    field: str = Field(description='Its path: "to", "attachments.0.content"; or the name of a header or parameter.')
    message: str


class ProblemDocument(Document):
    """An error, as RFC 9457 writes it; further members belong to the status (409: ``state``, ``allowed_states``)."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="A sentence: what is wrong and what to do.")
    errors: list[FieldProblem] = Field(default_factory=list, description="One for each field that is wrong.")


class ProblemError(HTTPException):
    """An error answer with a sentence for people. ``more`` are further members of the document."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Iterable[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.code = status
        self.problem = ProblemDocument(title=phrase(status), status=status, detail=detail, errors=list(errors), **more)
        self.headers = dict(headers or {})


def invalid(errors: Iterable[FieldError], status: int = 422) -> ProblemError:
    """The parser's field errors as one problem."""
    found = [FieldProblem(field=error.field, message=error.message) for error in errors]
    detail = found[0].message if len(found) == 1 else f"{len(found)} fields need another look."
    return ProblemError(status, detail, errors=found)


def bad_parameter(name: str, message: str) -> ProblemError:
    """A query parameter or header that cannot be read: 400 naming it."""
    return ProblemError(400, message, errors=[FieldProblem(field=name, message=message)])


def init_app(app: Flask) -> None:
    """Answer every error of this application."""
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(RedisError, _redis)


def phrase(status: int) -> str:
    """A status in the words of HTTP."""
    return HTTPStatus(status).phrase


def wants_json() -> bool:
    """The API's paths, whatever they accept; elsewhere whoever prefers JSON to HTML."""
    if is_json_path():
        return True
    if is_fragment():
        return False
    accepted = request.accept_mimetypes
    return max(accepted["application/json"], accepted["application/problem+json"]) > accepted["text/html"]


def is_json_path() -> bool:
    """Is this a path of the API, the seed's included?"""
    return request.path.split("/")[1] in JSON_PATHS


def is_fragment() -> bool:
    """Is it htmx that asks, for a part of a page?"""
    return request.headers.get("HX-Request") == "true"


def http_error(error: HTTPException) -> Response | HTTPException:
    """The answer to an error of HTTP, whoever raised it."""
    if error.response is not None or error.code is None or error.code < 400:
        return error  # a redirect, or a whole response given to abort()
    if isinstance(error, ProblemError):
        return answer(error.problem, error.headers)
    problem = ProblemDocument(title=phrase(error.code), status=error.code, detail=_sentence(error))
    kept = {name: value for name, value in error.get_headers() if name not in ("Content-Type", "Content-Length")}
    return answer(problem, kept)


def _redis(error: RedisError) -> Response:
    trouble = redis_trouble.explain(error, changing=request.method not in ("GET", "HEAD", "OPTIONS"))
    if trouble is None:
        raise error  # not the server's condition but our mistake: a 500
    log.error("%s %s: Redis: %s: %s", request.method, request.path, type(error).__name__, error)
    problem = ProblemDocument(title=phrase(503), status=503, detail=trouble)
    return answer(problem, {"Retry-After": str(redis_trouble.RETRY_AFTER_SECONDS)})


def answer(problem: ProblemDocument, headers: Mapping[str, str] | None = None) -> Response:
    """The problem in the form that the asker reads."""
    if wants_json():
        response = make_response(problem.model_dump_json(exclude=set() if problem.errors else {"errors"}))
        response.mimetype = "application/problem+json"
    elif is_fragment():
        response = make_response(Markup("<p data-problem>{}</p>").format(problem.detail))
    else:
        response = make_response(_page(problem))
    response.status_code = problem.status
    response.headers.update(headers or {})
    return response


def _page(problem: ProblemDocument) -> str:
    """The error page; or, where that fails too (Redis is away, and the page asks it), the bare words. The bare words
    also where we were asked under a name that is another's (421): its pages could read what ours show."""
    if problem.status != 421:
        try:
            return render_template("errors/error.html", problem=problem)
        except (TemplateError, RedisError) as failure:
            current_app.logger.warning("errors/error.html could not be rendered: %r", failure)
    return Markup(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title} · Postroom</title>'
        "<h1>{title}</h1><p data-problem>{detail}</p></html>"
    ).format(title=problem.title, detail=problem.detail)


def _sentence(error: HTTPException) -> str:
    """What to tell people: the error's own words where it has some, ours instead of Werkzeug's generic ones."""
    if isinstance(error, CSRFError):
        return (
            "This form is no longer valid, perhaps because Postroom was set up anew. Reload the page and send it again."
        )
    if isinstance(error, RequestEntityTooLarge):
        most = current_app.config["MAX_CONTENT_LENGTH"]
        return f"The request is too large: at most {most:,} bytes are read. Send smaller or fewer attachments."
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return f"{request.method} is not something to do here; {allowed} is."
    if isinstance(error, NothingHere) and error.description == NothingHere.description:
        return f"There is nothing at {request.path}."
    if error.code == 500:
        return "Something went wrong on our side; the server's log says what. Nothing that was accepted is lost."
    return error.description or phrase(error.code or 500)
