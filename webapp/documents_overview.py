"""The documents of what happens now: throughput, lanes, workers, the relay."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.documents import Document, Instant


class WaitingDocument(Document):
    """The jobs that wait for a worker or for their send time."""

    count: int
    due: int = Field(description="Those of all jobs that a worker could take now, in all lanes.")
    oldest_due_at: Instant | None = Field(description="Since when the first of those has waited.")


class RetryingDocument(Document):
    """The jobs that wait for their next attempt."""

    count: int
    next_at: Instant | None


class StepDocument(Document):
    """A minute or an hour: jobs accepted in it, and attempts that ended in it, by what became of the job."""

    at: Instant = Field(description="Its beginning.")
    accepted: int
    sent: int
    deferred: int = Field(description="To be tried again.")
    partial: int
    dead: int
    unknown: int


class ThroughputDocument(Document):
    """The last hour by minutes, or the last day or week by hours, oldest first. The last step is not over."""

    range: Literal["hour", "day", "week"]
    step_seconds: int
    steps: list[StepDocument]
    p50_seconds: float | None = Field(
        description="Half of the jobs sent in this time had waited no longer: since they were accepted, "
        "or since their send time, or since an operator retried them."
    )
    p95_seconds: float | None


class RefusalDocument(Document):
    """A reason for which recipients were refused in the last 7 days."""

    reason: str
    count: int


class LaneDocument(Document):
    """A lane: one a priority."""

    name: Literal["high", "normal", "low"]
    paused: bool
    due: int = Field(description="Jobs that a worker could take now.")
    later: int = Field(description="Jobs whose time is still to come, or that a worker has in hand.")
    oldest_due_at: Instant | None
    rate: float = Field(description="Attempts a second that were settled of late.")


class HeldDocument(Document):
    """A job in a worker's hand."""

    job_id: str
    since: Instant
    url: str


class WorkerDocument(Document):
    """A worker process, as it last reported."""

    name: str
    host: str
    pid: int
    version: str
    threads: int
    up: bool = Field(description="It reported within the last seconds.")
    stalled: bool = Field(description="It is up, and makes no progress though jobs are due.")
    started_at: Instant
    seen_at: Instant
    progressed_at: Instant = Field(description="When it last settled something, or found nothing due.")
    settled: int = Field(description="Attempts since it started.")
    rate: float = Field(description="Attempts a second that it settled of late.")
    sessions: int = Field(description="Open to the relay.")
    holding: int = Field(description="How many jobs it has in hand.")
    sending: list[HeldDocument] = Field(description="Up to 20 of those.")


class RelayDocument(Document):
    """Where mail goes, and how that is."""

    name: str
    local: bool = Field(description="It is the local mailbox.")
    held_back: bool = Field(description="Its circuit breaker is open: mail waits but for one job at a time, a probe.")
    open_until: Instant | None
    failures: int = Field(description="Failures in a row to open a session.")
    failed_at: Instant | None
    kind: str | None
    text: str | None
    sessions: int = Field(description="Open to it, over all workers.")


class WorkersDocument(Document):
    """What delivers."""

    at: Instant
    warnings: list[str] = Field(description="What needs a person, in sentences.")
    workers: list[WorkerDocument]
    lanes: list[LaneDocument]
    relay: RelayDocument


class OverviewDocument(WorkersDocument):
    """All that the overview shows."""

    counts: dict[str, int] = Field(description='Jobs in each state, and "all".')
    waiting: WaitingDocument
    retrying: RetryingDocument
    throughput: ThroughputDocument
    refusals: list[RefusalDocument]
