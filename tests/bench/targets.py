"""What each ratio is to reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    bound: float
    at_most: bool = False

    def holds(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound

    @property
    def words(self) -> str:
        return f"{'at most' if self.at_most else 'at least'} {self.bound:g}"


TARGETS = {
    "drain_1kb_vs_tutorial": Target(20),
    "drain_1kb_vs_postfix": Target(12),
    "drain_1kb_everysec_vs_tutorial": Target(25),
    "drain_20kb_vs_tutorial": Target(12),
    "drain_20kb_everysec_vs_tutorial": Target(15),
    "submit_vs_tutorial": Target(2.5),
    "submit_to_sent_vs_tutorial": Target(6),
    "latency_p99_vs_tutorial": Target(0.7, at_most=True),
    "pipelined_40ms_vs_kept": Target(3),
    "unchanged_poll_vs_noop": Target(1.5, at_most=True),
    "list_1m_vs_1k": Target(1.2, at_most=True),
    "overview_1m_vs_1k": Target(1.2, at_most=True),
    "submit_1m_vs_1k": Target(1.2, at_most=True),
    "drain_1m_vs_1k": Target(1.2, at_most=True),
    "redis_bytes_per_finished_job": Target(1200, at_most=True),
}
