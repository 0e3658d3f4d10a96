"""Text answers travel compressed: pages, fragments, JSON, style sheets and scripts.

Is that safe beside the form tokens (BREACH)? What can be learnt from lengths is a secret that stays the same over very
many answers with text of the attacker's choice. A token is signed with its second, so its signature is another one each
second, and the part that stays is worth nothing without it. Nor can another site make a browser ask that often:
``guard`` lets it have nothing but links that a person follows.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

SMALLEST = 1_400
"""Bytes: less goes in one packet anyway."""
QUICK, BEST = 5, 9
TEXT = {
    *("text/html", "text/css", "text/plain", "text/javascript", "application/javascript", "image/svg+xml"),
    *("application/json", "application/problem+json"),
}


def init_app(app: Flask) -> None:
    """Compress what this application answers, where the asker takes it."""
    app.after_request(_compress)


def wanted() -> bool:
    """Does the asker take gzip?"""
    return takes_gzip(request.environ.get("HTTP_ACCEPT_ENCODING", ""))


@lru_cache(maxsize=64)
def takes_gzip(accept_encoding: str) -> bool:
    """Does this ``Accept-Encoding`` take it (RFC 9110, 12.5.3)?"""
    return parse_accept_header(accept_encoding, Accept)["gzip"] > 0


def pack(body: bytes, accept_encoding: str) -> bytes | None:
    """A body compressed, where that is worth it and the asker takes it."""
    worth = len(body) >= SMALLEST and takes_gzip(accept_encoding)
    return gzip.compress(body, QUICK, mtime=0) if worth else None


@lru_cache(maxsize=64)
def packed(path: Path, _changed_ns: int) -> bytes:
    """A file, compressed once and well; ``_changed_ns`` tells one version of it from the next."""
    return gzip.compress(path.read_bytes(), BEST, mtime=0)


def _compress(response: Response) -> Response:
    if response.mimetype not in TEXT or response.is_streamed or "Content-Encoding" in response.headers:
        return response
    if "Vary" in response.headers:
        response.vary.add("Accept-Encoding")
    else:
        response.headers["Vary"] = "Accept-Encoding"
    if response.status_code == 304:
        return response
    packed = pack(response.get_data(), request.environ.get("HTTP_ACCEPT_ENCODING", ""))
    if packed is not None:
        response.set_data(packed)
        response.headers["Content-Encoding"] = "gzip"
    return response
