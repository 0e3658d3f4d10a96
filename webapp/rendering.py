"""Pages, rendered."""

from __future__ import annotations

from flask import Response, make_response, render_template


def page(template: str, status: int = 200, **context: object) -> Response:
    """A page. Browsers may keep it for their back button, with what was typed into it, and for nothing else."""
    response = make_response(render_template(template, **context), status)
    response.headers["Cache-Control"] = "private, no-cache"
    return response
