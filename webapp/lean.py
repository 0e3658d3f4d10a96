"""Flask with less done around each view: for a poll that finds nothing new, that is most of what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response
from flask.ctx import RequestContext
from flask.sessions import NullSession, SessionMixin
from werkzeug.datastructures import Headers
from werkzeug.routing import MapAdapter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_UNOPENED = NullSession()


class LateSession(RequestContext):
    """Opens the session when something asks for it (a form's token does): polls and programs never do."""

    def __init__(self, app: Flask, environ: WSGIEnvironment) -> None:
        super().__init__(app, environ, session=_UNOPENED)

    @property
    def session(self) -> SessionMixin:
        """The session; from here on it is saved at the end."""
        if self._session is _UNOPENED:
            self._session = self.app.session_interface.open_session(self.app, self.request)
        return super().session


class Answer(Response):
    """An answer that goes out as it is.

    A whole body is a list: Granian writes that in one go, and anything else piece by piece."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """The headers themselves, where nothing is left to say; else Werkzeug's checked copy."""
        if self.status_code in (200, 202) and "Content-Length" in self.headers:
            return self.headers
        return super().get_wsgi_headers(environ)

    def get_app_iter(self, environ: WSGIEnvironment) -> Iterable[bytes]:
        """The body."""
        body = super().get_app_iter(environ)
        return list(body) if self.is_sequence and not self._on_close else body


class LeanFlask(Flask):
    """Flask for views that are plain functions and mostly need no session."""

    response_class = Answer

    def request_context(self, environ: WSGIEnvironment) -> RequestContext:
        """What a request has while it is answered."""
        return LateSession(self, environ)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """For a request under whatever host it names (``guard`` has the say), and none outside of requests."""
        if request is None:
            return None
        host, query = request.environ.get("HTTP_HOST", "localhost"), request.query_string.decode(errors="replace")
        return self.url_map.bind(host, None, "", request.scheme, request.method, request.path, query)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: none of ours is a coroutine."""
        return func
