"""A worker is killed -9 in the middle of a job: how long until another has sent it."""

from __future__ import annotations

import signal
import time

from tests.bench.bench import Bench
from tests.bench.figures import Findings
from tests.bench.mails import KB1
from tests.bench.rig import Rig
from tests.bench.shape import Shape
from tests.flow.stopping import StoppingRelay

LEASES_SECONDS = (15, 3)
"""As it comes, and as in the tests."""


def takeover(bench: Bench) -> Findings:
    """From the kill to sent. The lease was last extended up to a quarter of its time before, by the heartbeat."""
    found = Findings()
    relay = bench.ends.enter_context(StoppingRelay())
    for lease in LEASES_SECONDS:
        rig = bench.rig(
            bench.sink(), shape=Shape(workers=2, threads=1, sessions=1), relay_port=relay.port, lease_seconds=lease
        )
        spans = [_takeover(rig, relay, number) for number in range(bench.sizes.rounds)]
        found.add({f"kill -9 to sent by another, lease {lease} s": spans}, "s")
    return found


def _takeover(rig: Rig, relay: StoppingRelay, number: int) -> float:
    first, second = rig.workers
    second.stop()
    relay.stop_at = "DATA"
    sent = rig.sent()
    rig.submit(KB1, number)
    relay.wait()
    second.start()
    rig.await_report(second)
    first.stop(signal.SIGKILL)
    began = time.perf_counter()
    relay.go_on()
    rig.await_sent(sent + 1)
    span = time.perf_counter() - began
    first.start()
    rig.await_report(first)
    return span
