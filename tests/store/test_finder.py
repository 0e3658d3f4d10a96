"""``Finder`` finds what a filter means, all of it, once, in order: as a look at every single job would."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from tasks.domain import filter as filters
from tasks.domain.filter import Filter
from tasks.domain.states import State
from tasks.settings import Settings
from tasks.store import finder as finder_module
from tasks.store.finder import Finder
from tasks.store.jobs import Jobs
from tests.support.making import make_card
from tests.support.planting import Planted, id_at, plant

START_US = 1_700_000_000_000_000
ADDRESSES = ("ann@mailbox.test", "Bob@mailbox.test", "ann@example.org", '"a b"@example.org')
DIGESTS = ("0" * 16, "f" * 16)
STATES = (State.QUEUED, State.SENT, State.DEAD)

planted = st.builds(
    lambda at, state, to, tags, batch, priority, digest, clock_us: (
        at,
        state,
        make_card(to=to, rcpt_tos=to, tags=tags, batch=batch, priority=priority),
        digest,
        clock_us,
    ),
    st.integers(0, 6),  # few instants, so that jobs share one
    st.sampled_from(STATES),
    st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from(["a b", "c"]), unique=True),
    st.sampled_from([None, "b1", "b2"]),
    st.sampled_from(["high", "normal", "low"]),
    st.sampled_from(DIGESTS),
    st.integers(-9_000_000, 9_000_000),  # how far the web host's clock is off
)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


wanted_filters = st.builds(
    Filter,
    state=maybe(st.sampled_from(STATES)),
    recipient=maybe(st.sampled_from([*(address.lower() for address in ADDRESSES), "@mailbox.test", "@example.org"])),
    tag=maybe(st.sampled_from(["a b", "c", "none"])),
    batch=maybe(st.sampled_from(["b1", "b2"])),
    priority=maybe(st.sampled_from(["high", "low"])),
    since_us=maybe(st.integers(START_US, START_US + 6)),
    until_us=maybe(st.integers(START_US, START_US + 7)),
    reason=maybe(st.sampled_from(DIGESTS)),
)


def is_meant(job: Planted, wanted: Filter) -> bool:
    """A second, naive reading of what a filter says."""
    addresses = [address.lower() for address in job.card.rcpt_tos]
    if wanted.recipient and wanted.recipient[0] == "@":
        at_domain = {"@" + address.split("@")[-1] for address in addresses}
        if wanted.recipient not in at_domain:
            return False
    elif wanted.recipient and wanted.recipient not in addresses:
        return False
    if wanted.q and not (job.id.startswith(wanted.q) or f"{job.id}@mailbox.test" == wanted.q):
        return False
    return not (
        (wanted.state and job.state != wanted.state)
        or (wanted.tag and wanted.tag not in job.card.tags)
        or (wanted.batch and job.card.batch != wanted.batch)
        or (wanted.priority and job.card.priority != wanted.priority)
        or (wanted.since_us and job.accepted_us < wanted.since_us)
        or (wanted.until_us and job.accepted_us >= wanted.until_us)
        or (wanted.reason and job.reason != wanted.reason)
    )


def all_pages(finder: Finder, wanted: Filter, limit: int) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    for _ in range(1000):
        page = finder.page(wanted, limit, cursor)
        assert len(page.jobs) <= limit
        found += [job.id for job in page.jobs]
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


@pytest.fixture
def finder(jobs: Jobs) -> Finder:
    return Finder(jobs)


@pytest.mark.parametrize(("chunk", "most"), [(500, 2000), (2, 3)])
def test_pages_and_counts_are_what_a_look_at_every_job_gives(
    settings: Settings, redis: Redis, finder: Finder, monkeypatch: pytest.MonkeyPatch, chunk: int, most: int
) -> None:
    monkeypatch.setattr(finder_module, "_CHUNK", chunk)
    monkeypatch.setattr(finder_module, "LOOK_AT_MOST", most)

    @hypothesis.settings(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(made=st.lists(planted, max_size=25), wanted=wanted_filters, limit=st.integers(1, 5), data=st.data())
    def check(made: list[Any], wanted: Filter, limit: int, data: st.DataObject) -> None:
        redis.flushall()
        there = [
            Planted(
                id=id_at(START_US + clock_us, number),
                card=card,
                accepted_us=START_US + at,
                state=state,
                reason=digest if state == State.DEAD else None,
            )
            for number, (at, state, card, digest, clock_us) in enumerate(made)
        ]
        plant(redis, settings.key_prefix, there)
        by_name = data.draw(st.booleans())
        if there and by_name:
            one = data.draw(st.sampled_from(there)).id
            wanted = replace(wanted, q=data.draw(st.sampled_from([one, one[:9], one[:12], f"{one}@mailbox.test"])))
        meant = sorted((job for job in there if is_meant(job, wanted)), key=lambda job: (job.accepted_us, job.id))
        assert all_pages(finder, wanted, limit) == [job.id for job in reversed(meant)]
        count = finder.count(wanted)
        assert count.number == len(meant) if count.exact else count.number <= len(meant)
        if most == 2000:
            assert count.exact

    check()


def test_a_count_of_a_combination_says_that_it_is_at_least_so_many(
    settings: Settings, redis: Redis, finder: Finder
) -> None:
    made = [
        Planted(id_at(START_US, number), make_card(tags=["a"]), START_US + number, State.SENT) for number in range(2500)
    ]
    plant(redis, settings.key_prefix, made)
    assert finder.count(Filter(tag="a")) == finder_module.Count(2500, exact=True)
    assert finder.count(Filter(tag="a", since_us=START_US + 2400)) == finder_module.Count(100, exact=True)
    both = finder.count(Filter(tag="a", state=State.SENT))
    assert (both.number, both.exact) == (2000, False)


def test_a_rare_combination_ends_its_page_early_and_leads_on(settings: Settings, redis: Redis, finder: Finder) -> None:
    made = [
        Planted(
            id_at(START_US, number),
            make_card(priority="high" if number == 0 else "low"),
            START_US + number,
            State.SENT,
        )
        for number in range(4500)
    ]
    plant(redis, settings.key_prefix, made)
    first = finder.page(Filter(priority="high"), 10)
    assert first.jobs == []
    assert first.next_cursor is not None
    assert all_pages(finder, Filter(priority="high"), 10) == [made[0].id]


def test_jobs_that_come_while_paging_neither_shift_nor_double_a_page(
    settings: Settings, redis: Redis, finder: Finder
) -> None:
    def some(first: int) -> list[Planted]:
        return [
            Planted(id_at(START_US, number), make_card(), START_US + number // 3, State.SENT)
            for number in range(first, first + 10)
        ]

    plant(redis, settings.key_prefix, some(0))
    page = finder.page(Filter(), 4)
    plant(redis, settings.key_prefix, some(10))
    rest: list[str] = []
    cursor = page.next_cursor
    while cursor:
        later = finder.page(Filter(), 4, cursor)
        rest += [job.id for job in later.jobs]
        cursor = later.next_cursor
    assert [job.id for job in page.jobs] + rest == [job.id for job in reversed(some(0))]


@pytest.mark.parametrize("cursor", ["", "x", "1-", "1", "-a", "99999999999999999999-a", "1-*", "²-a"])
def test_a_cursor_that_we_never_gave_is_refused(finder: Finder, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        finder.page(Filter(), 3, cursor)


@hypothesis.settings(derandomize=True, database=None)
@given(wanted=wanted_filters)
def test_a_filter_and_its_words_say_the_same(wanted: Filter) -> None:
    assert filters.parse(wanted.words()) == wanted


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"recipient": "ann"}, "recipient"),
        ({"recipient": "é b@x"}, "recipient"),
        ({"state": "lost"}, "state"),
        ({"priority": "urgent"}, "priority"),
        ({"since": "yesterday"}, "since"),
        ({"reason": "550"}, "reason"),
        ({"q": "hello world"}, "q"),
        ({"q": "z"}, "q"),
        ({"colour": "red"}, "colour"),
        ({"tag": 5}, "tag"),
        ({"batch": "x" * 1001}, "batch"),
    ],
)
def test_what_a_filter_cannot_say_is_named(words: dict[str, Any], field: str) -> None:
    found = filters.parse(words)
    assert isinstance(found, list)
    assert [error.field for error in found] == [field]


def test_a_recipient_is_found_however_it_is_written() -> None:
    for text in ("Ann@BÜCHER.example", "ann@xn--bcher-kva.example"):
        found = filters.parse({"recipient": text})
        assert isinstance(found, Filter)
        assert found.recipient == "ann@xn--bcher-kva.example"
    everybody = filters.parse({"recipient": "@bücher.example", "tag": " ", "batch": None})
    assert everybody == Filter(recipient="@xn--bcher-kva.example")
