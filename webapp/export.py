"""The export: all jobs that a filter means, newest first, as CSV or as JSON lines, streamed page by page."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

from flask import Blueprint, Response

from tasks.domain.filter import Filter
from tasks.domain.job import Job
from tasks.store.finder import Finder
from tasks.store.jobs import Page
from webapp import query, views
from webapp.context import postroom

bp = Blueprint("export", __name__, url_prefix="/api")

PER_PAGE = 200
COLUMNS = [
    *("id", "state", "accepted_at", "finished_at", "next_attempt_at"),
    *("from", "to", "cc", "bcc", "subject", "priority", "tags", "batch"),
    *("attempt", "max_attempts", "message_id", "size_bytes", "headline"),
]
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so would be run by a spreadsheet as a formula."""
CSV, JSON_LINES = "text/csv", "application/jsonl"


@bp.get("/jobs.csv")
def as_csv() -> Response:
    """The jobs as CSV (RFC 4180), one a line under a header."""
    relay = postroom().settings.relay_name
    return _stream(lambda job: csv_line(_cells(job, relay)), CSV, "csv", head=csv_line(COLUMNS))


@bp.get("/jobs.jsonl")
def as_json_lines() -> Response:
    """The jobs as JSON lines: each the document of ``GET /api/jobs/<id>``."""
    relay = postroom().settings.relay_name
    return _stream(
        lambda job: views.job_document(job, relay).model_dump_json(by_alias=True) + "\n", JSON_LINES, "jsonl", head=""
    )


def csv_line(cells: list[str]) -> str:
    """A line of CSV, its cells safe to be opened in a spreadsheet."""
    line = io.StringIO()
    csv.writer(line).writerow([f"'{cell}" if cell.startswith(FORMULAS) else cell for cell in cells])
    return line.getvalue()


def _cells(job: Job, relay: str) -> list[str]:
    document = views.job_document(job, relay).body()
    return [_cell(document[name]) for name in COLUMNS]


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return "" if value is None else str(value)


def _stream(write: Callable[[Job], str], media_type: str, ending: str, *, head: str) -> Response:
    wanted = query.wanted(query.parameters(*query.FILTERS))
    finder = postroom().finder
    # The first page before the answer begins: a Redis that is away is a 503, and not half a file.
    pages = _pages(finder, wanted, finder.page(wanted, PER_PAGE))

    def lines() -> Iterator[str]:
        yield head
        for page in pages:
            yield "".join(write(job) for job in page.jobs)

    response = Response(lines(), mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="jobs.{ending}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _pages(finder: Finder, wanted: Filter, page: Page) -> Iterator[Page]:
    yield page
    while page.next_cursor is not None:
        page = finder.page(wanted, PER_PAGE, page.next_cursor)
        yield page
