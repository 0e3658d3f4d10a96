"""A connection alone: what the relay said last counts, even where our next write fails."""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tasks.domain.job import Outcome
from tasks.smtp.connection import Connection
from tasks.smtp.relay import Relay
from tests.smtp.errands import errand


@dataclass
class Pair:
    """A connection, and the relay's end of it."""

    connection: Connection
    relay: socket.socket
    selector: selectors.BaseSelector

    def hear(self, text: bytes) -> None:
        """The relay says something, and the connection reads it."""
        self.relay.sendall(text)
        assert self.selector.select(5)
        self.connection.ready(time.monotonic())


@pytest.fixture
def pair() -> Iterator[Pair]:
    with socket.create_server(("127.0.0.1", 0)) as listener, selectors.DefaultSelector() as selector:
        host, port = listener.getsockname()
        connection = Connection(Relay(host, port), [(socket.AF_INET, (host, port))], selector, time.monotonic())
        relay, _ = listener.accept()
        relay.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert selector.select(5)
        connection.ready(time.monotonic())
        yield Pair(connection, relay, selector)
        relay.close()
        connection.close()


def test_a_refusal_that_came_before_a_failed_write_is_not_lost(pair: Pair) -> None:
    pair.hear(b"220 hi\r\n250-you\r\n250 PIPELINING\r\n")
    session = pair.connection.session
    session.begin(errand(), time.monotonic())
    pair.connection.flush(time.monotonic())
    pair.hear(b"250 ok\r\n250 ok\r\n354 go\r\n")
    pair.relay.sendall(b"421 out of disk\r\n")
    pair.relay.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    pair.relay.close()
    session.grant(time.monotonic())
    pair.connection.flush(time.monotonic())
    (report,) = session.reports
    assert report.outcomes == [Outcome.DEFERRED]
    assert str(report.replies[0]) == "421 out of disk"
    assert report.fault is None


def test_a_write_that_fails_before_the_dot_left_is_no_unknown(pair: Pair) -> None:
    pair.hear(b"220 hi\r\n250-you\r\n250 PIPELINING\r\n")
    session = pair.connection.session
    session.begin(errand(), time.monotonic())
    pair.connection.flush(time.monotonic())
    pair.hear(b"250 ok\r\n250 ok\r\n354 go\r\n")
    pair.relay.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    pair.relay.close()
    session.grant(time.monotonic())
    pair.connection.flush(time.monotonic())
    (report,) = session.reports
    assert report.outcomes == [Outcome.DEFERRED]
    assert report.replies == [None]
    assert "the final dot" in (report.fault or "")
