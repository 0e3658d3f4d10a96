"""Where the time goes for one mail, as Redis and the kernel count it. ``py-spy`` shows the rest: see the docs."""

from __future__ import annotations

from tests.bench.bench import Bench
from tests.bench.figures import Findings, Series
from tests.bench.mails import KB1
from tests.bench.rig import Rig


def profile(bench: Bench) -> Findings:
    """One drain: processor time of each process, and Redis's own account of its commands."""
    sink, count = bench.sink(), bench.sizes.mails
    rig = bench.rig(sink)
    rig.drain(KB1, count)
    found = Findings(notes=[f"{count:,} mails of 1 kB, {bench.shape}"])
    taken = sink.count()
    rig.forget()
    rig.queue(KB1, count)
    rig.redis.config_resetstat()
    rig.release()
    rig.await_sent(count)
    found.series |= {name: Series("us/mail", (figure,)) for name, figure in _commands(rig, count).items()}
    rig.check(count, taken)
    rate = rig.drain(KB1, count)
    found.series["rate"] = Series("mails/s", (rate,))
    found.series |= {f"{name}, CPU": Series("us/mail", (cost,)) for name, cost in rig.cost.items()}
    return found


def _commands(rig: Rig, count: int) -> dict[str, float]:
    """Microseconds a mail of every command that matters; those that scripts call are within theirs, too."""
    stats = rig.redis.info("commandstats")
    costs = {
        f"Redis {name.removeprefix('cmdstat_')} ({said['calls'] / count:.2f} calls)": said["usec"] / count
        for name, said in stats.items()
    }
    return dict(sorted(((name, cost) for name, cost in costs.items() if cost >= 0.05), key=lambda each: -each[1]))
