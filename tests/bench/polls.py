"""``python -m tests.bench.polls``: 200 open job pages that poll once a second, and what that costs the server."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tests.bench.bench import Bench
from tests.bench.figures import Findings, Series
from tests.bench.mails import KB1
from tests.bench.rig import Rig
from tests.bench.usage import cpu_seconds


@dataclass(slots=True)
class Seen:
    """What the pages got."""

    answers: int = 0
    octets: int = 0


def polls(bench: Bench) -> Findings:
    """Unchanged and changed polls: the share of a core, and the bytes of an answer."""
    rig, pages = bench.rig(bench.sink(), web=True), bench.sizes.pages
    rig.queue(KB1, pages)
    ids = [job.id for start in [rig.jobs.page(None, pages)] for job in start.jobs]
    seconds = max(bench.sizes.seconds, 2)
    found = Findings(notes=[f"{pages} pages, each once a second"])
    for name, changed in (("unchanged", False), ("changed", True)):
        core, seen = asyncio.run(_poll(rig, ids, seconds, changed=changed))
        found.series[f"web, {name} polls"] = Series("% of a core", (core * 100,))
        found.series[f"an answer, {name}"] = Series("bytes", (seen.octets / max(seen.answers, 1),))
    rig.release()
    rig.await_sent(pages)
    return found


async def _poll(rig: Rig, ids: list[str], seconds: float, *, changed: bool) -> tuple[float, Seen]:
    seen = Seen()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for at, job_id in enumerate(ids):
            offset = at / len(ids)
            group.create_task(_page(rig.settings.port, job_id, began + offset, seconds, changed, seen))
        await asyncio.sleep(1)  # in which the pages are loaded: that is no poll
        before, since = cpu_seconds(rig.web.pid), time.perf_counter()
    return (cpu_seconds(rig.web.pid) - before) / (time.perf_counter() - since), seen


async def _page(port: int, job_id: str, first: float, seconds: float, changed: bool, seen: Seen) -> None:
    """One open page, on a connection that is kept, as a browser's is."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    tag = ""
    for turn in range(int(seconds) + 1):
        await asyncio.sleep(max(first + turn - time.perf_counter(), 0))
        known = "" if changed or not tag else f"HX-PTag: {tag}\r\n"
        writer.write(f"GET /partials/jobs/{job_id} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{known}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await reader.readexactly(int(headers.get("content-length", 0))) if " 304 " not in head[:14] else b""
        tag = headers["hx-ptag"]
        if turn:  # the first is the page's own loading
            assert (" 304 " in head[:14]) != changed, head
            seen.answers += 1
            seen.octets += len(head) + len(body)
    writer.close()
