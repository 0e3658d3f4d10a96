"""The supervisor with a real Redis, the real mailbox, and stubs that write down what happens to them."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from tasks.store.connection import connect
from tests.run.conftest import OwnRedis, Running, environment, listens, wait_for
from tests.support.processes import free_port


def one_line(running: Running) -> str:
    """It ended by itself with one line, and left nothing running."""
    assert running.wait() == 1
    running.assert_nothing_left()
    wait_for(lambda: running.lines, what="the line")
    assert len(running.lines) == 1, running.output
    return running.lines[0]


def test_it_starts_all_in_order_says_so_in_one_line_and_stops_all_in_the_opposite_order(running: Running) -> None:
    running.start()
    line = running.ready()
    assert f"Postroom is ready at http://127.0.0.1:{running.port} (mail goes to the local mailbox). Ctrl-C" in line
    assert any(note.startswith("worker started") and note.endswith("redis True") for note in running.journal)
    with smtplib.SMTP("127.0.0.1", running.mailbox_port, timeout=5) as session:
        assert session.noop()[0] == 250
    assert running.stop() == 0
    ends = [note for note in running.journal if "started" not in note]
    assert ends == ["web asked", "web stopped", "worker asked", "worker stopped, redis True"]
    running.assert_nothing_left(0.5)
    assert not listens(running.mailbox_port)
    assert "worker   | worker says hello" in running.lines
    own = [line for line in running.lines if not line.startswith("postroom | ")]
    assert own == ["worker   | worker says hello"], "no banner of any process"


def test_workers_are_stopped_together(running: Running) -> None:
    running.start(WORKER_PROCESSES="2")
    running.ready()  # which one worker is enough for
    wait_for(lambda: sum(note.startswith("worker started") for note in running.journal) == 2, what="both workers")
    assert running.stop() == 0
    ends = [note for note in running.journal if "started" not in note]
    assert ends[:2] == ["web asked", "web stopped"]
    assert sorted(ends[2:]) == ["worker asked"] * 2 + ["worker stopped, redis True"] * 2
    running.assert_nothing_left(0.5)


def test_it_stops_in_order_too_when_the_terminal_is_closed(running: Running) -> None:
    running.start()
    running.ready()
    running.send(signal.SIGHUP)
    assert running.wait() == 0
    assert running.journal[-1] == "worker stopped, redis True"


def test_a_process_that_dies_is_started_again_with_growing_pauses(running: Running) -> None:
    running.start()
    running.ready()
    for pause in ("0.5", "1"):
        old = running.pid_of("worker")
        os.kill(old, signal.SIGKILL)
        running.wait_for_line(f"worker ended (killed by SIGKILL); starting it again in {pause} s")
        wait_for(lambda old=old: running.pid_of("worker") != old, what="another worker")  # type: ignore[misc]
    assert running.stop() == 0


def test_redis_comes_back_with_its_data_when_it_dies(running: Running) -> None:
    running.start()
    running.ready()
    client = connect(running.settings.store)
    client.set("kept", "yes")
    os.kill(client.info("server")["process_id"], signal.SIGKILL)
    running.wait_for_line("redis ended (killed by SIGKILL)")

    def answer() -> bytes | str | None:
        try:
            return client.get("kept")
        except RedisError:
            return None

    wait_for(lambda: answer() == b"yes", what="the value in the new Redis")
    client.close()
    assert running.stop() == 0


def test_when_the_supervisor_itself_is_killed_all_the_rest_stops_in_order(running: Running) -> None:
    running.start()
    running.ready()
    running.send(signal.SIGKILL)
    running.wait()
    running.assert_nothing_left()
    ends = [note for note in running.journal if "started" not in note]
    assert ends == ["web asked", "web stopped", "worker asked", "worker stopped, redis True"]


def test_a_second_ctrl_c_hurries(running: Running) -> None:
    running.start(WORKER_LINGERS="60")
    running.ready()
    running.send(signal.SIGINT)
    wait_for(lambda: "worker asked" in running.journal, what="the worker's turn to stop")
    running.send(signal.SIGINT)
    assert running.wait() == 0
    assert "Hurrying: worker is killed" in running.output
    running.assert_nothing_left(0.5)


def test_a_worker_that_does_not_stop_in_its_time_is_killed(running: Running) -> None:
    running.start(WORKER_LINGERS="60", SHUTDOWN_SECONDS="1")
    running.ready()
    assert running.stop() == 0
    assert "worker did not stop in" in running.output
    running.assert_nothing_left(0.5)


@pytest.mark.parametrize("name", ["PORT", "MAILBOX_PORT"])
def test_a_port_in_use_is_one_line(running: Running, name: str) -> None:
    with socket.socket() as other:
        # As the web server listens: such ports can be shared, and must not be.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        running.start(**{name: str(port)})
        line = one_line(running)
    assert line.startswith(f"postroom: {name}: cannot listen on 127.0.0.1:{port}")


def test_one_port_for_both_is_one_line(running: Running) -> None:
    running.start(MAILBOX_PORT=str(running.port))
    assert "PORT and MAILBOX_PORT are both" in one_line(running)


def test_a_bad_setting_is_one_line_that_names_it(running: Running) -> None:
    running.start(LEASE_SECONDS="soon")
    assert one_line(running).startswith("postroom: LEASE_SECONDS: ")


def test_a_data_dir_that_cannot_be_is_one_line_and_one_that_is_there_keeps_its_mode(
    make_running: Callable[[], Running],
) -> None:
    bad, good = make_running(), make_running()
    (bad.folder / "file").write_text("")
    bad.start(DATA_DIR=str(bad.folder / "file"))
    assert one_line(bad).startswith("postroom: DATA_DIR: cannot use")
    (good.folder / "var").mkdir()
    (good.folder / "var").chmod(0o755)
    good.start(WORKER_FAILS="1")
    one_line(good)
    assert stat.S_IMODE((good.folder / "var").stat().st_mode) == 0o755


def test_a_redis_that_is_not_there_is_one_line(running: Running) -> None:
    running.start(REDIS_URL=f"redis://:secret@127.0.0.1:{free_port()}/0")
    line = one_line(running)
    assert line.startswith("postroom: the Redis at 127.0.0.1:")
    assert "does not answer" in line
    assert "secret" not in line


def test_a_worker_that_cannot_start_is_one_line_with_its_reason(running: Running) -> None:
    running.start(WORKER_FAILS="1")
    assert one_line(running) == "postroom: worker could not start: the worker has a reason"


def test_with_a_redis_and_a_relay_of_ones_own_neither_is_started(running: Running, own_redis: OwnRedis) -> None:
    running.start(REDIS_URL=own_redis.address.for_redis_py(), SMTP_HOST="relay.example.org")
    assert "(mail goes to relay.example.org:587)" in running.ready()
    assert not listens(running.mailbox_port)
    assert not running.settings.socket_path.exists()
    assert not any("warning" in line.lower() for line in running.lines)
    assert running.stop() == 0
    assert connect(own_redis.address).ping(), "another's Redis is left alone"


def test_a_redis_that_may_throw_mail_away_is_warned_of(running: Running, own_redis: OwnRedis) -> None:
    client = connect(own_redis.address)
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        running.start(REDIS_URL=own_redis.address.for_redis_py())
        running.ready()
        assert "has maxmemory-policy allkeys-lru" in running.output
        assert running.stop() == 0
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        client.close()


def test_two_run_side_by_side_but_not_on_one_data_dir(make_running: Callable[[], Running]) -> None:
    one, two, third = make_running(), make_running(), make_running()
    one.start()
    two.start()
    one.ready()
    two.ready()
    third.start(DATA_DIR=str(one.folder / "var"))
    line = one_line(third)
    assert "is in use by another Postroom (process " in line
    assert one.process is not None
    assert f"(process {one.process.pid})" in line
    assert two.stop() == 0
    assert connect(one.settings.store).ping(), "the other one goes on"
    assert one.stop() == 0


def test_the_embedded_redis_refuses_a_directory_that_another_uses(tmp_path: Path) -> None:
    own = environment(DATA_DIR=str(tmp_path))
    arguments = [sys.executable, "-m", "tasks.local.redis_server"]
    first = subprocess.Popen(arguments, env=own, stdout=subprocess.DEVNULL)
    try:
        wait_for((tmp_path / "redis.sock").exists, what="Redis")
        second = subprocess.run(arguments, env=own, capture_output=True, text=True, timeout=10, check=False)
    finally:
        first.terminate()
        first.wait()
    assert second.returncode == 1
    assert second.stderr.startswith("postroom: ")
    assert "is in use by another Redis" in second.stderr


def test_a_job_goes_on_at_the_next_start_of_the_real_thing(running: Running) -> None:
    def ask(path: str, body: dict[str, str] | None = None) -> dict[str, str]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{running.port}{path}",
            json.dumps(body).encode() if body else None,
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.load(answer))

    running.start(procfile=None, RETRY_BACKOFF_SECONDS="2")
    running.ready()
    job = ask("/start-job", {"name": "User", "email": "defer-once@mailbox.test"})["job_id"]
    wait_for(lambda: ask(f"/job-status/{job}")["state"] == "RETRY", what="the first attempt")
    assert running.stop() == 0
    running.assert_nothing_left(0.5)
    running.lines.clear()
    running.start(procfile=None, RETRY_BACKOFF_SECONDS="2")
    running.ready()
    wait_for(lambda: ask(f"/job-status/{job}")["state"] == "SUCCESS", what="the second attempt")
    running.send(signal.SIGKILL)
    running.wait()
    running.assert_nothing_left()
    assert [line for line in running.lines if not line.startswith("postroom | ")] == []
