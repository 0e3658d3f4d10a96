"""The table that is printed, and ``var/bench.json``, into which every run merges what it found."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench.figures import Findings, Ratio, Series
from tests.bench.targets import TARGETS


def lines(name: str, findings: Findings) -> list[str]:
    """One measure's part of the table."""
    told = [f"\n{name}"]
    told += [_series_line(variant, series) for variant, series in findings.series.items()]
    told += [_ratio_line(key, ratio) for key, ratio in findings.ratios.items()]
    return told + [f"  {note}" for note in findings.notes]


def _series_line(variant: str, series: Series) -> str:
    figure, spread = _figure(series.median), f"±{series.spread / 2:4.0%}"
    return f"  {variant:<44} {figure:>10} {series.unit:<12} {spread}  n={len(series.samples)}"


def _ratio_line(key: str, ratio: Ratio) -> str:
    target = TARGETS.get(key)
    said = "" if target is None else f"   {target.words}: {'yes' if target.holds(ratio.value) else 'NO'}"
    return f"  = {key:<42} {ratio.value:>10.2f} ({ratio.low:.2f} to {ratio.high:.2f}){said}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def merge(path: Path, machine: dict[str, Any], sizes: str, found: dict[str, Findings]) -> None:
    """Write what was found over what the file had of the same measures; the rest stays."""
    try:
        whole: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        whole = {}
    ratios, measures = whole.setdefault("ratios", {}), whole.setdefault("measures", {})
    whole["machine"] = machine
    for name, findings in found.items():
        ratios.update({key: round(ratio.value, 3) for key, ratio in findings.ratios.items()})
        measures[name] = {
            "sizes": sizes,
            "at": machine["at"],
            "series": {
                variant: asdict(series) | {"median": series.median, "spread": round(series.spread, 3)}
                for variant, series in findings.series.items()
            },
            "ratios": {key: asdict(ratio) for key, ratio in findings.ratios.items()},
            "notes": findings.notes,
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole, indent=1) + "\n")
