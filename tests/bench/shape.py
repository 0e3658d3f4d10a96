"""How many worker processes, threads and sessions: the product's own defaults, unless asked otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.settings import Settings


@dataclass(frozen=True, slots=True)
class Shape:
    """Processes of so many threads, each with so many sessions."""

    workers: int
    threads: int
    sessions: int

    @property
    def hands(self) -> int:
        return self.workers * self.threads

    def __str__(self) -> str:
        return f"{self.workers} x {self.threads} threads x {self.sessions} sessions"


def default_shape() -> Shape:
    """As ``make run`` starts it."""
    fields = Settings.model_fields
    defaults = (fields[name].default for name in ("worker_processes", "worker_threads", "smtp_sessions"))
    return Shape(*(int(default) for default in defaults))
