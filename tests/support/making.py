"""Things that tests make, with what does not matter to them filled in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from tasks import clock
from tasks.domain.job import Card, Head, Job
from tasks.domain.settle import Claim
from tasks.domain.spec import Defaults, JobSpec, parse

LATER = (clock.now().replace(microsecond=0) + timedelta(days=30)).isoformat()
"""An instant that these tests will not see."""
DEFAULTS = Defaults("postroom@mailbox.test", 8, 86_400, 25_000_000)


def make_spec(**fields: object) -> JobSpec:
    body: Mapping[str, object] = {"to": "ann@mailbox.test", "subject": "Hello", "text": "Hello Ann."} | fields
    spec = parse(body, DEFAULTS)
    assert isinstance(spec, JobSpec), spec
    return spec


def make_card(recipients: int = 1, **fields: object) -> Card:
    addresses = [f"r{number}@mailbox.test" for number in range(1, recipients + 1)]
    values: dict[str, object] = {
        "sender": "postroom@mailbox.test",
        "to": addresses,
        "mail_from": "postroom@mailbox.test",
        "rcpt_tos": addresses,
        "subject": "Hello",
        "size_bytes": 100,
        "max_attempts": 8,
        "give_up_after_seconds": 86_400,
    }
    return Card(**(values | fields))  # type: ignore[arg-type]


def make_claim(head: str, *, round_attempt: int = 0, round_us: int = 0, **card: object) -> Claim:
    parsed = Head.parse(head)
    return Claim("id", parsed, make_card(len(parsed.outcomes), **card), round_attempt, round_us)


def state_of(job: Job | None) -> str:
    assert job is not None
    return job.head.state.value
