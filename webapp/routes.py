"""The API's routes as its OpenAPI description tells them: one table. A test holds it equal to what is served."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from tasks.domain.states import State
from tasks.store.keys import LANES
from tasks.store.stats import RANGES
from webapp import bodies, export, query, waiting
from webapp.documents import ChangedDocument, JobDocument, JobsDocument, MailboxDocument, OpenMailDocument
from webapp.documents_bulk import BulkDocument, BulksDocument, DeadLettersDocument
from webapp.documents_overview import LaneDocument, OverviewDocument, WorkersDocument

JSON, MAIL = "application/json", "message/rfc822"
Schema = dict[str, Any]
Answer = type[BaseModel] | str | None
"""A model, given as JSON; a media type alone; or nothing."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the query, the path or a header."""

    name: str
    place: str
    description: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Route:
    """One call. ``refusals`` are the problems that belong to it, besides those that any call may be answered with."""

    call: str
    summary: str
    answers: dict[int, Answer]
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[int, ...] = ()
    body: type[BaseModel] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """Of the successful answer."""

    @property
    def method(self) -> str:
        """``POST``."""
        return self.call.split(" ")[0]

    @property
    def path(self) -> str:
        """``/api/jobs/{job_id}``."""
        return self.call.split(" ")[1]


JOB_ID = Parameter("job_id", "path", "The job's id.", {"type": "string"})
KEY = Parameter(
    "Idempotency-Key",
    "header",
    "The client's key for this submission, kept 24 h. Sent again with the same content: the first answer again.",
    {"type": "string", "pattern": f"^{query.KEY.pattern}$"},
)
STATE = Parameter("state", "query", "Only jobs in this state.", {"enum": [state.value for state in State]})
LIMIT = Parameter(
    "limit",
    "query",
    "How many at most.",
    {"type": "integer", "minimum": 1, "maximum": query.MOST_JOBS, "default": query.USUAL_JOBS},
)
CURSOR = Parameter("cursor", "query", "next_cursor of the page before.", {"type": "string"})
WAIT = Parameter(
    "wait",
    "query",
    "Answer when the job is final, or after so many seconds (at once where too many wait already).",
    {"type": "number", "minimum": 0, "maximum": waiting.MOST_SECONDS, "default": 0},
)
RECIPIENT = Parameter("recipient", "query", "Only mail to this address.", {"type": "string"})

FILTER = tuple(
    STATE if name == "state" else Parameter(name, "query", words, schema)
    for name, words, schema in (
        ("state", "", {}),
        ("recipient", "Only jobs to this address, or to anybody @example.org.", {"type": "string"}),
        ("tag", "Only jobs with this tag.", {"type": "string"}),
        ("batch", "Only jobs of this batch.", {"type": "string"}),
        ("priority", "Only jobs of this priority.", {"enum": ["high", "normal", "low"]}),
        ("since", "Only jobs accepted then or later.", {"type": "string", "format": "date-time"}),
        ("until", "Only jobs accepted before then.", {"type": "string", "format": "date-time"}),
        ("reason", "Only dead letters of this reason, by its digest.", {"type": "string", "pattern": "^[0-9a-f]{16}$"}),
        ("q", "A job's id, the beginning of one, or a Message-ID.", {"type": "string"}),
    )
)
RANGE = Parameter("range", "query", "The throughput's range of time.", {"enum": list(RANGES), "default": "hour"})
LANE = Parameter("lane", "path", "The lane's name.", {"type": "string", "enum": list(LANES)})
MAIL_ID = Parameter("mail_id", "path", "The captured mail's id.", {"type": "string"})
WORDS = Parameter(
    "q", "query", "Words that all stand in its subject, addresses or text; newest mails first.", {"type": "string"}
)
BULK_ID = Parameter("bulk_id", "path", "The bulk's id.", {"type": "string"})

REPLAYED = {"Idempotency-Replayed": '"true" where the same key and content came before.'}
ACCEPTED = {"Location": "The job's address.", **REPLAYED}
ETAG = {"ETag": "Names this revision; If-None-Match is honoured."}
BAD_BODY = (400, 413, 415, 422)

