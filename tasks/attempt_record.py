"""What is kept of an attempt: a line of the job's log, and the outcomes in its head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.domain.job import Outcome
from tasks.smtp.errand import Exchange, Reply, Report

_EXCHANGE_LIMIT = 300


def attempt_data(report: Report, attempt: int, served: list[int], worker: str, relay: str) -> dict[str, Any]:
    """The attempt as the log keeps it: short names, since a record holds many."""
    exchanges = report.exchanges
    data: dict[str, Any] = {
        "n": attempt,
        "w": worker,
        "r": relay,
        "t": round(report.seconds, 6),
        "x": [[command[:_EXCHANGE_LIMIT], *_brief(reply), round(at, 4)] for command, reply, at in exchanges],
        "o": [
            [at, outcome.value, *_where(reply, exchanges)]
            for at, outcome, reply in zip(served, report.outcomes, report.replies, strict=True)
        ],
    }
    if report.fault:
        data["f"] = report.fault
    return data


def merged(outcomes: str, served: list[int], new: Sequence[Outcome]) -> str:
    """A head's outcomes, with those of the recipients that were served replaced."""
    if len(served) == len(outcomes):
        return "".join(new)
    letters = list(outcomes)
    for at, outcome in zip(served, new, strict=True):
        letters[at] = outcome
    return "".join(letters)


def _brief(reply: Reply | None) -> tuple[int, str]:
    return (reply.code, reply.text[:_EXCHANGE_LIMIT]) if reply else (0, "")


def _where(reply: Reply | None, exchanges: list[Exchange]) -> tuple[int] | tuple[int, str]:
    """A deciding reply: which of the exchanges it stands in, so that it is kept once; or itself, if in none."""
    for at in range(len(exchanges) - 1, -1, -1):
        if exchanges[at].reply is reply and reply is not None:
            return (at,)
    return _brief(reply)
