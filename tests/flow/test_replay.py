"""A Redis that forgot its last moments is told by the processes around it what they had asked of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from redis.exceptions import RedisError

from tasks.bulk import BulkRunner
from tasks.desk import Desk
from tasks.domain.filter import Filter
from tasks.domain.states import State, Verb
from tasks.settings import Settings
from tasks.store.bulks import Bulks
from tasks.store.connection import connect
from tasks.stores import make_memory
from tests.support.making import LATER, make_spec
from tests.support.processes import RedisProcess, short_folder, wait_until


def log_of(folder: Path) -> Path:
    [log] = folder.rglob("*.incr.aof")
    return log


def test_a_bulk_that_a_crash_made_redis_forget_is_done_all_the_same() -> None:
    with short_folder() as folder:
        settings = Settings(data_dir=folder, redis_fsync="everysec")
        with RedisProcess(settings) as redis:
            settings = settings.model_copy(update={"redis_url": redis.url})
            memory = make_memory(settings)
            client = connect(settings.store, memory)
            desk = Desk(settings, client, memory)
            jobs = [desk.submit(make_spec(send_at=LATER)).job_id for _ in range(3)]
            log = log_of(folder)
            length = log.stat().st_size
            bulk = desk.bulk(Verb.CANCEL, Filter(state=State.SCHEDULED))
            assert log.stat().st_size > length
            redis.process.stop(signal.SIGKILL)
            os.truncate(log, length)
            redis.start()
            runner = BulkRunner(settings, client, "w1", memory)

            def is_over() -> bool:
                try:
                    runner.turn()
                except RedisError:  # it is being told what it forgot
                    return False
                found = Bulks(client, settings.key_prefix).read(bulk.id)
                return found is not None and found.state == "finished"

            wait_until(is_over, "the bulk to be done")
            assert [job and job.head.state for job in desk.jobs.read_many(jobs)] == [State.CANCELED] * 3
            client.close()
