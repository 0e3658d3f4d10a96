"""A job that kills its worker, every time, among others that do not."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from tasks.desk import Desk
from tasks.domain.states import State
from tasks.settings import Settings
from tasks.store.connection import connect
from tests.flow.stopping import StoppingRelay, worker_at
from tests.support.making import make_spec
from tests.support.processes import RedisProcess, short_folder, wait_until

NEIGHBOURS = 60
POISON = "poison@mailbox.test"


def test_a_poison_job_is_dead_after_three_deaths_alone_and_its_neighbours_are_sent() -> None:
    with short_folder() as folder, RedisProcess(Settings(data_dir=folder)) as redis, StoppingRelay() as relay:
        settings = Settings(redis_url=redis.url, data_dir=folder)
        worker = worker_at(relay, redis, folder)
        deaths: list[set[str]] = []
        """Whose mail was on its way with it, each time."""
        begun: set[str] = set()

        def kill(recipient: str) -> None:
            begun.add(recipient)
            if recipient == POISON:
                deaths.append({each for each in begun if not relay.taken[each]} - {POISON})
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)
                raise OSError("its worker is dead")

        relay.on_rcpt = kill
        client = connect(settings.store)
        desk = Desk(settings, client)
        for number in range(NEIGHBOURS // 2):
            desk.submit(make_spec(to=f"n{number}@mailbox.test"))
        poison = desk.submit(make_spec(to=POISON)).job_id
        for number in range(NEIGHBOURS // 2, NEIGHBOURS):
            desk.submit(make_spec(to=f"n{number}@mailbox.test"))

        def is_over() -> bool:
            # What a dead worker had said is read to its end before the next one lives: it is not that one's company.
            if not worker.running and relay.is_left():
                begun.clear()
                worker.start()
            counts = desk.jobs.counts()
            return counts[State.SENT] + counts[State.DEAD] + counts[State.UNKNOWN] == NEIGHBOURS + 1

        worker.start()
        try:
            wait_until(is_over, "every job to be final", 90)
        finally:
            worker.stop(signal.SIGKILL)
        job = desk.jobs.read(poison)
        client.close()
        assert job is not None
        assert job.head.state == State.DEAD
        assert len(deaths) == 4, "once with others, thrice alone"
        assert deaths[1:] == [set(), set(), set()]
        assert desk.jobs.counts()[State.DEAD] == 1
        assert all(relay.taken[f"n{number}@mailbox.test"] <= 1 for number in range(NEIGHBOURS))
