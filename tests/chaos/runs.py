"""A run: start all, let jobs flow, do mischief, wait until all is final, judge."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field

from tasks.domain.states import State
from tests.chaos.crash import Crasher
from tests.chaos.monkey import Monkey
from tests.chaos.town import SinkProcess, Town, running_town
from tests.chaos.traffic import Traffic
from tests.chaos.verdict import Verdict, judge

CRASH_EVERY_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is asked for. The same seed gives the same faults, though the processes' own timing differs."""

    seed: int
    seconds: float
    rate: float = 150
    settings: dict[str, object] = field(default_factory=dict)
    machine_crash: bool = False
    with_kill: str | None = None


def run(plan: Plan) -> Verdict:
    """Make a run, and say what became of it."""
    with running_town(plan.seed, **plan.settings) as (town, sink):
        traffic = Traffic(town.settings.port, plan.seed, plan.rate, 0.2 if plan.machine_crash else 0.03)
        traffic.start()
        did, windows = _crash(plan, town) if plan.machine_crash else _mischief(plan, town, sink)
        traffic.stop()
        sink.tell("calm")
        town.drain()
        _operate(town, plan.seed)
        town.drain()
        verdict = judge(town, sink, traffic, windows)
        # A worker started while Redis is down says so and ends: the supervisor, here the keeper, starts another.
        did.update({f"{name} ended by itself: {said}": 1 for name, said in town.ended.items()})
        verdict.table |= {f"({name})": times for name, times in sorted(did.items())}
        return verdict


def _mischief(plan: Plan, town: Town, sink: SinkProcess) -> tuple[Counter[str], int]:
    sink.tell("wild")
    monkey = Monkey(town, sink, plan.seed)
    monkey.run(plan.seconds)
    return monkey.did, monkey.windows


def _crash(plan: Plan, town: Town) -> tuple[Counter[str], int]:
    """A relay that behaves, so that whatever is lost or doubled is the crash's."""
    did: Counter[str] = Counter()
    crasher = Crasher(town, plan.seed)
    crasher.start()
    ends = time.monotonic() + plan.seconds
    while time.monotonic() < ends:
        time.sleep(min(CRASH_EVERY_SECONDS, plan.seconds / 2))
        crasher.crash(plan.with_kill)
        did["Redis's machine crashed"] += 1
        did["bytes that its disk did not keep"] += crasher.cut_bytes[-1]
    crasher.stop()
    return did, did["Redis's machine crashed"] if plan.with_kill == "worker" else 0


def _operate(town: Town, seed: int) -> None:
    """An operator resolves some of the unknown."""
    chance = random.Random(seed)
    page = town.jobs.page(State.UNKNOWN, 200)
    for job in page.jobs:
        answer = chance.choice(["arrived", "again", None])
        if answer:
            town.desk.resolve(job.id, answer)  # type: ignore[arg-type]
