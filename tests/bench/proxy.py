"""A relay that is far away: ``python -m tests.bench.proxy LISTEN TARGET THERE BACK`` delays every byte by so many
seconds each way, as a long line does: nothing is lost, nothing waits for anything but its own time."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.processes import Process, free_port, wait_until


class Line(asyncio.Protocol):
    """One direction's end: what comes in here goes out at the other end, later. An empty chunk is the end."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._under_way: deque[tuple[float, bytes]] = deque()
        self.transport: asyncio.Transport | None = None
        self.other: Line | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._put(data)

    def eof_received(self) -> bool:
        self._put(b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._put(b"")

    def _put(self, data: bytes) -> None:
        self._under_way.append((self._loop.time() + self._seconds, data))
        if len(self._under_way) == 1:
            self._loop.call_later(self._seconds, self._arrive)

    def _arrive(self) -> None:
        now = self._loop.time()
        while self._under_way and (self._under_way[0][0] <= now or self._seconds == 0):
            self._hand_over(self._under_way.popleft()[1])
        if self._under_way:
            self._loop.call_at(self._under_way[0][0], self._arrive)

    def _hand_over(self, data: bytes) -> None:
        there = self.other and self.other.transport
        if not there or there.is_closing():
            return
        if data:
            there.write(data)
        else:
            there.close()


async def serve(listen: int, target: int, there: float, back: float) -> None:
    """Until ended."""
    loop = asyncio.get_running_loop()

    class Near(Line):
        def __init__(self) -> None:
            super().__init__(there)

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            tasks.add(task := loop.create_task(self._reach()))
            task.add_done_callback(tasks.discard)

        async def _reach(self) -> None:
            _, far = await loop.create_connection(lambda: Line(back), "127.0.0.1", target)
            self.other, far.other = far, self

    tasks: set[asyncio.Task[None]] = set()
    server = await loop.create_server(Near, "127.0.0.1", listen, backlog=1000)
    await server.serve_forever()


@contextmanager
def running_proxy(folder: Path, target: int, there: float, back: float) -> Iterator[int]:
    """The port of a proxy, for the time of a block."""
    import os
    import socket

    port = free_port()
    arguments = [sys.executable, "-m", "tests.bench.proxy", str(port), str(target), str(there), str(back)]
    process = Process(arguments, dict(os.environ), folder / f"proxy-{port}.log")
    process.start()

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers, "the proxy to listen")
        yield port
    finally:
        process.stop()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
