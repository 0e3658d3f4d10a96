"""The geometry of charts: numbers in, percentages and pixels out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from webapp import charts
from webapp.documents_overview import StepDocument, ThroughputDocument

START = datetime(2026, 11, 24, 5, 3, tzinfo=UTC)
SIZES = {"hour": (60, 60), "day": (24, 3600), "week": (168, 3600)}


def step(at: datetime, **counts: int) -> StepDocument:
    usual = dict.fromkeys(("accepted", "sent", "deferred", "partial", "dead", "unknown"), 0)
    return StepDocument.model_validate(usual | counts | {"at": at.isoformat().replace("+00:00", "Z")})


def document(span: Literal["hour", "day", "week"] = "hour", **at: dict[str, int]) -> ThroughputDocument:
    """Nothing but what happened in the steps named: ``s3={"sent": 1}``."""
    count, seconds = SIZES[span]
    start = START if span == "hour" else START.replace(minute=0)
    steps = [step(start + timedelta(seconds=seconds * n), **at.get(f"s{n}", {})) for n in range(count)]
    return ThroughputDocument(range=span, step_seconds=seconds, steps=steps, p50_seconds=None, p95_seconds=None)


@pytest.mark.parametrize(
    ("most", "size", "top"),
    [
        (0, 2, 4),
        (1, 2, 4),
        (4, 2, 4),
        (5, 2, 6),
        (7, 5, 10),
        (37, 20, 40),
        (100, 50, 100),
        (130, 50, 150),
        (6001, 5000, 10000),
    ],
)
def test_the_grid_has_few_lines_at_round_numbers(most: int, size: int, top: int) -> None:
    assert charts.scale(most) == (size, top)


@pytest.mark.parametrize("most", range(0, 3000, 7))
def test_every_bar_fits_under_two_or_three_lines(most: int) -> None:
    size, top = charts.scale(most)
    assert top >= most
    assert top // size in (2, 3)


def test_a_bar_stands_on_the_base_and_its_parts_on_each_other() -> None:
    bar = charts.throughput(document(s3={"sent": 30, "deferred": 6, "dead": 4})).bars[3]
    assert [part.word for part in bar.parts] == ["sent", "deferred", "dead"]
    below = float(charts.BASE)
    for part in bar.parts:
        assert part.y + part.height == pytest.approx(below)
        below = part.y
    assert below == charts.TOP  # 40 of 40
    assert bar.parts[0].height == pytest.approx((charts.BASE - charts.TOP) * 30 / 40)


def test_what_is_not_zero_can_be_seen_beside_thousands() -> None:
    bar = charts.throughput(document(s0={"sent": 9000, "dead": 1})).bars[0]
    assert bar.parts[-1].height == charts.LEAST


@pytest.mark.parametrize("span", ["hour", "day", "week"])
def test_bars_fill_the_width_and_stay_in_their_slots(span: Literal["hour", "day", "week"]) -> None:
    bars = charts.throughput(document(span)).bars
    assert len(bars) == SIZES[span][0]
    assert bars[0].slot_x == 0
    assert bars[-1].slot_x + bars[-1].slot_width == pytest.approx(100, abs=0.01)
    assert all(bar.slot_x < bar.x and bar.x + bar.width < bar.slot_x + bar.slot_width for bar in bars)


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        ("hour", ["05:15", "05:30", "05:45", "06:00"]),
        ("day", ["06:00", "12:00", "18:00", "00:00"]),
        ("week", ["Wed", "Thu", "Fri", "Sat", "Sun", "Mon", "Tue"]),
    ],
)
def test_moments_are_named_where_they_are_round(span: Literal["hour", "day", "week"], labels: list[str]) -> None:
    assert [tick.label for tick in charts.throughput(document(span)).ticks] == labels


def test_a_moment_at_the_edge_is_written_inwards() -> None:
    at_edge = ThroughputDocument(
        range="hour",
        step_seconds=60,
        steps=[step(START.replace(minute=0) + timedelta(minutes=n)) for n in range(60)],
        p50_seconds=None,
        p95_seconds=None,
    )
    assert charts.throughput(at_edge).ticks[0].anchor == "start"


def test_the_legend_has_what_happened_and_always_the_usual() -> None:
    assert [total.word for total in charts.throughput(document()).totals] == ["sent", "deferred", "dead"]
    totals = charts.throughput(document(s0={"unknown": 2}, s9={"unknown": 1, "sent": 5})).totals
    assert [(total.word, total.count) for total in totals] == [
        ("sent", 5),
        ("deferred", 0),
        ("dead", 0),
        ("unknown", 3),
    ]


def test_the_chart_is_told_in_words() -> None:
    chart = charts.throughput(document(s1={"sent": 3}, s2={"sent": 1200, "dead": 1}))
    assert chart.title == "Throughput by minute over the last hour"
    assert chart.words == ("1,203 sent, 0 deferred, 1 dead. The busiest minute began 05:05 UTC: 1,200 sent, 1 dead.")
    assert chart.bars[2].words == "05:05 UTC: 1,200 sent, 1 dead"
    assert charts.throughput(document()).words.endswith("Nothing was tried in this time.")


def test_the_table_leaves_out_steps_in_which_nothing_happened() -> None:
    rows = charts.throughput(document("day", s1={"accepted": 1}, s5={"sent": 2})).rows
    assert [row.label for row in rows] == ["Tue 24 Nov, 10:00", "Tue 24 Nov, 06:00"]


def test_large_numbers_are_short_on_the_axis() -> None:
    assert [line.label for line in charts.throughput(document(s0={"sent": 1400})).lines] == ["0", "500", "1k", "1.5k"]
