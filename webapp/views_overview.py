"""The read models of what happens now: from the store's numbers to the documents of overview and workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from tasks.clock import rfc3339
from tasks.domain.states import State
from tasks.fleet import STALLED_US, Fleet, Seen, oldest_due_us
from tasks.store.lanes import Lane
from tasks.store.stats import Range, Stats, Step, Throughput
from webapp.context import postroom
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
from webapp.views import counts_by_state


def workers_document(fleet: Fleet) -> WorkersDocument:
    """Workers, lanes and relay."""
    return WorkersDocument(**_fleet_fields(fleet))


def overview_document(fleet: Fleet, counts: Mapping[State, int], stats: Stats, span: Range) -> OverviewDocument:
    """All that the overview shows, with the throughput of this range."""
    waiting = counts[State.QUEUED] + counts[State.SCHEDULED]
    return OverviewDocument(
        **_fleet_fields(fleet),
        counts=counts_by_state(counts),
        waiting=WaitingDocument(
            count=waiting,
            due=sum(lane.due for lane in fleet.lanes),
            oldest_due_at=_instant(oldest_due_us(fleet.lanes)),
        ),
        retrying=RetryingDocument(
            count=counts[State.RETRYING],
            next_at=_instant(stats.next_retry_us(fleet.now_us)) if counts[State.RETRYING] else None,
        ),
        throughput=_throughput(stats.throughput(span, fleet.now_us)),
        refusals=[RefusalDocument(reason=reason, count=count) for reason, count in stats.refusals(fleet.now_us)],
    )


def lane_document(fleet: Fleet, lane: Lane) -> LaneDocument:
    """A lane."""
    return LaneDocument(
        name=cast(Literal["high", "normal", "low"], lane.name),
        paused=lane.paused,
        due=lane.due,
        later=lane.later,
        oldest_due_at=_instant(lane.oldest_due_us),
        rate=round(fleet.rate(lane.name), 2),
    )


def _fleet_fields(fleet: Fleet) -> dict[str, Any]:
    return {
        "at": rfc3339(fleet.now_us),
        "warnings": _warnings(fleet),
        "workers": [_worker(seen) for seen in fleet.workers],
        "lanes": [lane_document(fleet, lane) for lane in fleet.lanes],
        "relay": _relay(fleet),
    }


def _worker(seen: Seen) -> WorkerDocument:
    report = seen.report
    return WorkerDocument(
        name=report.name,
        host=report.host,
        pid=report.pid,
        version=report.version,
        threads=report.threads,
        up=seen.up,
        stalled=seen.stalled,
        started_at=rfc3339(report.started_us),
        seen_at=rfc3339(report.seen_us),
        progressed_at=rfc3339(report.progressed_us),
        settled=report.settled,
        rate=round(report.rate, 2),
        sessions=report.sessions,
        holding=report.holding,
        sending=[HeldDocument(job_id=held, since=rfc3339(since), url=f"/jobs/{held}") for held, since in report.held],
    )


def _relay(fleet: Fleet) -> RelayDocument:
    health = fleet.relay
    return RelayDocument(
        name=health.name,
        local=postroom().settings.embeds_mailbox,
        held_back=health.is_open,
        open_until=_instant(health.open_until_us),
        failures=health.failures,
        failed_at=_instant(health.failed_at_us),
        kind=health.kind or None,
        text=health.text or None,
        sessions=fleet.sessions,
    )


def _throughput(found: Throughput) -> ThroughputDocument:
    return ThroughputDocument(
        range=found.range,
        step_seconds=found.step_seconds,
        steps=[_step(step) for step in found.steps],
        p50_seconds=_rounded(found.p50),
        p95_seconds=_rounded(found.p95),
    )


def _step(step: Step) -> StepDocument:
    return StepDocument(
        at=rfc3339(step.start_us),
        accepted=step.count("accepted"),
        sent=step.count(State.SENT),
        deferred=step.count(State.RETRYING),
        partial=step.count(State.PARTIAL),
        dead=step.count(State.DEAD),
        unknown=step.count(State.UNKNOWN),
    )


def _warnings(fleet: Fleet) -> list[str]:
    found = []
    if not any(seen.up for seen in fleet.workers):
        found.append("No worker is up: mail waits until one is started.")
    seconds = STALLED_US // 1_000_000
    for seen in fleet.workers:
        if seen.stalled:
            found.append(
                f"Worker {seen.report.name} is up, and for more than {seconds} s did nothing though jobs are due."
            )
    if fleet.relay.is_open:
        found.append(
            f"The relay {fleet.relay.name} is held back after {fleet.relay.failures} failures: {fleet.relay.text}"
        )
    for lane in fleet.lanes:
        if lane.paused and lane.due:
            jobs = "1 job is" if lane.due == 1 else f"{lane.due:,} jobs are"
            found.append(f"The lane {lane.name} is paused, and {jobs} due in it.")
    return found


def _instant(microseconds: int | None) -> str | None:
    return None if microseconds is None else rfc3339(microseconds)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else float(f"{seconds:.3g}")
