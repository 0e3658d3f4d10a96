"""A worker thread's ledger: between the carousel, which talks SMTP, and the store, which keeps what became of it.

It claims jobs and makes errands of them, records intents, settles reports, and knows at any moment which jobs this
thread holds, so that the heartbeat can extend their leases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import OutOfMemoryError, ResponseError

from tasks import clock
from tasks.attempt_record import attempt_data, merged
from tasks.claiming import Claiming
from tasks.domain.job import Head, Outcome, Phase
from tasks.domain.retry import Policy
from tasks.domain.settle import POISON, Claim, Settlement, end, give_back, settle, unsendable
from tasks.settings import Settings
from tasks.smtp.errand import Errand, Reached, Report
from tasks.solitude import Solitude, Way
from tasks.store.jobs import Change
from tasks.store.memory import Memory
from tasks.store.relays import Relays
from tasks.stores import make_jobs


@dataclass(slots=True)
class Held:
    """A job that this thread holds."""

    claim: Claim
    served: list[int]
    """Which of its recipients this attempt serves, by index."""
    asked: Head | None = None
    """The head with the intent, once that was asked for: it may be in Redis though the answer was lost."""


class LedgerOfThread:
    """The ledger of one carousel. Only its thread calls it, but for :meth:`leases`."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        worker: str,
        memory: Memory | None = None,
        solitude: Solitude | None = None,
    ) -> None:
        self._settings = settings
        self._worker = worker
        self._relay_name = settings.relay_name
        self._redis = redis
        self.jobs = make_jobs(settings, redis, memory)
        self._relays = Relays(redis, settings.key_prefix)
        self._claiming = Claiming(settings, redis, self.jobs)
        self._policy = Policy(settings.retry_backoff_seconds, settings.retry_backoff_max_seconds)
        self._held: set[Errand] = set()
        """By errand, not by job: after its lease lapsed, a job may be claimed anew by the thread that still has it."""
        self._solitude = solitude or Solitude()
        self._redis_ahead_us = 0
        self.settled = 0
        self.settled_in: Counter[str] = Counter()
        """The same, lane by lane."""

    # What the carousel asks

    def turn(self, reports: list[Report], intents: list[Errand], want: int) -> tuple[list[bool], list[Errand]]:
        """Settle the reports, record the intents and claim up to ``want`` due jobs, in one round trip. Jobs that need
        no SMTP are settled here."""
        granted, errands, passed_over = self._turn_once(reports, intents, want)
        if passed_over and not errands:  # nothing but one that must be alone: perhaps it can be, now
            _, errands, _ = self._turn_once([], [], want)
        return granted, errands

    def give_back(self, errands: list[Errand]) -> None:
        """Let others have what was claimed and not begun."""
        self._let_go(errands)
        changes = []
        for errand in errands:
            claim = _held(errand).claim
            changes.append(Change("back", claim.job_id, claim.head, give_back(claim), due="+0", result="-"))
        self.jobs.step(changes)

    def relay_failed(self, kind: str, text: str) -> None:
        """Count a failure that is the relay's; after a few its breaker opens."""
        self._relays.failed(self._relay_name, kind, text)

    def relay_answered(self) -> None:
        """A session was opened, so the breaker closes, whoever opened it."""
        self._relays.answered(self._relay_name)

    # What the heartbeat asks

    def leases(self) -> list[tuple[str, int]]:
        """The jobs (id, token) that this thread is working on, without those past their session's deadline."""
        now = clock.monotonic()
        return [
            (errand.job_id, _held(errand).claim.head.token)
            for errand in list(self._held)
            if not errand.deadline or errand.deadline > now
        ]

    # Steps

    def _turn_once(
        self, reports: list[Report], intents: list[Errand], want: int
    ) -> tuple[list[bool], list[Errand], bool]:
        """A turn, and whether a job was passed over that must be alone."""
        changes = [self._settle(report) for report in reports] + [self._intend(errand) for errand in intents]
        way = self._solitude.enter() if want else Way.CLOSED
        if way is Way.CLOSED:
            return self._stepped(reports, intents, changes, self.jobs.step(changes)), [], False
        errands: list[Errand] = []
        passed_over = False
        try:
            arguments = self._claiming.arguments(want, way)
            answers, answer = self.jobs.step_and(changes, self._claiming.script, arguments)
            granted = self._stepped(reports, intents, changes, answers)
            errands, passed_over = self._claimed(answer)
        finally:
            self._solitude.entered(len(errands), passed_over=passed_over)
        return granted, errands, passed_over

    def _stepped(
        self, reports: list[Report], intents: list[Errand], changes: list[Change], answers: list[bool]
    ) -> list[bool]:
        """After a step: which intents were granted."""
        self._settle_from_intent([report for report, ok in zip(reports, answers, strict=False) if not ok])
        self._let_go([report.errand for report in reports])
        for report in reports:
            self.settled_in[_held(report.errand).claim.card.priority] += 1
        self.settled += len(reports)
        granted = answers[len(reports) :]
        for errand, change, ok in zip(intents, changes[len(reports) :], granted, strict=True):
            if ok:
                held = _held(errand)
                held.claim = _with_head(held.claim, change.new)
        self._let_go([errand for errand, ok in zip(intents, granted, strict=True) if not ok])
        return granted

    def _claimed(self, answer: Any) -> tuple[list[Errand], bool]:
        """After a claim: errands of what it gave, and whether a job was passed over that must be alone."""
        if isinstance(answer, OutOfMemoryError):
            return [], False  # a full Redis gives nothing out, but settles: what is in hand goes on
        if isinstance(answer, ResponseError):
            raise answer
        claimed = self._claiming.read(answer)
        self._redis_ahead_us = claimed.now_us - int(clock.monotonic() * 1_000_000)
        self.jobs.claimed(((claim.job_id, claim.head) for claim, _ in claimed.taken), self._claiming.lease_us)
        changes = [self._lapsed(claim) for claim in claimed.lapsed]
        changes += [Change.of("lost", claim.job_id, claim.head, end(claim, POISON)) for claim in claimed.poison]
        ready: list[tuple[Claim, bytes]] = []
        for claim, content in claimed.taken:
            if why := unsendable(claim, content, claimed.now_us):
                changes.append(_settle_change(claim, end(claim, why)))
            else:
                assert content is not None  # noqa: S101 - for the type checker: it would be unsendable
                ready.append((claim, content))
        self.jobs.step(changes)
        # Held last: what is held and not carried, as after an error above, would be extended for ever.
        return [self._hold(claim, content) for claim, content in ready], claimed.passed_over

    def _now_us(self) -> int:
        """Redis's clock, carried on by a clock that does not step."""
        return int(clock.monotonic() * 1_000_000) + self._redis_ahead_us

    def _hold(self, claim: Claim, content: bytes) -> Errand:
        """An errand of a claim; from now on the heartbeat extends its lease."""
        served = claim.to_serve
        errand = Errand(
            job_id=claim.job_id,
            mail_from=claim.card.mail_from,
            rcpt_tos=[claim.card.rcpt_tos[at] for at in served],
            content=content,
            size_bytes=claim.card.size_bytes,
            smtputf8=claim.card.smtputf8,
            lease=Held(claim, served),
        )
        self._held.add(errand)
        return errand

    def _let_go(self, errands: Sequence[Errand]) -> None:
        if errands:
            gone = self._held.intersection(errands)
            self._held -= gone
            self._solitude.leave(len(gone))

    def _intend(self, errand: Errand) -> Change:
        """The final dot may go out: from here a lost worker means ``unknown`` for those who ride on it."""
        held = _held(errand)
        head = held.claim.head
        standing = errand.standing or [Outcome.PENDING] * len(held.served)
        riding = [Outcome.UNKNOWN if outcome is Outcome.PENDING else outcome for outcome in standing]
        outcomes = merged(head.outcomes, held.served, riding)
        new = held.asked = head.moved(phase=Phase.INTENT, attempt=head.attempt + 1, outcomes=outcomes)
        return Change("intent", errand.job_id, head, new)

    def _settle(self, report: Report) -> Change:
        held = _held(report.errand)
        claim = held.claim
        if report.reached == Reached.NOTHING:
            return Change("back", claim.job_id, claim.head, give_back(claim), due="+0", result="-")
        counted = claim.head.phase == Phase.INTENT
        attempt = claim.head.attempt + (0 if counted else 1)
        settlement = settle(
            claim,
            merged(claim.head.outcomes, held.served, report.outcomes),
            attempt,
            now_us=self._now_us(),
            policy=self._policy,
            jitter=clock.jitter(),
            replies=[str(reply) for reply in report.replies if reply] or [report.fault or ""],
            word="attempt",
            data=attempt_data(report, attempt, held.served, self._worker, self._relay_name),
        )
        return _settle_change(claim, settlement)

    def _settle_from_intent(self, reports: list[Report]) -> None:
        """Settle again what may stand with an intent whose grant never reached us: its dot was not sent."""
        changes = []
        for report in reports:
            held = _held(report.errand)
            if held.asked and held.claim.head.phase != Phase.INTENT:
                held.claim = _with_head(held.claim, held.asked)
                changes.append(self._settle(report))
        self.jobs.step(changes)

    def _lapsed(self, claim: Claim) -> Change:
        """A lease that lapsed after its intent: the job is unknown."""
        settlement = settle(
            claim,
            claim.head.outcomes,
            claim.head.attempt,
            now_us=self._now_us(),
            policy=self._policy,
            jitter=clock.jitter(),
            replies=[],
            word="lost",
            data={"n": claim.head.attempt},
        )
        return Change.of("lost", claim.job_id, claim.head, settlement)


def _held(errand: Errand) -> Held:
    assert isinstance(errand.lease, Held)  # noqa: S101 - for the type checker: only this module sets it
    return errand.lease


def _with_head(claim: Claim, head: Head) -> Claim:
    return Claim(claim.job_id, head, claim.card, claim.round_attempt, claim.round_us)


def _settle_change(claim: Claim, settlement: Settlement) -> Change:
    return Change(
        "settle",
        claim.job_id,
        claim.head,
        settlement.head,
        due=settlement.due,
        line=settlement.line,
        result=settlement.result,
        reason=settlement.reason,
    )
