"""The far side: Postfix's smtp-sink, which takes mail as fast as C can and counts it."""

from __future__ import annotations

import getpass
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import free_port, wait_until

_COUNT = re.compile(rb"mesg=(\d+)")
PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin:/usr/libexec/postfix"


def postfix_tool(name: str) -> str | None:
    """One of Postfix's programs, where it is installed."""
    return shutil.which(name) or shutil.which(name, path=PLACES)


class Sink:
    """A running smtp-sink. Its ``-c`` rewrites one line of counters after each mail; it goes to a file."""

    def __init__(self, folder: Path) -> None:
        program = postfix_tool("smtp-sink")
        assert program is not None, "smtp-sink is missing (it comes with Postfix)"
        self.port = free_port()
        self._told = folder / f"sink-{self.port}"
        arguments = [program, "-c", "-u", getpass.getuser(), f"127.0.0.1:{self.port}", "1000"]
        with self._told.open("wb") as file:
            self._child = subprocess.Popen(arguments, stdout=file, stderr=file)
        wait_until(self._answers, "smtp-sink to listen")

    @property
    def pid(self) -> int:
        return self._child.pid

    def count(self) -> int:
        """The mails that it has taken."""
        with self._told.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(end - 200, 0))
            found = _COUNT.findall(file.read())
        # The last line may be half written.
        return max((int(number) for number in found), default=0)

    def stop(self) -> None:
        self._child.terminate()
        self._child.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def running_sink(folder: Path) -> Iterator[Sink]:
    """A sink for the time of a block."""
    sink = Sink(folder)
    try:
        yield sink
    finally:
        sink.stop()
