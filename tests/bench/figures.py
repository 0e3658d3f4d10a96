"""Samples, and what is said of them: medians, spread, ratios."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Series:
    """What one variant gave, round by round."""

    unit: str
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.samples)

    @property
    def spread(self) -> float:
        """From the lowest to the highest, as a share of the median."""
        return (max(self.samples) - min(self.samples)) / self.median if self.median else 0.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times one variant's figure is another's: of the medians, and within each round by itself."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, one: Series, other: Series) -> Ratio:
        rounds = [mine / theirs for mine, theirs in zip(one.samples, other.samples, strict=True)]
        return cls(one.median / other.median, min(rounds), max(rounds))

    @classmethod
    def exactly(cls, value: float) -> Ratio:
        """A figure that is compared with nothing (bytes a job)."""
        return cls(value, value, value)


@dataclass(slots=True)
class Findings:
    """What one measure found. The keys of ``ratios`` are those of ``var/bench.json``."""

    series: dict[str, Series] = field(default_factory=dict)
    ratios: dict[str, Ratio] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, found: Mapping[str, Sequence[float]], unit: str) -> None:
        """Take the samples of some variants."""
        self.series |= {name: Series(unit, tuple(samples)) for name, samples in found.items()}

    def ratio(self, key: str, one: str, other: str) -> None:
        """Compare two variants under a key; nothing where one of them was not measured."""
        if one in self.series and other in self.series:
            self.ratios[key] = Ratio.of(self.series[one], self.series[other])


def alternate(rounds: int, variants: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """A B C, C B A, A B C ...: what changes on the machine meanwhile touches all variants alike."""
    found: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds):
        names = list(variants) if number % 2 == 0 else list(variants)[::-1]
        for name in names:
            found[name].append(variants[name]())
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of all stays within."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
