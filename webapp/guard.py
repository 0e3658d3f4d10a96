"""Who may ask: this machine's programs and our own pages, and no other site that a browser has open.

Until there are users, whoever can reach the port may do everything, so the port must be reachable from this machine
only. A browser on this machine runs other people's pages, though, and they can reach it in three ways:

- **DNS rebinding**: a name of theirs that resolves to 127.0.0.1. Then ``Host`` is their name: 421, the status by which
  an origin server rejects a request for an origin that is not its own (RFC 9110, 7.4 and 15.5.20).
- **Requests across sites**, by form, fetch or image. Browsers say so in ``Sec-Fetch-Site`` and, for anything but a
  plain GET, in ``Origin``: 403. Another port of the same host is another origin too. Only a link to a page may come
  from elsewhere: a GET that navigates the whole window.
- **Posts of old browsers** that send neither header: page forms carry a token (Flask-WTF), and the API takes no content
  type that a form can send (415). A body-less post must not name a content type; every form post does.

Programs such as curl send none of these headers, and need none.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, Response, request

from webapp.problems import ProblemError, is_json_path

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with that, browsers write "Origin: null" on our own forms too.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
"""On every answer that has a body and does not set its own."""


def init_app(app: Flask) -> None:
    """Stand in front of every view of this application. Before anything that reads the request's body."""
    app.before_request(_check_host)
    app.before_request(_check_origin)
    app.before_request(_check_content_type)
    app.after_request(_add_headers)


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Does this ``Host`` (a port may follow) name this machine and nothing else can?"""
    try:
        parts = urlsplit(f"//{host}")
        name = parts.hostname or ""
        _ = parts.port  # raises where it is none
    except ValueError:
        return False
    if parts.netloc != host or "@" in host:
        return False
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, 6.3
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_host() -> None:
    host = request.environ.get("HTTP_HOST")
    if not host:
        raise ProblemError(400, "The request has no Host header. HTTP/1.1 wants one (RFC 9112, 3.2).")
    if not is_loopback(host):
        raise ProblemError(
            421,
            f"This is not {host}: Postroom answers only under a name of this machine, such as 127.0.0.1 or localhost. "
            "To use it from elsewhere, open a tunnel (ssh -L 8000:127.0.0.1:8000).",
        )


def _check_origin() -> None:
    origin = request.environ.get("HTTP_ORIGIN")
    site = request.environ.get("HTTP_SEC_FETCH_SITE", "none")
    if origin is not None and not _is_ours(origin):
        raise ProblemError(403, f"This request comes from {origin}, and only Postroom's own pages may ask here.")
    if site in ("same-origin", "none") or _is_link():
        return
    raise ProblemError(403, "Another site's page made this request, and only Postroom's own pages may ask here.")


def _is_ours(origin: str) -> bool:
    """The scheme may differ: a proxy on this machine may speak TLS for us."""
    return origin.partition("://")[2] == request.headers["Host"]


def _is_link() -> bool:
    """A navigation of a whole window: what it answers, the other site cannot read."""
    return request.method in SAFE_METHODS and request.headers.get("Sec-Fetch-Dest") == "document"


def _check_content_type() -> None:
    if request.method in SAFE_METHODS or not is_json_path():
        return
    if request.mimetype == "application/json" or not (request.mimetype or _has_body()):
        return
    given = request.mimetype or "none"
    raise ProblemError(
        415,
        f'The content type is {given}; send JSON with "Content-Type: application/json" '
        "(curl: -H 'Content-Type: application/json'), or no body and no content type.",
        headers={"Accept": "application/json"},
    )


def _has_body() -> bool:
    return bool(request.content_length) or "chunked" in request.headers.get("Transfer-Encoding", "")


def _add_headers(response: Response) -> Response:
    headers = response.headers
    if response.status_code == 304:  # what the asker keeps has them all (RFC 9110, 15.4.5)
        headers.setdefault("Cache-Control", HEADERS["Cache-Control"])
        return response
    given = {name.lower() for name, _ in headers}
    headers.extend((name, value) for name, value in HEADERS.items() if name.lower() not in given)
    return response
