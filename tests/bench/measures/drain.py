"""Queued mails sent: from their release to the last one's being sent."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.bench import Bench
from tests.bench.figures import Findings, alternate
from tests.bench.mails import KB1, KB20, Mail
from tests.bench.postfix import straight
from tests.bench.rig import Rig

ALWAYS, EVERYSEC, TUTORIAL = "Postroom, always", "Postroom, everysec", "tutorial, everysec"
POSTFIX, STRAIGHT = "Postfix (syncs each message)", "smtp-source straight to the sink"
BYTES_1KB = 1000


def drain_1kb(bench: Bench) -> Findings:
    """1 kB mails, by all variants."""
    sink, sizes = bench.sink(), bench.sizes
    more: dict[str, Callable[[], float]] = {STRAIGHT: lambda: straight(sink, BYTES_1KB, sizes.mails)}
    if postfix := bench.postfix(sink):
        more[POSTFIX] = lambda: postfix.drain(BYTES_1KB, sizes.slow_mails)
    found = _drain(bench, KB1, sizes.mails, more)
    found.ratio("drain_1kb_vs_tutorial", ALWAYS, TUTORIAL)
    found.ratio("drain_1kb_everysec_vs_tutorial", EVERYSEC, TUTORIAL)
    found.ratio("drain_1kb_vs_postfix", ALWAYS, POSTFIX)
    return found


def drain_20kb(bench: Bench) -> Findings:
    """20 kB of text and HTML."""
    found = _drain(bench, KB20, bench.sizes.mails_20kb, {})
    found.ratio("drain_20kb_vs_tutorial", ALWAYS, TUTORIAL)
    found.ratio("drain_20kb_everysec_vs_tutorial", EVERYSEC, TUTORIAL)
    return found


def _drain(bench: Bench, mail: Mail, count: int, more: dict[str, Callable[[], float]]) -> Findings:
    sink = bench.sink()
    always, everysec = bench.rig(sink), bench.rig(sink, redis_fsync="everysec")
    tutorial = bench.tutorial(sink)
    costs: dict[str, list[float]] = {}
    for rig in (always, everysec):
        rig.drain(mail, max(count // 10, 20))  # warm
    tutorial.drain(mail, 20)
    rates = alternate(
        bench.sizes.rounds,
        {
            ALWAYS: lambda: _with_cost(always, mail, count, costs),
            EVERYSEC: lambda: everysec.drain(mail, count),
            TUTORIAL: lambda: tutorial.drain(mail, bench.sizes.slow_mails),
            **more,
        },
    )
    found = Findings(notes=[f"{count:,} mails, {bench.sizes.slow_mails:,} for tutorial and Postfix; {bench.shape}"])
    found.add(rates, "mails/s")
    found.add(costs, "us CPU/mail")
    return found


def _with_cost(rig: Rig, mail: Mail, count: int, costs: dict[str, list[float]]) -> float:
    rate = rig.drain(mail, count)
    for name, cost in rig.cost.items():
        costs.setdefault(f"{ALWAYS}: {name}", []).append(cost)
    return rate
