"""How instants, spans and sizes are said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from webapp import wording

NOW = datetime(2025, 11, 12, 14, 3, 5, 300_000, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.clock.now", lambda: NOW)


def _rfc3339(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (-5, "just now"),  # a clock that is a little ahead
        (1.9, "just now"),
        (42, "42 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7200, "2 h ago"),
        (90_000, "1 d ago"),
    ],
)
def test_ago(seconds: float, said: str) -> None:
    assert wording.ago(_rfc3339(-seconds)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "now"),
        (0, "now"),
        (42, "in 42 s"),
        (60, "in 1 min"),
        (185, "in 3 min 5 s"),
        (7800, "in 2 h 10 min"),
        (100_000, "in 1 d 3 h"),
    ],
)
def test_until(seconds: float, said: str) -> None:
    assert wording.until(_rfc3339(seconds)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 ms"), (0.008, "8 ms"), (0.42, "0.42 s"), (5.12, "5.1 s"), (60, "1 min"), (125, "2 min 5 s")],
)
def test_span(seconds: float, said: str) -> None:
    assert wording.span(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (812, "812 B"), (3400, "3.4 kB"), (48_211, "48 kB"), (1_500_000, "1.5 MB"), (25_000_000, "25 MB")],
)
def test_size(count: int, said: str) -> None:
    assert wording.size(count) == said


def test_instants_in_full_and_short() -> None:
    assert wording.exact("2025-11-12T14:03:05.312Z") == "12 Nov 2025, 14:03:05 UTC"
    assert wording.moment("2025-11-02T04:03:05.312Z") == "2 Nov 04:03:05.3"
    assert wording.moment("2024-12-31T23:59:59.999Z") == "31 Dec 2024 23:59:59.9"


def test_people() -> None:
    assert wording.people(["a@x", "b@x"]) == "a@x, b@x"
    assert wording.people(["a@x", "b@x", "c@x", "d@x"]) == "a@x, b@x and 2 more"
    assert wording.people([], 1) == ""
