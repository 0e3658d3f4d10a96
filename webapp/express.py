"""The call that programs make all day, without what Flask does around a view.

``POST /api/jobs`` spends more on routing, contexts and hooks than on its view. So a plain one is answered here: no
browser sent it, its body is JSON of a known length, and a job comes of it. Everything else goes on to Flask as it came,
body included, and is answered there: what is refused, and how, has one home in ``guard``, ``body`` and ``api``.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from tasks.domain import spec
from webapp import body, compression, guard, query, views

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from tasks.domain.job import Job
    from webapp.context import Postroom

PATH = "/api/jobs"
FAILED = "postroom.failed"
"""Where the WSGI environment holds the error that a submission met here: Flask's view raises it, and does not submit
again what may have been taken."""
_UNUSUAL = {"HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_TRANSFER_ENCODING"}
"""What browsers send, and bodies without a length."""
_HEADERS = [("Content-Type", "application/json"), ("Vary", "Accept-Encoding"), *guard.HEADERS.items()]


class Express:
    """A WSGI application in front of another."""

    def __init__(self, beyond: WSGIApplication, postroom: Postroom, largest: int) -> None:
        self._beyond = beyond
        self._desk = postroom.desk
        self._relay = postroom.settings.relay_name
        self._largest = largest

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The 202 of a plain submission; for the rest, what the other answers."""
        job = self._take(environ) if self._is_plain(environ) else None
        if job is None:
            return self._beyond(environ, start_response)
        document = views.job_document(job, self._relay).model_dump_json(by_alias=True).encode()
        packed = compression.pack(document, environ.get("HTTP_ACCEPT_ENCODING", ""))
        encoding = [] if packed is None else [("Content-Encoding", "gzip")]
        sent = document if packed is None else packed
        own = [("Location", f"{PATH}/{job.id}"), ("Content-Length", str(len(sent)))]
        start_response("202 ACCEPTED", [*_HEADERS, *own, *encoding])
        return [sent]

    def _is_plain(self, environ: WSGIEnvironment) -> bool:
        return (
            environ["PATH_INFO"] == PATH
            and environ["REQUEST_METHOD"] == "POST"
            and not environ.get("QUERY_STRING")
            and environ.get("CONTENT_TYPE") == "application/json"
            and 0 < _number(environ.get("CONTENT_LENGTH", "")) <= self._largest
            and _UNUSUAL.isdisjoint(environ)
            and guard.is_loopback(environ.get("HTTP_HOST", ""))
        )

    def _take(self, environ: WSGIEnvironment) -> Job | None:
        """The job that was accepted; None where Flask has to say what it is instead."""
        length = int(environ["CONTENT_LENGTH"])
        raw = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = BytesIO(raw)
        key = environ.get("HTTP_IDEMPOTENCY_KEY")
        if len(raw) < length or (key is not None and not query.KEY.fullmatch(key)):
            return None
        try:
            parsed = spec.parse(body.read_object(raw), self._desk.defaults)
            return None if isinstance(parsed, list) else self._desk.submit(parsed, key=key).job
        except Exception as problem:  # noqa: BLE001 - Flask's view raises it, and whoever handles it there does
            environ[FAILED] = problem
            return None


def _number(digits: str) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else 0
