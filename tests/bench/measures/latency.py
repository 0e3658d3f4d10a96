"""How long one mail takes when nothing presses: 50 submissions a second over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from tests.bench.bench import Bench
from tests.bench.figures import Findings, alternate, quantile
from tests.bench.mails import KB1
from tests.bench.rig import Rig
from tests.bench.tutorial.rig import Tutorial
from tests.support.processes import wait_until

PER_SECOND = 50
Given = TypeVar("Given")
POSTROOM, TUTORIAL = "Postroom, always", "tutorial, everysec"


def latency(bench: Bench) -> Findings:
    """From acceptance to sent, p50 and p99."""
    sink, seconds = bench.sink(), bench.sizes.latency_seconds
    rig, tutorial = bench.rig(sink, web=True), bench.tutorial(sink, web=True)
    _ours(rig, 1)
    _theirs(tutorial, 1)
    halves: dict[str, list[float]] = {POSTROOM: [], TUTORIAL: []}

    def p99(name: str, spans: list[float]) -> float:
        halves[name].append(quantile(spans, 0.5) * 1000)
        return quantile(spans, 0.99) * 1000

    rates = alternate(
        bench.sizes.rounds,
        {
            POSTROOM: lambda: p99(POSTROOM, _ours(rig, seconds)),
            TUTORIAL: lambda: p99(TUTORIAL, _theirs(tutorial, seconds)),
        },
    )
    found = Findings()
    found.add({f"{name}, p50": spans for name, spans in halves.items()}, "ms")
    found.add({f"{name}, p99": spans for name, spans in rates.items()}, "ms")
    found.ratio("latency_p99_vs_tutorial", f"{POSTROOM}, p99", f"{TUTORIAL}, p99")
    return found


def _ours(rig: Rig, seconds: float) -> list[float]:
    """By each job's own log, all by Redis's clock: from ``accept``, before its sync, to the settle."""
    rig.forget()
    taken = rig.sink.count()
    ids = _submit(seconds, lambda number: str(rig.client.post("/api/jobs", KB1.body(number)).body["id"]))
    rig.await_sent(len(ids))
    rig.check(len(ids), taken)
    jobs = [job for job in rig.jobs.read_many(ids) if job]
    return [(job.log[-1].at_us - job.accepted_us) / 1e6 for job in jobs]


def _theirs(tutorial: Tutorial, seconds: float) -> list[float]:
    """From ``delay``'s return to the task's end by Celery's own record, before that is stored."""
    tutorial.redis.flushdb()

    def submit(number: int) -> tuple[str, float]:
        body = tutorial.client.post("/send-email", KB1.body(number)).body
        return str(body["task_id"]), float(body["accepted_at"])

    accepted = _submit(seconds, submit)
    wait_until(lambda: tutorial.results() == len(accepted), "every task's result")
    spans = []
    for task_id, at in accepted:
        record = json.loads(tutorial.redis.get(f"celery-task-meta-{task_id}") or b"")
        spans.append(datetime.fromisoformat(record["date_done"]).timestamp() - at)
    return spans


def _submit(seconds: float, submit: Callable[[int], Given]) -> list[Given]:
    """Each at its time, whether those before it are answered or not."""
    began = time.perf_counter()
    with ThreadPoolExecutor(8) as hands:
        given = []
        for number in range(int(seconds * PER_SECOND)):
            time.sleep(max(began + number / PER_SECOND - time.perf_counter(), 0))
            given.append(hands.submit(submit, number))
        return [each.result() for each in given]
