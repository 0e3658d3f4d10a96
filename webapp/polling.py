"""Live regions: one fragment with one root id, asked for again and again, and mostly answered 304.

A region's *tag* is made of the revision that it was rendered from. The browser sends it back in ``HX-PTag``; when it
is still right, nothing is read but the revision and nothing is rendered.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from flask import Response, make_response, render_template, request
from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Live:
    """How a region keeps itself fresh. Without ``seconds`` it is final: never polled, though it can be asked for."""

    url: str
    tag: str
    seconds: float | None

    def __html__(self) -> str:
        """As the attributes of the region's root element.

        ``data-fragment`` is for app.js, which refreshes a page that the browser brought back from its cache. Where
        there is no trigger there must be no ``hx-get`` either: its default trigger is a click. In milliseconds, since
        htmx takes "1.4s" for no time at all.
        """
        if self.seconds is None:
            return Markup('data-fragment="{}"').format(self.url)
        return Markup(
            'data-fragment="{url}" hx-get="{url}" hx-trigger="every {pause}ms" hx-swap="outerMorph" hx-sync="drop" '
            'hx-config="timeout:10s" hx-ptag="{tag}"'
        ).format(url=self.url, pause=round(1000 * self.seconds), tag=self.tag)


def tag_of(revision: int, *query: str | None) -> str:
    """The tag of what ``revision`` and the query give."""
    if not query:
        return str(revision)
    return f"{revision}-{hashlib.sha256(repr(query).encode()).hexdigest()[:8]}"


def unchanged(tag: str) -> Response | None:
    """304 where the browser has what ``tag`` names; None where it must be rendered."""
    if request.headers.get("HX-PTag") != tag:
        return None
    return _uncached(Response(status=304), tag)


def fragment(template: str, live: Live, **context: object) -> Response:
    """One live region, rendered."""
    return _uncached(make_response(render_template(template, live=live, **context)), live.tag)


def _uncached(response: Response, tag: str) -> Response:
    response.headers["HX-PTag"] = tag
    response.headers["Cache-Control"] = "no-store"
    return response
