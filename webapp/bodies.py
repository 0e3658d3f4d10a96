"""What the API takes and what it answers apart from the documents: as models, for the OpenAPI description.

Submissions are read by ``tasks.domain.spec``, whose sentences are better than a schema's; a test holds the two equal.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.domain.states import State, Verb

Addresses = Annotated[
    str | list[str], Field(description='"Ann <ann@example.org>, bob@example.org" or a list of such strings.')
]


class Body(BaseModel):
    """The base: a name that is not known is an error."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class AttachmentBody(Body):
    """A file that goes with the message."""

    filename: str
    content_type: str | None = Field(None, description="Guessed from the name when left out.")
    content: str = Field(description="In base64.", json_schema_extra={"contentEncoding": "base64"})


class SubmissionBody(Body):
    """A job to be submitted. It has 1 to 50 recipients in all, and a text, an HTML body or both."""

    sender: str | None = Field(None, alias="from", description="EMAIL_FROM when left out.")
    to: Addresses | None = None
    cc: Addresses | None = None
    bcc: Addresses | None = None
    reply_to: Addresses | None = None
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    headers: dict[str, str] | None = Field(None, description="Further header fields.")
    attachments: list[AttachmentBody] | None = None
    send_at: str | None = Field(None, description="Not before this instant.", json_schema_extra={"format": "date-time"})
    priority: Literal["high", "normal", "low"] = "normal"
    tags: list[str] | None = None
    max_attempts: int | None = Field(None, ge=1, description="MAX_ATTEMPTS when left out.")
    give_up_after_seconds: int | None = Field(None, ge=1, description="GIVE_UP_AFTER_SECONDS when left out.")
    on_unknown: Literal["hold", "resend"] = Field(
        "hold", description="When nobody can know whether the relay took it: wait for an operator, or send it again."
    )


class ResolutionBody(Body):
    """What an operator found out about recipients whose outcome is unknown."""

    answer: Literal["arrived", "again"]


class FilterBody(Body):
    """Which jobs are meant: all that is named must be true of a job."""

    state: State | None = None
    recipient: str | None = Field(None, description="An address, or @domain for all of it.")
    tag: str | None = None
    batch: str | None = None
    priority: Literal["high", "normal", "low"] | None = None
    since: str | None = Field(None, description="Accepted then or later.", json_schema_extra={"format": "date-time"})
    until: str | None = Field(None, description="Accepted before then.", json_schema_extra={"format": "date-time"})
    reason: str | None = Field(None, description="The digest of a dead letter's reason.")
    q: str | None = Field(None, description="A job's id, the beginning of one, or a Message-ID.")


class BulkBody(Body):
    """One verb for many jobs: for all that the filter means, or for those that are named."""

    verb: Verb
    filter: FilterBody | None = None
    ids: list[str] | None = Field(None, min_length=1, max_length=1000)
    answer: Literal["arrived", "again"] | None = Field(None, description="With resolve.")


class StartJobBody(Body):
    """The seed's job: a greeting."""

    name: str
    email: str | None = Field(None, description="Needed with a real relay.")


class StartedJob(Body):
    """The seed's answer to a new job."""

    job_id: str
    status: Literal["PENDING"]


class SendEmailBody(Body):
    """The seed's plain mail."""

    to: str
    subject: str
    body: str


class JobStatus(Body):
    """The seed's view of a job, in Celery's words."""

    job_id: str
    state: Literal["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"]
    result: str | None = Field(None, description="With SUCCESS.")
    error: str | None = Field(None, description="With FAILURE, RETRY and REVOKED.")


class NoSuchJob(Body):
    """The seed's answer for an id that nothing is known of."""

    job_id: str
    error: str


class Alive(Body):
    """The web process answers."""

    status: Literal["ok"]


class Readiness(Body):
    """What was looked at, each in a few words."""

    status: Literal["ready", "not ready"]
    checks: dict[str, str]
