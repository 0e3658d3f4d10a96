"""RQ by itself."""

from __future__ import annotations


def noop() -> None:
    return
