"""When a deferred job is tried again."""

import pytest

from tasks.domain.retry import Policy, backoff_seconds, hinted_seconds

POLICY = Policy(first_seconds=10, longest_seconds=3600)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 10), (2, 20), (3, 40), (9, 2560), (10, 3600), (500, 3600)])
def test_the_wait_doubles_up_to_an_hour(attempt: int, seconds: float) -> None:
    assert backoff_seconds(POLICY, attempt, jitter=0) == seconds


def test_jitter_makes_it_longer_by_up_to_a_quarter() -> None:
    assert backoff_seconds(POLICY, 2, jitter=0.5) == 22.5
    assert backoff_seconds(POLICY, 500, jitter=0.999999) < 3600 * 1.25


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("4.7.1 Greylisted, please try again in 5 seconds", 5),
        ("try again in 300 seconds", 300),
        ("Try again in 10 minutes", 600),
        ("retry in 2 hours", 7200),
        ("please retry after 90s", 90),
        ("try again later in 15 min", 900),
        ("try again later", 0),
        ("5.1.1 no such user in 5 seconds", 0),
        ("try again in 999999 hours", 86_400),
        ("", 0),
    ],
)
def test_a_hint_in_the_reply_is_understood(text: str, seconds: float) -> None:
    assert hinted_seconds([text]) == seconds


def test_the_longest_hint_counts() -> None:
    assert hinted_seconds(["try again in 5 seconds", "try again in 1 minute", "ok"]) == 60