ROUTES = (
    Route("POST /api/jobs", "Submit a job", {202: JobDocument}, (KEY,), BAD_BODY, bodies.SubmissionBody, ACCEPTED),
    Route("GET /api/jobs", "List jobs, newest first", {200: JobsDocument}, (*FILTER, LIMIT, CURSOR), (400,)),
    Route("GET /api/jobs.csv", "Export jobs as CSV", {200: export.CSV}, FILTER, (400,)),
    Route("GET /api/jobs.jsonl", "Export jobs' documents as JSON lines", {200: export.JSON_LINES}, FILTER, (400,)),
    Route(
        "GET /api/jobs/{job_id}", "Read a job", {200: JobDocument, 304: None}, (JOB_ID, WAIT), (400, 404), headers=ETAG
    ),
    Route("GET /api/jobs/{job_id}/message", "Read the message as it is sent", {200: MAIL}, (JOB_ID,), (404,)),
    Route("POST /api/jobs/{job_id}/retry", "Send again to the refused", {200: JobDocument}, (JOB_ID,), (404, 409)),
    Route("POST /api/jobs/{job_id}/cancel", "Withdraw a job not sent yet", {200: JobDocument}, (JOB_ID,), (404, 409)),
    Route("POST /api/jobs/{job_id}/discard", "Put a dead letter away", {200: JobDocument}, (JOB_ID,), (404, 409)),
    Route(
        "POST /api/jobs/{job_id}/resolve",
        "Say what became of recipients nobody could know of",
        {200: JobDocument},
        (JOB_ID,),
        (400, 404, 409, 415, 422),
        bodies.ResolutionBody,
    ),
    Route(
        "GET /api/mailbox",
        "Read the local mailbox, newest first",
        {200: MailboxDocument},
        (RECIPIENT, WORDS, LIMIT, CURSOR),
        (400, 404),
    ),
    Route("DELETE /api/mailbox", "Let all captured mail go", {200: ChangedDocument}, (), (404,)),
    Route("POST /api/mailbox/read", "Mark all captured mail as read", {200: ChangedDocument}, (), (404,)),
    Route("GET /api/mailbox/{mail_id}", "Read a captured mail", {200: OpenMailDocument}, (MAIL_ID,), (404,)),
    Route("DELETE /api/mailbox/{mail_id}", "Let a captured mail go", {200: ChangedDocument}, (MAIL_ID,), (404,)),
    Route("GET /api/mailbox/{mail_id}/message", "Read its source", {200: MAIL}, (MAIL_ID,), (404,)),
    Route("POST /api/mailbox/{mail_id}/read", "Mark it as read", {200: ChangedDocument}, (MAIL_ID,), (404,)),
    Route("GET /api/stats", "Read what the overview shows", {200: OverviewDocument}, (RANGE,), (400,)),
    Route("GET /api/workers", "Read workers, lanes and the relay's health", {200: WorkersDocument}, (), (400,)),
    Route("POST /api/lanes/{lane}/pause", "Let no worker claim from a lane", {200: LaneDocument}, (LANE,), (404,)),
    Route("POST /api/lanes/{lane}/resume", "Let workers claim from it again", {200: LaneDocument}, (LANE,), (404,)),
    Route("GET /api/dead-letters", "Read the dead letters by reason", {200: DeadLettersDocument}, (), (400,)),
    Route(
        "POST /api/bulk",
        "Ask for one verb for many jobs; it is done in the background",
        {202: BulkDocument},
        (),
        BAD_BODY,
        bodies.BulkBody,
        {"Location": "The bulk's address."},
    ),
    Route("GET /api/bulks", "Read the bulks that run, and those of the last 7 days", {200: BulksDocument}, (), (400,)),
    Route("GET /api/bulk/{bulk_id}", "Read how far a bulk has come", {200: BulkDocument}, (BULK_ID,), (404,)),
    Route("POST /api/bulk/{bulk_id}/cancel", "Change no further jobs", {200: BulkDocument}, (BULK_ID,), (404,)),
    Route("GET /api/openapi.json", "This description", {200: JSON}),
    Route(
        "POST /start-job", "Send a greeting", {202: bodies.StartedJob}, (KEY,), BAD_BODY, bodies.StartJobBody, REPLAYED
    ),
    Route(
        "POST /send-email",
        "Send a plain mail",
        {202: bodies.StartedJob},
        (KEY,),
        BAD_BODY,
        bodies.SendEmailBody,
        REPLAYED,
    ),
    Route(
        "GET /job-status/{job_id}",
        "Read a job in Celery's words",
        {200: bodies.JobStatus, 404: bodies.NoSuchJob},
        (JOB_ID,),
    ),
    Route("GET /healthz", "Is the web process alive?", {200: bodies.Alive}),
    Route("GET /readyz", "Will mail that is accepted now move?", {200: bodies.Readiness, 503: bodies.Readiness}),
)
