"""All measures by name, in the order in which they run, and the programs that each needs."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench import builder
from tests.bench.bench import Bench
from tests.bench.figures import Findings
from tests.bench.measures.drain import drain_1kb, drain_20kb
from tests.bench.measures.far import far
from tests.bench.measures.growth import growth
from tests.bench.measures.latency import latency
from tests.bench.measures.memory import memory
from tests.bench.measures.million import million
from tests.bench.measures.poll import poll
from tests.bench.measures.profile import profile
from tests.bench.measures.queues import queues
from tests.bench.measures.submit import submit, submit_to_sent
from tests.bench.measures.takeover import takeover
from tests.bench.polls import polls
from tests.bench.sink import postfix_tool


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured, what it needs, and whether it runs without being asked for by name."""

    run: Callable[[Bench], Findings]
    needs: tuple[str, ...] = ()
    usual: bool = True

    def missing(self) -> list[str]:
        """What it needs and this machine has not."""
        return [name for name in ("smtp-sink", *self.needs) if not _is_there(name)]


def _builder(bench: Bench) -> Findings:
    return builder.measure(bench.sizes.rounds, bench.sizes.no_ops // 10)


MEASURES = {
    "drain_1kb": Measure(drain_1kb),
    "drain_20kb": Measure(drain_20kb),
    "submit": Measure(submit, ("wrk", "gunicorn")),
    "submit_to_sent": Measure(submit_to_sent, ("wrk", "gunicorn")),
    "latency": Measure(latency, ("gunicorn",)),
    "far": Measure(far),
    "poll": Measure(poll, ("wrk",)),
    "million": Measure(million, ("wrk",)),
    "memory": Measure(memory, ("wrk",)),
    "polls": Measure(polls),
    "builder": Measure(_builder),
    "queues": Measure(queues, ("huey", "dramatiq", "rq")),
    "profile": Measure(profile, usual=False),
    "growth": Measure(growth, usual=False),
    "takeover": Measure(takeover, usual=False),
}


def _is_there(name: str) -> bool:
    if name.startswith("smtp-"):
        return postfix_tool(name) is not None
    return shutil.which(name) is not None or importlib.util.find_spec(name) is not None
