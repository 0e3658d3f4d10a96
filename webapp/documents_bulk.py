"""The documents of many jobs at once: dead letters by reason, and bulks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.documents import CountDocument, Document, Instant


class DeadLetterGroup(Document):
    """The dead letters of one reason."""

    digest: str = Field(description="Names the reason in a filter: ?reason=.")
    reason: str
    count: int
    newest_at: Instant = Field(description="When the newest of them was accepted.")
    url: str


class DeadLettersDocument(Document):
    """The dead letters, the largest group first."""

    count: int
    groups: list[DeadLetterGroup]
    complete: bool = Field(description="False: there are more reasons than were looked through.")


class BulkDocument(Document):
    """One verb for many jobs, and how far it has come."""

    id: str
    verb: Literal["retry", "cancel", "discard", "resolve"]
    answer: Literal["arrived", "again"] | None
    filter: dict[str, str] = Field(description="Which jobs were meant.")
    reason: str | None = Field(description="What the reason in the filter, a digest, stood for.")
    ids: int | None = Field(description="How many jobs were named; null where the filter alone says it.")
    state: Literal["running", "finished", "canceled"]
    created_at: Instant
    finished_at: Instant | None
    expected: CountDocument = Field(description="How many jobs were meant when it was asked for.")
    done: int
    skipped: int = Field(description="Left alone: they had changed since, or their state does not allow the verb.")
    failed: int = Field(description="Left alone since others kept changing them.")
    url: str


class BulksDocument(Document):
    """The bulks of the last 7 days and all that run, newest first."""

    running: int
    bulks: list[BulkDocument]
    complete: bool = Field(description="False: there are older ones than are given here.")
