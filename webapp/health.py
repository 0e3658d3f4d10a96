"""``/healthz``: this process answers. ``/readyz``: mail that is accepted now will move."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from tasks.health import readiness
from webapp.context import postroom

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    """Alive, whatever Redis does."""
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> Response:
    """200 or 503, and what was looked at."""
    state = readiness(postroom().settings, postroom().redis)
    response = jsonify(status="ready" if state.ready else "not ready", checks=state.checks)
    response.status_code = 200 if state.ready else 503
    return response
