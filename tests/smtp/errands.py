"""What the SMTP tests carry, and a ledger on paper that checks every call it gets."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from redis.exceptions import ConnectionError as RedisConnectionError

from tasks.domain.job import Outcome
from tasks.smtp.errand import Errand, Reached, Reply, Report

SMALL_CONTENT = b"Subject: hello\r\n\r\nHello.\r\n..stuffed\r\n"


def errand(name: str = "job1", *to: str, content: bytes = SMALL_CONTENT, smtputf8: bool = False) -> Errand:
    """An errand from ann to bob, or to others."""
    return Errand(name, "ann@example.org", list(to) or ["bob@example.org"], content, smtputf8=smtputf8)


def large_content(size: int) -> bytes:
    """A content of about that size."""
    line = b"0123456789" * 7 + b"\r\n"
    return b"Subject: large\r\n\r\n" + line * (size // len(line) + 1)


class PaperLedger:
    """Claims from a list, grants what is not fenced, and keeps all that it was told, in order."""

    def __init__(self, errands: Sequence[Errand]) -> None:
        self.due = deque(errands)
        self.fenced: set[str] = set()
        self.claimed: dict[str, Errand] = {}
        self.intents: list[str] = []
        self.reports: dict[str, Report] = {}
        self.given_back: list[str] = []
        self.failures: list[tuple[str, str]] = []
        self.answered = 0
        self.steps: list[tuple[int, int]] = []
        self.wants: list[int] = []
        self.keep_given_back = False
        self.on_claim: Callable[[], None] = lambda: None
        self.on_step: Callable[[], None] = lambda: None
        self.on_give_back: Callable[[], None] = lambda: None
        self.lock = threading.Lock()

    def turn(self, reports: list[Report], intents: list[Errand], want: int) -> tuple[list[bool], list[Errand]]:
        assert reports or intents or want
        grants = self._step(reports, intents) if reports or intents else []
        return grants, self._claim(want) if want else []

    def _claim(self, want: int) -> list[Errand]:
        self.on_claim()
        self.wants.append(want)
        errands = [self.due.popleft() for _ in range(min(want, len(self.due)))]
        for each in errands:
            assert each.job_id not in self.claimed
            assert each.deadline == 0
            self.claimed[each.job_id] = each
        return errands

    def _step(self, reports: list[Report], intents: list[Errand]) -> list[bool]:
        self.on_step()
        self.steps.append((len(reports), len(intents)))
        for report in reports:
            name = report.errand.job_id
            assert self.claimed.pop(name) is report.errand
            assert name not in self.reports, "settled twice"
            self._check(report)
            self.reports[name] = report
        for each in intents:
            assert self.claimed[each.job_id] is each
            assert each.job_id not in self.intents
            assert Outcome.PENDING in each.standing
            self.intents.append(each.job_id)
            if each.job_id in self.fenced:
                del self.claimed[each.job_id]
        return [each.job_id not in self.fenced for each in intents]

    def _check(self, report: Report) -> None:
        assert report.reached in (Reached.MAIL, Reached.DOT)
        assert len(report.outcomes) == len(report.replies) == len(report.errand.rcpt_tos)
        assert Outcome.PENDING not in report.outcomes
        if report.reached is Reached.DOT or Outcome.ACCEPTED in report.outcomes:
            assert report.errand.job_id in self.intents

    def give_back(self, errands: list[Errand]) -> None:
        assert errands
        self.on_give_back()
        for each in errands:
            assert self.claimed.pop(each.job_id) is each
            assert each.deadline == 0
            self.given_back.append(each.job_id)
            if not self.keep_given_back:
                self.due.append(each)

    def relay_failed(self, kind: str, text: str) -> None:
        self.failures.append((kind, text))

    def relay_answered(self) -> None:
        self.answered += 1

    def outcomes(self, name: str = "job1") -> list[Outcome]:
        """What became of a job's recipients."""
        return self.reports[name].outcomes

    def reply(self, name: str = "job1") -> Reply | None:
        """The reply that decided its first recipient."""
        return self.reports[name].replies[0]


class Redis:
    """Stands for a Redis that goes away: raise on the numbered calls, counted from 1."""

    def __init__(self, *calls: int) -> None:
        self.calls = 0
        self.bad = set(calls)

    def __call__(self) -> None:
        self.calls += 1
        if self.calls in self.bad:
            raise RedisConnectionError("Redis is away")
