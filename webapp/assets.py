"""Static files under a URL that names their content, so that browsers may keep them for ever.

One digest stands for the whole tree: ``/assets/<digest>/app.js``. A style sheet's relative ``url(vendor/...)`` is
then covered as well, without anything being rewritten.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask, Response, send_from_directory

from tasks.domain.errors import StartError
from webapp import compression

STATIC = Path(__file__).resolve().parent.parent / "static"
FETCHED = ("vendor/htmx.min.js", "vendor/hx-ptag.min.js", "vendor/inter-latin.woff2")
YEAR_SECONDS = 31_536_000


def install(app: Flask, root: Path = STATIC) -> None:
    """Serve ``root`` and give templates ``asset(name)``; :class:`StartError` where set-up has not fetched all of it."""
    missing = [name for name in FETCHED if not (root / name).is_file()]
    if missing:
        raise StartError(f"static/{missing[0]} is missing: `make setup` fetches the front-end assets")
    digest = digest_of(root)

    def asset(name: str) -> str:
        if not (root / name).is_file():
            raise LookupError(f"no such asset: {name}")
        return f"/assets/{digest}/{name}"

    def serve(asked: str, name: str) -> Response:
        # A page of an older build asks for an older digest: it gets today's file, and may not keep it.
        response = send_from_directory(root, name, max_age=YEAR_SECONDS if asked == digest else 0)
        if response.mimetype in compression.TEXT:
            response.vary.add("Accept-Encoding")
            if compression.wanted() and response.status_code == 200:
                _pack(response, root / name)
        response.cache_control.public = True
        response.cache_control.immutable = asked == digest
        return response

    app.add_url_rule("/assets/<asked>/<path:name>", endpoint="asset", view_func=serve)
    app.jinja_env.globals["asset"] = asset


def _pack(response: Response, path: Path) -> None:
    """Put the compressed file into the answer."""
    response.close()
    response.direct_passthrough = False
    response.set_data(compression.packed(path, path.stat().st_mtime_ns))
    response.headers["Content-Encoding"] = "gzip"
    if (tag := response.get_etag()[0]) is not None:
        response.set_etag(f"{tag}-gzip")


def digest_of(root: Path) -> str:
    """A short hash of every file's name and content."""
    total = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        total.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()[:16]
