"""A private Postfix: its own configuration and queue on disk, relaying to the sink. Needs root.

It is what a user would run instead of Postroom, so it is as Debian gives it: its own defaults for concurrency and
connection caching, and each message synced to disk before it is accepted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.sink import Sink, postfix_tool
from tests.support.processes import Process, free_port, wait_until

MAIN = """
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
myhostname = bench.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink}
smtp_tls_security_level = none
smtpd_tls_security_level = none
alias_maps =
local_recipient_maps =
local_transport = error:no local mail
# While there is no queue manager, accepting is not to wait for it.
in_flow_delay = 0
"""

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
{qmgr}
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
"""
QMGR = "qmgr      unix  n - n 300 1 qmgr"


class Postfix:
    """Messages are accepted while there is no queue manager; the clock starts when there is one."""

    def __init__(self, folder: Path, sink: Sink) -> None:
        self.sink = sink
        self.port = free_port()
        self._config = folder / "config"
        self._config.mkdir()
        # Postfix's own user must reach its data.
        folder.chmod(0o755)
        queue, data = folder / "queue", folder / "data"
        queue.mkdir()
        data.mkdir()
        shutil.chown(data, "postfix")
        (self._config / "main.cf").write_text(MAIN.format(queue=queue, data=data, sink=sink.port))
        self._write_master(with_queue_manager=False)
        daemons = subprocess.run(
            ["postconf", "-c", str(self._config), "-h", "daemon_directory"],
            capture_output=True,
            text=True,
            check=True,
        )
        self._master = Process(
            [f"{daemons.stdout.strip()}/master", "-c", str(self._config), "-d"], dict(os.environ), folder / "master.log"
        )

    def start(self) -> None:
        subprocess.run(["postfix", "-c", str(self._config), "check"], check=True, capture_output=True)
        self._master.start()
        wait_until(self._listens, "Postfix to listen")

    def stop(self) -> None:
        self._master.stop()

    def drain(self, size: int, count: int) -> float:
        """Mails a second, from the queue manager's start to the last mail's being in the sink."""
        self._reload(with_queue_manager=False)
        taken = self.sink.count()
        feed(self.port, size, count)
        assert self.sink.count() == taken, "Postfix was to wait"
        began = time.perf_counter()
        self._reload(with_queue_manager=True)
        return self._sent(taken, count, began)

    def carry(self, size: int, count: int) -> float:
        """Mails a second, from the first one's being handed to it to the last one's being in the sink."""
        self._reload(with_queue_manager=True)
        taken = self.sink.count()
        began = time.perf_counter()
        feed(self.port, size, count)
        return self._sent(taken, count, began)

    def _sent(self, taken: int, count: int, began: float) -> float:
        """The rate, once all have come through."""
        wait_until(lambda: self.sink.count() >= taken + count, f"Postfix to have sent {count}", 600)
        rate = count / (time.perf_counter() - began)
        wait_until(self._is_empty, "Postfix's queue to be empty")
        assert self.sink.count() == taken + count
        return rate

    def _reload(self, *, with_queue_manager: bool) -> None:
        self._write_master(with_queue_manager=with_queue_manager)
        subprocess.run(["postfix", "-c", str(self._config), "reload"], check=True, capture_output=True)

    def _write_master(self, *, with_queue_manager: bool) -> None:
        text = MASTER.format(port=self.port, qmgr=QMGR if with_queue_manager else "")
        (self._config / "master.cf").write_text(text.lstrip())

    def _is_empty(self) -> bool:
        queue = self._config.parent / "queue"
        return not any(
            found.is_file() for name in ("incoming", "active", "deferred") for found in (queue / name).rglob("*")
        )

    def _listens(self) -> bool:
        import socket

        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def feed(port: int, size: int, count: int) -> None:
    """Send so many messages of so many bytes to a port, over 10 sessions: smtp-source."""
    program = postfix_tool("smtp-source")
    assert program is not None, "smtp-source is missing (it comes with Postfix)"
    addresses = ["-f", "postroom@bench.test", "-t", "user@bench.test"]
    shape = ["-d", "-s", "10", "-m", str(count), "-l", str(size)]
    subprocess.run([program, *shape, *addresses, f"127.0.0.1:{port}"], check=True, capture_output=True)


def straight(sink: Sink, size: int, count: int) -> float:
    """Mails a second from smtp-source straight to the sink: as fast as C goes, keeping nothing."""
    taken = sink.count()
    began = time.perf_counter()
    feed(sink.port, size, count)
    rate = count / (time.perf_counter() - began)
    assert sink.count() == taken + count
    return rate


def can_run() -> bool:
    """Is Postfix installed, and may we start it?"""
    return os.getuid() == 0 and postfix_tool("postfix") is not None


@contextmanager
def running_postfix(parent: Path, sink: Sink) -> Iterator[Postfix]:
    """A Postfix for the time of a block."""
    postfix = Postfix(Path(tempfile.mkdtemp(prefix="postfix-", dir=parent)), sink)
    try:
        postfix.start()
        yield postfix
    finally:
        postfix.stop()
