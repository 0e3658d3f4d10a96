"""Documents made by hand for the style guide: the operator's pages, quiet, busy and in trouble."""

from __future__ import annotations

from typing import Any, Literal

from tasks.domain.states import State, Verb
from webapp.documents import CountDocument
from webapp.documents_bulk import BulkDocument, BulksDocument, DeadLetterGroup, DeadLettersDocument
from webapp.documents_overview import (
    HeldDocument,
    LaneDocument,
    OverviewDocument,
    RefusalDocument,
    RelayDocument,
    RetryingDocument,
    StepDocument,
    ThroughputDocument,
    WaitingDocument,
    WorkerDocument,
    WorkersDocument,
)
from webapp.samples import AT, ID, LATER, UNBROKEN

MANY = 12_345_678


def overviews() -> dict[str, OverviewDocument]:
    """What the overview may show."""
    return {
        "Quiet": _overview(fleets()["Quiet"], 0, []),
        "In trouble": _overview(fleets()["In trouble"], MANY, [UNBROKEN, "550 5.1.1 No such user", "552 Full", "554"]),
    }


def fleets() -> dict[str, WorkersDocument]:
    """What delivers."""
    quiet = [_lane(name) for name in ("high", "normal", "low")]
    busy = [_lane("high"), _lane("normal", due=MANY, oldest_due_at=AT, rate=1234.5), _lane("low", paused=True, due=1)]
    held = [HeldDocument(job_id=f"{ID}{n}", since=AT, url=f"/jobs/{ID}{n}") for n in range(5)]
    trouble = [
        _worker("mail-1:4711", rate=1234.5, settled=MANY, sending=held, holding=48),
        _worker("mail-2:4712", stalled=True),
        _worker(f"{UNBROKEN[:80]}:4713", up=False),
    ]
    told = ["Worker mail-2:4712 is up, and for more than 10 s did nothing though jobs are due.", f"A {UNBROKEN}"]
    away = _relay(held_back=True, failures=17, failed_at=AT, open_until=LATER, kind="connect", text="Refused")
    return {
        "Quiet": _fleet([_worker("mail-1:4711")], quiet, _relay(), []),
        "In trouble": _fleet(trouble, busy, away, told),
        "No worker": _fleet([], quiet, _relay(failures=1, failed_at=AT, text=UNBROKEN), []),
    }


def dead_letters() -> dict[str, DeadLettersDocument]:
    """Groups of reasons."""
    reasons = {"550 5.1.1 No such user": MANY, UNBROKEN: 2, "": 1}
    groups = [
        DeadLetterGroup(digest=f"{at:016x}", reason=reason, count=count, newest_at=AT, url="/jobs?state=dead")
        for at, (reason, count) in enumerate(reasons.items())
    ]
    return {
        "Dead letters": DeadLettersDocument(count=MANY + 3, groups=groups, complete=False),
        "No dead letters": DeadLettersDocument(count=0, groups=[], complete=True),
    }


def bulks() -> dict[str, BulkDocument]:
    """One verb for many jobs, as far as it may come."""
    return {
        "Bulk, begun": _bulk(Verb.CANCEL, "running"),
        "Bulk, under way": _bulk(
            Verb.RETRY, "running", done=1200, skipped=4, expected=CountDocument(count=2000, exact=False)
        ),
        "Bulk, done": _bulk(Verb.RESOLVE, "finished", answer="arrived", done=37, finished_at=AT),
        "Bulk, stopped": _bulk(Verb.DISCARD, "canceled", done=5, failed=1, finished_at=AT, ids=37, filter={}),
    }


def bulk_lists() -> dict[str, BulksDocument]:
    """The bulks of some days, and of none."""
    some = [bulk.model_copy(update={"id": f"{ID}{at}"}) for at, bulk in enumerate(bulks().values())]
    words = {"state": "dead", "recipient": f"{UNBROKEN[:60]}@example.org", "reason": "0" * 16}
    long = _bulk(Verb.RETRY, "running", id=f"{ID}9", filter=words, reason=UNBROKEN, done=MANY, skipped=MANY)
    return {
        "Bulks": BulksDocument(running=3, bulks=[long, *some], complete=False),
        "No bulks": BulksDocument(running=0, bulks=[], complete=True),
    }


def _bulk(verb: Verb, state: Literal["running", "finished", "canceled"], **changes: Any) -> BulkDocument:
    usual: dict[str, Any] = {
        **{"id": f"{ID}0", "verb": verb.value, "state": state, "answer": None, "filter": {"state": "dead"}},
        "reason": None,
        **{"ids": None, "created_at": AT, "finished_at": None, "expected": CountDocument(count=37, exact=True)},
        **{"done": 0, "skipped": 0, "failed": 0, "url": f"/bulk/{ID}0"},
    }
    return BulkDocument.model_validate(usual | changes)


def _overview(fleet: WorkersDocument, number: int, refusals: list[str]) -> OverviewDocument:
    counts = {state.value: number for state in State} | {"all": number * len(State)}
    return OverviewDocument(
        **fleet.model_dump(),
        counts=counts,
        waiting=WaitingDocument(count=number * 2, due=number, oldest_due_at=AT if number else None),
        retrying=RetryingDocument(count=number, next_at=LATER if number else None),
        throughput=ThroughputDocument(
            range="hour",
            step_seconds=60,
            steps=[_step(minute, number) for minute in range(60)],
            p50_seconds=0.024 if number else None,
            p95_seconds=4321.0 if number else None,
        ),
        refusals=[RefusalDocument(reason=reason, count=9000 - 1000 * at) for at, reason in enumerate(refusals)],
    )


def _step(minute: int, number: int) -> StepDocument:
    busy = number * (3 + minute % 7) // 600
    shares = {"accepted": busy, "sent": busy, "deferred": busy // 5, "partial": busy // 9, "dead": busy // 7}
    return StepDocument.model_validate(shares | {"at": f"2025-11-12T14:{minute:02}:00.000Z", "unknown": busy // 8})


def _fleet(
    workers: list[WorkerDocument], lanes: list[LaneDocument], relay: RelayDocument, warnings: list[str]
) -> WorkersDocument:
    return WorkersDocument(at=AT, warnings=warnings, workers=workers, lanes=lanes, relay=relay)


def _lane(name: str, **changes: Any) -> LaneDocument:
    usual = {"name": name, "paused": False, "due": 0, "later": 0, "oldest_due_at": None, "rate": 0.0}
    return LaneDocument.model_validate(usual | changes)


def _worker(name: str, **changes: Any) -> WorkerDocument:
    usual: dict[str, Any] = {
        **{"name": name, "host": name.partition(":")[0], "pid": 4711, "version": "0.1.0", "threads": 2, "up": True},
        **{"stalled": False, "started_at": AT, "seen_at": AT, "progressed_at": AT, "settled": 5, "rate": 0.0},
        **{"sessions": 8, "holding": 0, "sending": []},
    }
    return WorkerDocument.model_validate(usual | changes)


def _relay(**changes: Any) -> RelayDocument:
    usual: dict[str, Any] = {
        **{"name": "smtp.example.org:587", "local": False, "held_back": False, "open_until": None, "failures": 0},
        **{"failed_at": None, "kind": None, "text": None, "sessions": 12},
    }
    return RelayDocument.model_validate(usual | changes)
