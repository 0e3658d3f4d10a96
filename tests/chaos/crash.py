"""A crash of Redis's machine under ``appendfsync everysec``.

``kill -9`` loses nothing that reached the kernel. So the append-only file is cut back to a length that it had up to a
second before: that is what the disk would have kept.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import deque
from pathlib import Path

from tests.chaos.town import Town

SAMPLE_SECONDS = 0.05


class Crasher:
    """Knows how long the append-only file was at each moment of the last seconds."""

    def __init__(self, town: Town, seed: int) -> None:
        self._town = town
        self._chance = random.Random(seed)
        self._folder = town.settings.data_dir / "redis" / "appendonlydir"
        self._lengths: deque[tuple[float, Path, int]] = deque(maxlen=int(3 / SAMPLE_SECONDS))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.cut_bytes: list[int] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def crash(self, also: str | None = None) -> None:
        """The machine dies, with Redis on it; ``also``: and a process elsewhere in the same second."""
        back = self._chance.uniform(0.6, 1.0)
        self._town.kill_redis()
        died = time.monotonic()
        if also:
            self._town.kill(also)
        path = self._file()
        known = [length for at, of, length in self._lengths if of == path and at >= died - back]
        length = known[0] if known else path.stat().st_size
        self.cut_bytes.append(path.stat().st_size - length)
        os.truncate(path, length)
        self._town.redis_process.start()

    def _file(self) -> Path:
        """The last file of increments."""
        return max(self._folder.glob("*.incr.aof"), key=lambda path: int(path.name.split(".")[-3]))

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            path = self._file()
            self._lengths.append((time.monotonic(), path, path.stat().st_size))
