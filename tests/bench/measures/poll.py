"""A poll of the list that has not changed, against the least that any poll could cost."""

from __future__ import annotations

import os
import sys
import urllib.request

from tests.bench import wrk
from tests.bench.bench import Bench
from tests.bench.figures import Findings, alternate
from tests.bench.mails import KB1
from tests.bench.rig import Rig
from tests.support.client import Client
from tests.support.processes import Process, free_port, wait_until

UNCHANGED, NOOP, RENDERED = "poll, unchanged (304)", "one Redis GET (200)", "poll, changed (50 rows)"


def poll(bench: Bench) -> Findings:
    """Microseconds a request of a web server that is kept busy."""
    rig = bench.rig(bench.sink(), web=True)
    rig.queue(KB1, 50)
    rig.release()
    rig.await_sent(50)
    rig.stop_workers()
    url = _start_noop(bench, rig)
    tag = tag_of(f"{rig.url}/partials/jobs")
    seconds, folder = bench.sizes.seconds, bench.folder

    def cost(url: str, headers: dict[str, str] | None = None) -> float:
        return 1e6 / wrk.get(folder, url, seconds, headers).rate

    cost(url)
    costs = alternate(
        bench.sizes.rounds,
        {
            UNCHANGED: lambda: cost(f"{rig.url}/partials/jobs", {"HX-PTag": tag}),
            NOOP: lambda: cost(url),
            RENDERED: lambda: cost(f"{rig.url}/partials/jobs"),
        },
    )
    assert tag_of(f"{rig.url}/partials/jobs") == tag, "the list was not to change meanwhile"
    found = Findings()
    found.add(costs, "us/request")
    found.ratio("unchanged_poll_vs_noop", UNCHANGED, NOOP)
    return found


def tag_of(url: str) -> str:
    """The tag that a region is answered with."""
    with urllib.request.urlopen(url) as answer:
        return str(answer.headers["HX-PTag"])


def _start_noop(bench: Bench, rig: Rig) -> str:
    port = free_port()
    arguments = [str(port), str(rig.settings.web_processes), rig.settings.store.for_redis_py()]
    command = [sys.executable, "-m", "tests.bench.noop", *arguments]
    process = Process(command, dict(os.environ), bench.folder / "noop.log")
    bench.ends.callback(process.stop)
    process.start()
    client = Client(f"http://127.0.0.1:{port}")

    def answers() -> bool:
        try:
            return client.get("/").status == 200
        except OSError:
            return False

    wait_until(answers, "the no-op server to answer")
    return client.base_url
