"""Clocks that are wrong, or step: times that order things are Redis's, so nothing is lost, doubled or late."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.processes import Process, Stack, running_stack

HOUR = 3600
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")) + sorted(
    Path("/opt/homebrew/lib/faketime").glob("libfaketime*.dylib")
)


class Clock:
    """The wall clock of a process, which steps when told. Its monotonic clock goes on, as a real one does."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.step(0)

    def step(self, seconds: int) -> None:
        part = self._file.with_suffix(".part")
        part.write_text(f"{seconds:+d}s\n")
        part.rename(self._file)

    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    if not LIBRARIES:
        pytest.fail("libfaketime is missing: make test-setup gets it (apt install libfaketime)")
    with running_stack() as stack:
        yield stack


@pytest.fixture
def client(own: Stack) -> Client:
    return Client(own.base_url)


def with_clock(process: Process, clock: Clock) -> None:
    process._environment |= clock.environment()


def send_some(client: Client, label: str) -> list[str]:
    bodies = [f"{label}-{number}@mailbox.test" for number in range(5)]
    return [client.submit(to=to) for to in [*bodies, f"defer-once+{label}@mailbox.test"]]


def assert_each_sent_once(client: Client, job_ids: list[str]) -> None:
    for job_id in job_ids:
        job = client.until(job_id, "sent")
        assert "lapsed" not in [event["event"] for event in job["timeline"]], job
        [recipient] = job["to"]
        assert len(client.mails(recipient)) == 1


@pytest.mark.parametrize("who", ["worker", "web"])
def test_a_clock_that_steps_loses_and_doubles_nothing(own: Stack, client: Client, who: str) -> None:
    clock = Clock(own.settings.data_dir / f"{who}.clock")
    own.processes[who].stop()
    with_clock(own.processes[who], clock)
    own.processes[who].start()
    own._until_ready()
    in_hand = client.submit(to=f"slow+{who}@mailbox.test")
    client.until(in_hand, "sending")
    for step in (HOUR, -HOUR):
        clock.step(step)
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        later = client.submit(to=f"soon+{who}{step}@mailbox.test", send_at=soon)
        assert client.job(later)["state"] == "scheduled"
        began = time.monotonic()
        assert_each_sent_once(client, [*send_some(client, f"{who}{step}"), later])
        assert time.monotonic() - began < 10, "it waited for a clock that is wrong"
    assert_each_sent_once(client, [in_hand])
