"""``var/bench.json`` as the Markdown tables of ``docs/performance.md``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.bench.targets import TARGETS


def markdown(path: Path) -> str:
    """The ratios against what they are to reach, and below them every figure that they come from."""
    whole: dict[str, Any] = json.loads(path.read_text())
    about = whole["machine"]
    told = [
        f"{about['processor']}, {about['cores']} cores, {about['memory_mb']} MB; Python {about['python']}, "
        f"Redis {about['redis']}, Postfix {about['postfix']}; {about['at']}.",
        "",
        "| ratio | found | in each round | to reach |",
        "|---|---|---|---|",
    ]
    found = {key: ratio for measure in whole["measures"].values() for key, ratio in measure["ratios"].items()}
    for key, target in TARGETS.items():
        if key in found:
            told.append(_ratio(key, found[key], target.words, target.holds(found[key]["value"])))
    told += ["", "| measure | variant | median | unit | spread | rounds |", "|---|---|---|---|---|---|"]
    for name, measure in whole["measures"].items():
        for variant, series in measure["series"].items():
            told.append(
                f"| {name} ({measure['sizes']}) | {variant} | {_figure(series['median'])} | {series['unit']} "
                f"| ±{series['spread'] / 2:.0%} | {len(series['samples'])} |"
            )
    return "\n".join(told)


def _ratio(key: str, ratio: dict[str, float], words: str, holds: bool) -> str:
    within = "" if ratio["low"] == ratio["high"] else f"{_figure(ratio['low'])} to {_figure(ratio['high'])}"
    return f"| `{key}` | {'**' if holds else ''}{_figure(ratio['value'])}{'**' if holds else ''} | {within} | {words} |"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
