"""Query parameters and headers of the API, read strictly: what is not understood is a 400 that names it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import request

from tasks.domain import filter as filters
from tasks.domain.filter import Filter
from tasks.store.stats import RANGES, Range
from webapp.problems import FieldProblem, ProblemError, bad_parameter, invalid

KEY = re.compile(r"[!-~]{1,255}")
MOST_JOBS, USUAL_JOBS = 200, 50
FILTERS = tuple(filters.READERS)


def parameters(*known: str) -> dict[str, str]:
    """The query, each parameter once at most, and none but these."""
    names = f"Known here: {', '.join(known)}." if known else "None is known here."
    errors = [
        FieldProblem(field=name, message=f"There is no parameter {name}. {names}")
        if name not in known
        else FieldProblem(field=name, message=f"Give {name} once.")
        for name, values in request.args.lists()
        if name not in known or len(values) > 1
    ]
    if errors:
        raise ProblemError(400, errors[0].message, errors=errors)
    return request.args.to_dict()


def wanted(words: Mapping[str, str]) -> Filter:
    """The filter that the parameters say."""
    found = filters.parse(words)
    if isinstance(found, Filter):
        return found
    raise invalid(found, 400)


def span(text: str | None) -> Range:
    """A range of time for the charts."""
    if text is None:
        return "hour"
    if text not in RANGES:
        raise bad_parameter("range", f"range is {', '.join(RANGES)}: the last one by minutes or by hours.")
    return text


def limit(text: str | None) -> int:
    """How many jobs a page has."""
    if text is None:
        return USUAL_JOBS
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MOST_JOBS):
        raise bad_parameter("limit", f"limit is a whole number from 1 to {MOST_JOBS}.")
    return int(text)


def seconds(text: str | None, most: float) -> float:
    """How long to wait."""
    if text is None:
        return 0.0
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        raise bad_parameter("wait", f"wait is a number of seconds from 0 to {most}.")
    return number


def idempotency_key() -> str | None:
    """The request's ``Idempotency-Key``, as it stands."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not KEY.fullmatch(key):
        raise bad_parameter(
            "Idempotency-Key", "An Idempotency-Key has 1 to 255 visible ASCII characters, and no spaces: a UUID is one."
        )
    return key
