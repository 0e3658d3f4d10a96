"""``python -m tests.bench [--quick] [--only name,...]``: see ``docs/performance.md``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from dataclasses import replace

from tasks.settings import Settings

for name in list(os.environ):
    if name.lower() in Settings.model_fields:
        del os.environ[name]
Settings.model_config["env_file"] = None

from tests.bench import machine, report, table  # noqa: E402
from tests.bench.bench import bench  # noqa: E402
from tests.bench.catalogue import MEASURES  # noqa: E402
from tests.bench.shape import Shape, default_shape  # noqa: E402
from tests.bench.sizes import FULL, QUICK, TINY, Sizes  # noqa: E402
from tests.support.processes import ROOT  # noqa: E402

VAR = ROOT / "var"


def main() -> int:
    usual = default_shape()
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer mails and rounds: within 8 minutes")
    parser.add_argument("--tiny", action="store_true", help="only to see that it works")
    parser.add_argument("--only", default="", help=f"some of: {', '.join(MEASURES)}")
    parser.add_argument("--rounds", type=int, help="how often the variants alternate")
    parser.add_argument("--workers", type=int, default=usual.workers, help="worker processes (%(default)s)")
    parser.add_argument("--threads", type=int, default=usual.threads, help="threads of each (%(default)s)")
    parser.add_argument("--sessions", type=int, default=usual.sessions, help="SMTP sessions a thread (%(default)s)")
    parser.add_argument("--table", action="store_true", help="measure nothing: print var/bench.json as Markdown")
    asked = parser.parse_args()
    if asked.table:
        print(table.markdown(VAR / "bench.json"))
        return 0
    names = asked.only.split(",") if asked.only else [name for name, each in MEASURES.items() if each.usual]
    if unknown := [name for name in names if name not in MEASURES]:
        parser.error(f"there is no measure {', '.join(unknown)}")
    sizes = QUICK if asked.quick else TINY if asked.tiny else FULL
    if asked.rounds:
        sizes = replace(sizes, rounds=asked.rounds)
    return run(names, sizes, Shape(asked.workers, asked.threads, asked.sessions))


def run(names: list[str], sizes: Sizes, shape: Shape) -> int:
    """Measure, print, and write down; 1 where something could not be measured."""
    about = machine.describe()
    print(
        f"{about['processor']}, {about['cores']} cores, load {about['load_before']:.1f}; {sizes.name}, {shape}",
        flush=True,
    )
    status = 0
    for name in names:
        if missing := MEASURES[name].missing():
            print(f"\n{name}: not measured, since {', '.join(missing)} is missing (make bench-setup)", flush=True)
            status = 1
            continue
        began = time.monotonic()
        with bench(sizes, shape, VAR / "bench") as under_way:
            found = MEASURES[name].run(under_way)
        print("\n".join(report.lines(name, found)), f"  [{time.monotonic() - began:.0f} s]", sep="\n", flush=True)
        report.merge(VAR / ("bench-tiny.json" if sizes is TINY else "bench.json"), about, sizes.name, {name: found})
    return status


if __name__ == "__main__":
    # A TERM ends the processes that were started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
