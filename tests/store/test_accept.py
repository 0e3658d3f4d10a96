"""``accept`` takes a job whole, once."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from redis import Redis

from tasks import clock
from tasks.app import make_app, queue_key
from tasks.desk import Desk
from tasks.domain.job import Phase
from tasks.domain.states import State
from tasks.settings import Settings
from tasks.store.jobs import Jobs
from tests.support.making import LATER, make_spec


def test_an_accepted_job_is_all_there(desk: Desk, jobs: Jobs) -> None:
    submission = desk.submit(make_spec(to="Ann <ann@mailbox.test>", cc="bob@mailbox.test", tags=["x"]))
    job = jobs.read(submission.job_id)
    assert submission.kind == "accepted"
    assert job is not None
    assert (job.head.state, job.head.phase, job.head.outcomes) == (State.QUEUED, Phase.NONE, "pp")
    assert job.card.to == ["Ann <ann@mailbox.test>"]
    assert job.card.rcpt_tos == ["ann@mailbox.test", "bob@mailbox.test"]
    assert job.due_us == job.accepted_us == job.round_us
    assert [event.word for event in job.log] == ["accepted"]
    content = jobs.content(job.id)
    assert content is not None
    assert content.endswith(b"Hello Ann.\r\n")
    assert jobs.counts()[State.QUEUED] == 1


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {
            "to": ["Ann <ann@mailbox.test>"],
            "cc": "\u00e4nn@b\u00fccher.example",
            "bcc": "bob@mailbox.test",
            "tags": ["x"],
        },
        {"send_at": LATER, "priority": "low"},
        {"send_at": "2001-01-01T00:00:00Z", "max_attempts": 3, "on_unknown": "resend"},
    ],
)
def test_the_job_that_a_submission_gives_is_the_job_in_redis(desk: Desk, jobs: Jobs, asked: dict[str, object]) -> None:
    submission = desk.submit(make_spec(**asked), result="Hello Ann")
    assert submission.job is not None
    assert submission.job == jobs.read(submission.job_id)


def test_a_job_for_later_waits_until_then(desk: Desk, jobs: Jobs) -> None:
    job = jobs.read(desk.submit(make_spec(send_at=LATER)).job_id)
    assert job is not None
    assert job.head.state == State.SCHEDULED
    assert job.due_us == job.round_us == clock.to_us(datetime.fromisoformat(LATER))


def test_the_wake_up_is_what_celery_itself_would_publish(desk: Desk, redis: Redis, settings: Settings) -> None:
    job_id = desk.submit(make_spec()).job_id
    ours = json.loads(redis.rpop(queue_key(settings)))  # type: ignore[arg-type]
    app = make_app(settings)

    @app.task(name="postroom.deliver", ignore_result=True)  # type: ignore[untyped-decorator]
    def deliver() -> None: ...

    app.tasks["postroom.deliver"].apply_async(task_id=job_id)
    theirs = json.loads(redis.rpop(queue_key(settings)))  # type: ignore[arg-type]
    for message in (ours, theirs):
        assert message["properties"].pop("delivery_tag")
        assert message["properties"].pop("reply_to")
        assert message["headers"].pop("origin")
    assert ours == theirs
    app.close()


def test_no_wake_up_is_pushed_onto_a_long_queue(desk: Desk, redis: Redis, settings: Settings) -> None:
    redis.lpush(queue_key(settings), *["x"] * 64)
    desk.submit(make_spec())
    assert redis.llen(queue_key(settings)) == 64


def test_no_wake_up_is_pushed_for_a_job_that_is_not_due(desk: Desk, redis: Redis, settings: Settings) -> None:
    desk.submit(make_spec(send_at=LATER))
    assert redis.llen(queue_key(settings)) == 0


def test_the_same_key_and_content_is_the_first_job_again(desk: Desk, jobs: Jobs) -> None:
    first = desk.submit(make_spec(), key="k")
    again = desk.submit(make_spec(), key="k")
    assert (again.kind, again.job_id) == ("replayed", first.job_id)
    assert sum(jobs.counts().values()) == 1


def test_the_same_key_with_other_content_is_a_conflict(desk: Desk, jobs: Jobs) -> None:
    first = desk.submit(make_spec(), key="k")
    other = desk.submit(make_spec(subject="Other"), key="k")
    assert (other.kind, other.job_id) == ("conflict", first.job_id)
    assert sum(jobs.counts().values()) == 1


def test_keys_belong_to_their_caller(desk: Desk) -> None:
    desk.submit(make_spec(), key="k", scope="a")
    assert desk.submit(make_spec(subject="Other"), key="k", scope="b").kind == "accepted"


def test_a_key_is_free_again_after_a_day(desk: Desk, redis: Redis, settings: Settings) -> None:
    desk.submit(make_spec(), key="k")
    [key] = redis.keys(f"{settings.key_prefix}idempotency:*")
    assert 86_000 < redis.ttl(key) <= 86_400


def test_pages_are_newest_first_and_lose_nothing(desk: Desk, jobs: Jobs) -> None:
    made = [desk.submit(make_spec(subject=str(number))).job_id for number in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = jobs.page(None, 3, cursor)
        seen += [job.id for job in page.jobs]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == made[::-1]


@pytest.mark.parametrize("cursor", ["", "x", "1-", "1", "-a", "99999999999999999999-a", "1-*"])
def test_a_cursor_that_we_never_gave_is_refused(jobs: Jobs, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        jobs.page(None, 3, cursor)
