"""The documents: the body of a JSON answer and, unchanged, all that a page's partial gets.

With ``StrictUndefined`` a partial cannot show what the API lacks. Instants are RFC 3339 in UTC with Z.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Instant = str


class Document(BaseModel):
    """The base: frozen, and complete (every field is always there)."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def body(self) -> dict[str, Any]:
        """As plain data for JSON, under the API's names."""
        return self.model_dump(mode="json", by_alias=True)


class ReplyDocument(Document):
    """A server's reply."""

    code: int
    text: str


class RecipientDocument(Document):
    """One recipient, and what became of it."""

    address: str = Field(description="As submitted, display name included.")
    kind: Literal["to", "cc", "bcc"]
    outcome: Literal["pending", "accepted", "deferred", "rejected", "unknown"]
    reply: ReplyDocument | None = Field(description="The latest reply that decided the outcome.")
    attempt: int | None = Field(description="The number of the attempt that decided it.")


class ExchangeDocument(Document):
    """One command of the SMTP conversation, and its reply."""

    command: str
    reply: ReplyDocument | None = Field(description="Null: the connection was lost before the reply.")
    at_seconds: float


class AttemptDocument(Document):
    """One run of the job that came as far as MAIL."""

    number: int
    worker: str
    relay: str
    started_at: Instant
    duration_seconds: float
    accepted: int
    deferred: int
    rejected: int
    unknown: int
    summary: str = Field(description='In words: "Accepted for 1 recipient.", "Deferred: 451 4.7.1 try later".')
    fault: str | None = Field(description="Why the conversation broke off, in words.")
    exchanges: list[ExchangeDocument]


class TimelineDocument(Document):
    """One thing that happened."""

    at: Instant
    event: str = Field(description="accepted, attempt, retrying, canceled, reopened, lapsed, unknown, resolved ...")
    text: str


class JobDocument(Document):
    """A job, whole."""

    id: str
    state: str
    final: bool
    headline: str = Field(description="What happened, in words.")
    next_step: str | None = Field(description="What comes next, in words; null where nothing does by itself.")
    celery_state: str
    revision: int
    sender: str = Field(alias="from")
    to: list[str]
    cc: list[str]
    bcc: list[str]
    reply_to: list[str]
    subject: str
    priority: Literal["high", "normal", "low"]
    tags: list[str]
    batch: str | None
    message_id: str
    size_bytes: int
    relay: str
    accepted_at: Instant
    send_at: Instant | None
    finished_at: Instant | None
    next_attempt_at: Instant | None
    give_up_at: Instant | None
    attempt: int = Field(description="How many attempts there were.")
    max_attempts: int = Field(description="The number of the last attempt that may be made.")
    on_unknown: Literal["hold", "resend"]
    recipients: list[RecipientDocument]
    attempts: list[AttemptDocument]
    timeline: list[TimelineDocument]
    actions: list[str] = Field(description="The operator's verbs that the state allows: retry, cancel ...")
    url: str


class JobSummary(Document):
    """A job as a line of the list."""

    id: str
    state: str
    final: bool
    sender: str = Field(alias="from")
    to: list[str]
    recipients: int
    subject: str
    priority: str
    tags: list[str]
    accepted_at: Instant
    finished_at: Instant | None
    next_attempt_at: Instant | None
    attempt: int
    max_attempts: int
    headline: str
    url: str


class CountDocument(Document):
    """How many jobs a filter means."""

    count: int
    exact: bool = Field(description="False: there are at least so many.")


class JobsDocument(Document):
    """A page of the list. With a rare combination of filters it may be short, and its cursor leads on."""

    jobs: list[JobSummary]
    next_cursor: str | None
    counts: dict[str, int] = Field(description='Jobs in each state, and "all", whatever the filter.')
    matching: CountDocument


class PartDocument(Document):
    """An attachment of a message."""

    index: int
    filename: str
    content_type: str
    size_bytes: int


class MessageDocument(Document):
    """A message, taken apart for reading."""

    headers: list[tuple[str, str]]
    text: str | None
    html: str | None = Field(description="As received. Pages show it sanitised, in a sandboxed frame.")
    attachments: list[PartDocument]
    size_bytes: int


class MailDocument(Document):
    """A message that the local mailbox captured, as a line of its list."""

    id: str
    received_at: Instant
    mail_from: str
    rcpt_tos: list[str]
    sender: str = Field(alias="from")
    to: str
    subject: str
    message_id: str | None
    job_id: str | None
    size_bytes: int
    unread: bool = Field(description="Nobody has opened its page yet, and no call marked it as read.")


class MailboxDocument(Document):
    """A page of the local mailbox."""

    messages: list[MailDocument]
    count: int = Field(description="All mails, or all of the recipient asked for; whatever is searched for.")
    unread: int = Field(description="How many of all mails are unread.")
    searched: int | None = Field(description="How many mails the search looked through; null without a search.")
    next_cursor: str | None


class OpenMailDocument(Document):
    """A captured mail, whole."""

    mail: MailDocument
    message: MessageDocument


class ChangedDocument(Document):
    """How many mails a call changed."""

    changed: int


class Place(Document):
    """Where mail goes, on every page."""

    relay: str
    local: bool
