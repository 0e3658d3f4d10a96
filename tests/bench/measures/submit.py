"""Mails submitted over HTTP: with the worker off, and all the way to the sink."""

from __future__ import annotations

import time
from collections.abc import Callable

from redis import Redis

from tests.bench import wrk
from tests.bench.bench import Bench
from tests.bench.figures import Findings, alternate
from tests.bench.mails import KB1
from tests.bench.rig import Rig, await_still
from tests.bench.tutorial.rig import QUEUE, Tutorial

POSTROOM, TUTORIAL = "Postroom, always", "tutorial, everysec"
ALONE = "tutorial, one gunicorn process"
POSTFIX = "Postfix, handed over by 10 SMTP sessions"
BYTES_1KB = 1000


def submit(bench: Bench) -> Findings:
    """Accepted a second, worker off."""
    sink = bench.sink()
    rig, tutorial = bench.rig(sink, web=True), bench.tutorial(sink, web=True)
    _warm(bench, rig, tutorial)
    rig.stop_workers()
    tutorial.worker.stop()

    alone = bench.tutorial(sink, web=True, web_processes=1)
    alone.worker.stop()

    def ours() -> float:
        return _rate(bench, f"{rig.url}/api/jobs", rig.redis, lambda: sum(rig.jobs.counts().values()))

    def theirs(which: Tutorial) -> float:
        return _rate(bench, f"{which.url}/send-email", which.redis, lambda: int(which.redis.llen(QUEUE)))

    variants = {POSTROOM: ours, TUTORIAL: lambda: theirs(tutorial), ALONE: lambda: theirs(alone)}
    found = Findings()
    found.add(alternate(bench.sizes.rounds, variants), "accepted/s")
    found.ratio("submit_vs_tutorial", POSTROOM, TUTORIAL)
    return found


def _rate(bench: Bench, url: str, redis: Redis, accepted: Callable[[], int]) -> float:
    """Submissions a second; each answered one must be in Redis."""
    redis.flushdb()
    load = wrk.post(bench.folder, url, bench.sizes.seconds, KB1)
    # wrk hangs up on its last requests without waiting for their answers, so there are a few more.
    await_still(accepted)
    assert load.requests <= accepted() <= load.requests + wrk.CONNECTIONS, (load, accepted())
    return load.rate


def submit_to_sent(bench: Bench) -> Findings:
    """Everything at once on the same cores: from the first submission to the last mail's being in the sink."""
    sink = bench.sink()
    rig, tutorial = bench.rig(sink, web=True), bench.tutorial(sink, web=True)
    _warm(bench, rig, tutorial)
    variants: dict[str, Callable[[], float]] = {
        POSTROOM: lambda: _ours(bench, rig),
        TUTORIAL: lambda: _theirs(bench, tutorial),
    }
    if postfix := bench.postfix(sink):
        variants[POSTFIX] = lambda: postfix.carry(BYTES_1KB, bench.sizes.slow_mails)
    found = Findings()
    found.add(alternate(bench.sizes.rounds, variants), "sent/s")
    found.ratio("submit_to_sent_vs_tutorial", POSTROOM, TUTORIAL)
    return found


def _ours(bench: Bench, rig: Rig) -> float:
    rig.forget()
    taken = rig.sink.count()
    began = time.perf_counter()
    wrk.post(bench.folder, f"{rig.url}/api/jobs", bench.sizes.seconds, KB1)
    seconds = rig.await_still() - began
    sent = rig.sent()
    rig.check(sent, taken)
    return sent / seconds


def _theirs(bench: Bench, tutorial: Tutorial) -> float:
    tutorial.redis.flushdb()
    taken = tutorial.sink.count()
    began = time.perf_counter()
    load = wrk.post(bench.folder, f"{tutorial.url}/send-email", bench.sizes.seconds, KB1)
    tutorial.await_taken(taken + load.requests)
    seconds = tutorial.await_still() - began
    sent = tutorial.sink.count() - taken
    tutorial.check(sent, taken)
    return sent / seconds


def _warm(bench: Bench, rig: Rig, tutorial: Tutorial) -> None:
    for url in (f"{rig.url}/api/jobs", f"{tutorial.url}/send-email"):
        wrk.post(bench.folder, url, 1, KB1)
    tutorial.await_still()
    rig.await_still()
