"""Whether the processes stay as large as they are, over many mails submitted and sent."""

from __future__ import annotations

from tests.bench import wrk
from tests.bench.bench import Bench
from tests.bench.figures import Findings, Series
from tests.bench.mails import KB1
from tests.bench.rig import Rig
from tests.bench.usage import memory_bytes

MB = 1_000_000
STEPS = 5


def memory(bench: Bench) -> Findings:
    """Resident memory of web and worker, a step after another; the first is the warm-up."""
    sizes = bench.sizes
    rig = bench.rig(bench.sink(), web=True)
    web, workers = [], []
    sent = 0
    for step in range(1, STEPS + 1):
        while sent < sizes.flat_mails * step // STEPS:
            sent += _some(bench, rig)
        web.append(memory_bytes(rig.web.pid) / MB)
        workers.append(sum(memory_bytes(process.pid) for process in rig.workers) / MB)
    found = Findings(notes=[f"after each fifth of {sent:,} mails: web {_row(web)}; workers {_row(workers)} MB"])
    found.series["web, at the end"] = Series("MB", (web[-1],))
    found.series["workers, at the end"] = Series("MB", (workers[-1],))
    found.series["web, grown since the first fifth"] = Series("MB", (web[-1] - web[0],))
    found.series["workers, grown since the first fifth"] = Series("MB", (workers[-1] - workers[0],))
    return found


def _some(bench: Bench, rig: Rig) -> int:
    """A second of submissions, all sent."""
    rig.forget()
    taken = rig.sink.count()
    wrk.post(bench.folder, f"{rig.url}/api/jobs", 1, KB1)
    rig.await_still()
    sent = rig.sent()
    rig.check(sent, taken)
    return sent


def _row(figures: list[float]) -> str:
    return ", ".join(f"{figure:.1f}" for figure in figures)
