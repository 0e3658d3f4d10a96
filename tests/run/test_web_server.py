"""``python -m webapp``: it finishes what it is answering before it stops, and says in one line why it cannot start."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.run.conftest import OwnRedis, environment, listens, wait_for
from tests.support.processes import free_port


def web(own_redis: OwnRedis, folder: Path, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "webapp"],
        env=environment(REDIS_URL=own_redis.address.for_redis_py(), DATA_DIR=str(folder), **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> str:
    """SIGTERM, and all that it said."""
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    return output


def children(process: subprocess.Popen[str]) -> list[int]:
    """The processes that answer."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def listeners(port: int) -> int:
    """How many of them are ready: each has a listening socket of its own."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return sum(each[1].endswith(f":{port:04X}") and each[3] == "0A" for each in sockets[1:])


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(own_redis: OwnRedis, tmp_path: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    process = web(own_redis, tmp_path, PORT=str(port))
    wait_for(lambda: listeners(port) == 2 and answers(port), what="the web server")
    yield process
    if process.poll() is None:
        end(process)


def test_a_request_that_is_being_sent_is_answered_before_it_stops(server: subprocess.Popen[str], port: int) -> None:
    body = json.dumps({"to": "ann@example.org", "subject": "Hi", "text": "Hello"}).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as half:
        half.sendall(
            b"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        assert half.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n", "the view is reading"
        half.sendall(body[:10])
        server.send_signal(signal.SIGTERM)
        wait_for(lambda: not listens(port), what="the end of listening")
        half.sendall(body[10:])
        assert half.recv(12) == b"HTTP/1.1 202"
    output, _ = server.communicate(timeout=20)
    assert (server.returncode, output) == (0, "")


def test_a_browser_that_keeps_its_connection_does_not_hold_it_up(server: subprocess.Popen[str], port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read()
    server.send_signal(signal.SIGTERM)
    output, _ = server.communicate(timeout=5)
    assert (server.returncode, output) == (0, "")
    connection.close()


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="this system has no such policy")
def test_its_requests_do_not_interrupt_each_other(server: subprocess.Popen[str]) -> None:
    assert {os.sched_getscheduler(pid) for pid in children(server)} == {os.SCHED_BATCH}


def test_there_are_as_many_as_were_asked_for_and_one_that_dies_is_started_anew(
    own_redis: OwnRedis, tmp_path: Path, port: int
) -> None:
    process = web(own_redis, tmp_path, PORT=str(port), WEB_PROCESSES="3")
    try:
        wait_for(lambda: listeners(port) == len(children(process)) == 3, what="three web processes")
        first = children(process)[0]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: first not in children(process) and listeners(port) == 3, what="another in its place")
        assert all(answers(port) for _ in range(20))
    finally:
        end(process)
    assert process.returncode == 0


def test_a_port_in_use_by_another_of_its_kind_is_one_line(
    server: subprocess.Popen[str], own_redis: OwnRedis, tmp_path: Path, port: int
) -> None:
    assert server.poll() is None
    second = web(own_redis, tmp_path, PORT=str(port))
    output, _ = second.communicate(timeout=20)
    assert second.returncode == 1
    assert output.startswith(f"postroom: PORT: cannot listen on 127.0.0.1:{port}")
    assert output.count("\n") == 1


def test_another_machine_cannot_be_served_yet(own_redis: OwnRedis, tmp_path: Path) -> None:
    process = web(own_redis, tmp_path, HOST="0.0.0.0")
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert output.startswith("postroom: HOST: 0.0.0.0 is not a loopback address")
    assert output.count("\n") == 1
