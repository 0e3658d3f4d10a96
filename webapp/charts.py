"""Charts: geometry from numbers. No I/O and no markup; ``templates/chart.html`` draws what is computed here.

Across, everything is a percentage, so that a chart fits any width while its words keep their size; down, pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from webapp.documents_overview import StepDocument, ThroughputDocument
from webapp.wording import parse

TOP, BASE, HEIGHT = 8, 168, 192
"""Of the plot in pixels: its top line, its bottom line, and all of it, with the words below."""
LEAST = 2.0
"""A part that is not zero can be seen."""
SERIES = ("sent", "deferred", "partial", "dead", "unknown")
"""From the bottom of a bar to its top."""
ALWAYS = ("sent", "deferred", "dead")
"""These are in the legend, even with nothing to show."""
SPANS = {"hour": "the last hour", "day": "the last 24 hours", "week": "the last 7 days"}
STEPS = {60: "minute", 3600: "hour"}
_BAR = 0.72
"""A bar's share of its slot."""


@dataclass(frozen=True, slots=True)
class Part:
    """One colour of a bar."""

    word: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A step: the slot it stands in (which is what a mouse meets), the bar, its parts, and all of it in words."""

    slot_x: float
    slot_width: float
    x: float
    width: float
    parts: tuple[Part, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the grid, and its number."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment under the plot."""

    x: float
    anchor: Literal["start", "middle", "end"]
    label: str


@dataclass(frozen=True, slots=True)
class Total:
    """A line of the legend."""

    word: str
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    """A step in the table beside the chart."""

    label: str
    step: StepDocument


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is drawn, and the same in words and in a table."""

    height: int
    base: float
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]
    totals: tuple[Total, ...]
    title: str
    words: str
    rows: tuple[Row, ...]
    """Steps in which something happened, newest first."""


def throughput(document: ThroughputDocument) -> Chart:
    """What became of jobs, step by step."""
    steps = document.steps
    totals = [Total(word, sum(getattr(step, word) for step in steps)) for word in SERIES]
    totals = [total for total in totals if total.count or total.word in ALWAYS]
    size, top = scale(max((_sum(step) for step in steps), default=0))
    every = STEPS[document.step_seconds]
    return Chart(
        height=HEIGHT,
        base=BASE,
        bars=tuple(_bar(at, len(steps), step, top, document.range) for at, step in enumerate(steps)),
        lines=tuple(Line(_y(number, top), _short(number)) for number in range(0, top + 1, size)),
        ticks=tuple(_ticks(steps, document.range)),
        totals=tuple(totals),
        title=f"Throughput by {every} over {SPANS[document.range]}",
        words=f"{_listed(totals)}. {_busiest(steps, every, document.range)}",
        rows=tuple(
            Row(_moment(parse(step.at), document.range), step)
            for step in reversed(steps)
            if _sum(step) or step.accepted
        ),
    )


def scale(most: int) -> tuple[int, int]:
    """The distance of the grid's lines, a round number, and the topmost: two or three lines above zero."""
    most = max(most, 4)
    unit = 1
    while True:
        for size in (unit, 2 * unit, 5 * unit):
            if 3 * size >= most:
                return size, size * -(-most // size)
        unit *= 10


def _y(number: float, top: int) -> float:
    return round(BASE - (BASE - TOP) * number / top, 2)


def _bar(at: int, count: int, step: StepDocument, top: int, span: str) -> Bar:
    slot = 100 / count
    parts = []
    below = float(BASE)
    for word in SERIES:
        number = getattr(step, word)
        if not number:
            continue
        height = max(LEAST, (BASE - TOP) * number / top)
        below -= height
        parts.append(Part(word, round(max(below, 0.0), 2), round(height, 2)))
    return Bar(
        slot_x=round(at * slot, 3),
        slot_width=round(slot, 3),
        x=round((at + (1 - _BAR) / 2) * slot, 3),
        width=round(_BAR * slot, 3),
        parts=tuple(parts),
        words=f"{_moment(parse(step.at), span)} UTC: {_told(step)}",
    )


def _ticks(steps: Sequence[StepDocument], span: str) -> list[Tick]:
    found = []
    for at, step in enumerate(steps):
        moment = parse(step.at)
        if _is_round(moment, span):
            x = round((at + 0.5) * 100 / len(steps), 3)
            found.append(Tick(x, "start" if x < 3 else "end" if x > 97 else "middle", _tick(moment, span)))
    return found


def _is_round(moment: datetime, span: str) -> bool:
    if span == "hour":
        return moment.minute % 15 == 0
    return moment.hour % 6 == 0 if span == "day" else moment.hour == 0


def _tick(moment: datetime, span: str) -> str:
    return f"{moment:%a}" if span == "week" else f"{moment:%H:%M}"


def _moment(moment: datetime, span: str) -> str:
    return f"{moment:%H:%M}" if span == "hour" else f"{moment:%a} {moment.day} {moment:%b}, {moment:%H:%M}"


def _sum(step: StepDocument) -> int:
    return sum(getattr(step, word) for word in SERIES)


def _told(step: StepDocument) -> str:
    return ", ".join(f"{getattr(step, word):,} {word}" for word in SERIES if getattr(step, word)) or "nothing"


def _listed(totals: Sequence[Total]) -> str:
    return ", ".join(f"{total.count:,} {total.word}" for total in totals)


def _busiest(steps: Sequence[StepDocument], every: str, span: str) -> str:
    most = max(steps, key=_sum, default=None)
    if most is None or not _sum(most):
        return "Nothing was tried in this time."
    return f"The busiest {every} began {_moment(parse(most.at), span)} UTC: {_told(most)}."


def _short(number: int) -> str:
    """``950``, ``1.5k``, ``20k``, ``3M``."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= unit:
            return f"{number / unit:.1f}".removesuffix(".0") + name
    return str(number)
