"""With a million finished jobs against a thousand: nothing may get slower."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.bench import wrk
from tests.bench.bench import Bench
from tests.bench.figures import Findings, Ratio, Series, alternate
from tests.bench.mails import KB1
from tests.bench.rig import Rig
from tests.bench.seeder import seed

FEW, MANY = "with few finished", "with many finished"


def million(bench: Bench) -> Findings:
    """Pages, submissions and a drain; and what a finished job comes to in memory."""
    sink, sizes = bench.sink(), bench.sizes
    few, many = bench.rig(sink, web=True), bench.rig(sink, web=True)
    found = Findings()
    seed(few, sizes.few_finished)
    began = time.perf_counter()
    bytes_per_job = seed(many, sizes.many_finished)
    took = time.perf_counter() - began
    found.notes.append(f"{sizes.many_finished:,} finished jobs against {sizes.few_finished:,}, seeded in {took:.0f} s")
    found.series["Redis a finished job, with its indexes"] = Series("bytes", (bytes_per_job,))
    found.ratios["redis_bytes_per_finished_job"] = Ratio.exactly(bytes_per_job)

    def compare(name: str, unit: str, cost: Callable[[Rig], float]) -> None:
        cost(few)
        cost(many)
        costs = alternate(sizes.rounds, {f"{name}, {FEW}": lambda: cost(few), f"{name}, {MANY}": lambda: cost(many)})
        found.add(costs, unit)
        found.ratio(f"{name}_1m_vs_1k", f"{name}, {MANY}", f"{name}, {FEW}")

    def get(rig: Rig, path: str) -> float:
        return 1e6 / wrk.get(bench.folder, rig.url + path, max(sizes.seconds / 2, 1)).rate

    compare("list", "us/request", lambda rig: get(rig, "/jobs"))
    compare("overview", "us/request", lambda rig: get(rig, "/"))
    compare("submit", "us/request", lambda rig: _submit(bench, rig))
    compare("drain", "us/mail", lambda rig: 1e6 / rig.drain(KB1, sizes.mails, forget=False))
    return found


def _submit(bench: Bench, rig: Rig) -> float:
    """Microseconds a submission while nothing is sent; what was accepted is sent afterwards."""
    rig.pause()
    load = wrk.post(bench.folder, f"{rig.url}/api/jobs", max(bench.sizes.seconds / 2, 1), KB1)
    rig.release()
    rig.await_still()
    return 1e6 / load.rate
