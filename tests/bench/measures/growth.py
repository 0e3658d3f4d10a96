"""Worker processes and threads against a relay that takes its time: the curve that the defaults are chosen from."""

from __future__ import annotations

from contextlib import ExitStack

from tests.bench.bench import Bench
from tests.bench.figures import Findings
from tests.bench.mails import KB1
from tests.bench.proxy import running_proxy
from tests.bench.rig import running_rig
from tests.bench.shape import Shape

PROCESSES, THREADS, DELAYS_MS = (1, 2, 4), (1, 4, 16), (0, 5, 50)
MOST_MAILS, MOST_ROUNDS = 6_000, 2
"""Most of the time goes into starting 27 shapes and queueing for them; a curve needs less than a ratio."""


def growth(bench: Bench) -> Findings:
    """Mails a second of every shape, for every delay of the relay's answers."""
    found = Findings(notes=[f"{bench.shape.sessions} sessions a thread"])
    sink, rounds = bench.sink(), min(bench.sizes.rounds, MOST_ROUNDS)
    for delay in DELAYS_MS:
        with ExitStack() as ends:
            port = ends.enter_context(running_proxy(bench.folder, sink.port, 0, delay / 1000)) if delay else sink.port
            for processes in PROCESSES:
                for threads in THREADS:
                    shape = Shape(processes, threads, bench.shape.sessions)
                    count = _mails(bench, shape, delay)
                    with running_rig(bench.folder, shape, sink, relay_port=port) as rig:
                        rig.drain(KB1, max(count // 5, 20))
                        name = f"{delay:2} ms, {processes} x {threads} threads"
                        found.add({name: [rig.drain(KB1, count) for _ in range(rounds)]}, "mails/s")
    return found


def _mails(bench: Bench, shape: Shape, delay: int) -> int:
    """Enough for about a second or two, where every session carries one mail a delay."""
    most = min(bench.sizes.mails, MOST_MAILS)
    return min(most, max(shape.hands * shape.sessions * 1500 // delay, 100)) if delay else most
