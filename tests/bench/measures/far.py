"""A relay that is 40 ms away, with as many sessions for both."""

from __future__ import annotations

from datetime import UTC, datetime

from tasks.domain.ids import make_id
from tasks.domain.message import build
from tests.bench import kept
from tests.bench.bench import Bench
from tests.bench.figures import Findings, alternate
from tests.bench.mails import KB1
from tests.bench.proxy import running_proxy
from tests.bench.shape import Shape
from tests.bench.sink import Sink

SESSIONS = 8
THERE = BACK = 0.020
SHAPE = Shape(workers=1, threads=2, sessions=4)
POSTROOM, KEPT = "Postroom, 8 sessions", "smtplib, 8 kept connections in 8 threads"


def far(bench: Bench) -> Findings:
    """Mails a second over a proxy that delays each way by 20 ms."""
    sink = bench.sink()
    port = bench.ends.enter_context(running_proxy(bench.folder, sink.port, THERE, BACK))
    rig = bench.rig(sink, shape=SHAPE, relay_port=port)
    accepted = datetime.now(UTC)
    message = build(rig.spec(KB1, 0), make_id(0, bytes(10)), accepted).wire
    rig.drain(KB1, SESSIONS * 2)

    def theirs() -> float:
        # A quarter of the mails at a quarter of the pace: about as long a sample.
        return _kept(sink, port, message, max(bench.sizes.far_mails // 4, SESSIONS))

    found = Findings(notes=[f"round trip {(THERE + BACK) * 1000:.0f} ms; {SHAPE}"])
    rates = {POSTROOM: lambda: rig.drain(KB1, bench.sizes.far_mails), KEPT: theirs}
    found.add(alternate(bench.sizes.rounds, rates), "mails/s")
    found.ratio("pipelined_40ms_vs_kept", POSTROOM, KEPT)
    return found


def _kept(sink: Sink, port: int, message: bytes, count: int) -> float:
    taken = sink.count()
    rate = kept.rate(port, SESSIONS, message, count)
    assert sink.count() - taken == count
    return rate
