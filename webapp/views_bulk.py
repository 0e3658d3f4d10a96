"""The read models of many jobs at once: from the store to the documents of dead letters and bulks."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.clock import rfc3339
from tasks.store.bulks import Bulk
from tasks.store.dead_letters import Group
from webapp.documents_bulk import BulkDocument, BulksDocument, DeadLetterGroup, DeadLettersDocument
from webapp.views import count_document


def dead_letters_document(groups: Sequence[Group], complete: bool, count: int) -> DeadLettersDocument:
    """The groups, and how many dead letters there are in all."""
    return DeadLettersDocument(
        count=count,
        complete=complete,
        groups=[
            DeadLetterGroup(
                digest=group.digest,
                reason=group.reason,
                count=group.count,
                newest_at=rfc3339(group.newest_us),
                url=f"/jobs?state=dead&reason={group.digest}",
            )
            for group in groups
        ],
    )


def bulk_document(bulk: Bulk) -> BulkDocument:
    """A bulk and how far it has come."""
    return BulkDocument(
        id=bulk.id,
        verb=bulk.verb.value,
        answer=bulk.answer,
        filter=bulk.filter.words(),
        reason=bulk.reason,
        ids=None if bulk.ids is None else len(bulk.ids),
        state=bulk.state,
        created_at=rfc3339(bulk.created_us),
        finished_at=rfc3339(bulk.finished_us) if bulk.finished_us is not None else None,
        expected=count_document(bulk.expected),
        done=bulk.tally.done,
        skipped=bulk.tally.skipped,
        failed=bulk.tally.failed,
        url=f"/bulk/{bulk.id}",
    )


def bulks_document(bulks: Sequence[Bulk], complete: bool) -> BulksDocument:
    """Several bulks, in the order given."""
    running = sum(bulk.state == "running" for bulk in bulks)
    return BulksDocument(running=running, bulks=[bulk_document(bulk) for bulk in bulks], complete=complete)
