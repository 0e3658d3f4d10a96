"""What is true at the end: every promise counted, from what clients were told, what Redis says, what the sink took."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tasks.domain.job import Job, Outcome
from tasks.domain.states import STATES, State
from tests.chaos.town import SinkProcess, Town
from tests.chaos.traffic import Accepted, Traffic

CHUNK = 500


@dataclass(slots=True)
class Verdict:
    """``table`` is for people; ``broken`` names each promise that was not kept, with the jobs of it."""

    table: dict[str, object] = field(default_factory=dict)
    broken: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def accepted(self) -> int:
        return int(str(self.table["accepted (202)"]))

    @property
    def lost(self) -> int:
        return len(self.broken["accepted and not in Redis"]) + len(self.broken["told as accepted, never taken"])

    @property
    def doubled(self) -> int:
        return len(self.broken["arrived twice unasked"])

    def lines(self) -> list[str]:
        rows = list(self.table.items()) + [(f"BROKEN: {promise}", len(ids)) for promise, ids in self.found().items()]
        rows += [("    such as", each) for ids in self.found().values() for each in ids[:3]]
        width = max(len(name) for name, _ in rows)
        return [f"{name:<{width}}  {value}" for name, value in rows]

    def found(self) -> dict[str, list[str]]:
        return {promise: ids for promise, ids in self.broken.items() if ids}


def judge(town: Town, sink: SinkProcess, traffic: Traffic, windows: int) -> Verdict:
    """Look at everything."""
    taken: dict[str, Counter[str]] = defaultdict(Counter)
    contents: dict[str, set[str]] = defaultdict(set)
    maybe = 0
    for kind, *rest in sink.lines():
        if kind == "taken":
            taken[rest[0]].update(rest[2].split(","))
            contents[rest[0]].add(rest[1])
        elif kind == "maybe":
            maybe += 1
    verdict = Verdict()
    _judge_clients(verdict, town, traffic)
    jobs = _read(town, traffic)
    unknowns: Counter[str] = Counter()
    states: Counter[str] = Counter()
    for accepted, job in jobs:
        if job is None:
            verdict.broken["accepted and not in Redis"].append(accepted.job_id)
            continue
        states[job.head.state] += 1
        unknowns.update(_judge_job(verdict, accepted, job, taken[job.id]))
    _judge_contents(verdict, town, contents)
    known = {accepted.job_id for accepted, _ in jobs}
    verdict.broken["taken by the sink, and of no job"] = [name for name in taken if name not in known]
    if unknowns["cut"] > maybe:
        verdict.broken["more unknown than sessions were cut"].append(f"{unknowns['cut']} of {maybe}")
    if unknowns["lost"] > windows * town.sessions:
        verdict.broken["more unknown than killed or stopped sessions"].append(f"{unknowns['lost']}")
    verdict.table = {
        "accepted (202)": len(jobs),
        "final": sum(states[state] for state, row in STATES.items() if row.final),
        **{f"  {state}": states[state] for state in STATES if states[state]},
        "messages that the sink took": sum(kind == "taken" for kind, *_ in sink.lines()),
        "arrived twice unasked": verdict.doubled,
        "unknown by a cut session (bound)": f"{unknowns['cut']} ({maybe})",
        "unknown by a lost worker (bound)": f"{unknowns['lost']} ({windows * town.sessions})",
        "lost workers' settles that came late": unknowns["late"],
        "arrived twice, resent on purpose": unknowns["resent"],
        "requests repeated with their key": traffic.repeated,
        "of these, found to be taken": traffic.replayed,
    }
    return verdict


def _judge_clients(verdict: Verdict, town: Town, traffic: Traffic) -> None:
    verdict.broken["answers that no client may get"] = traffic.wrong
    ids = Counter(accepted.job_id for accepted in traffic.accepted.values())
    verdict.broken["one job for two keys"] = [job_id for job_id, count in ids.items() if count > 1]
    total = sum(town.jobs.counts().values())
    if total > len(ids):
        verdict.broken["jobs that no 202 tells of"].append(f"{total - len(ids)}")


def _judge_job(verdict: Verdict, accepted: Accepted, job: Job, taken: Counter[str]) -> Counter[str]:
    """One job's promises. What it counts of unknowns, each run of it being one."""
    found: Counter[str] = Counter()
    broken = verdict.broken
    rounds = _unknown_rounds(job, found)
    again = sum(event.word == "resolved" and event.data.get("answer") == "again" for event in job.log)
    if not STATES[job.head.state].final:
        broken["never final"].append(f"{job.id} {job.head}")
    if accepted.canceled and job.head.state != State.CANCELED:
        told = [f"{event.at_us % 10**9} {event.word}" for event in job.log]
        broken["canceled, and not so"].append(f"{job.id} {job.head} {told}")
    for at, address in enumerate(job.card.rcpt_tos):
        count, outcome = taken[address], job.head.outcomes[at]
        asked = again + (rounds[at] if accepted.resends else 0)
        if count > 1 + asked:
            broken["arrived twice unasked"].append(f"{job.id} {address} {count} times: {job.head}")
        elif count > 1:
            found["resent"] += 1
        if outcome == Outcome.ACCEPTED and not count and not _was_told_arrived(job):
            broken["told as accepted, never taken"].append(f"{job.id} {job.head}")
        if count and outcome not in (Outcome.ACCEPTED, Outcome.UNKNOWN) and not rounds[at]:
            broken["taken, and not told so"].append(f"{job.id} {address}: {job.head}")
    return found


def _unknown_rounds(job: Job, found: Counter[str]) -> Counter[int]:
    """How often it was left unknown for each recipient, by index."""
    rounds: Counter[int] = Counter()
    attempts = {event.data["n"]: event for event in job.log if event.word == "attempt"}
    for event in job.log:
        if event.word == "lost":
            if event.data["n"] in attempts:
                found["late"] += 1
            else:
                found["lost"] += 1
                rounds.update(range(len(job.card.rcpt_tos)))
        elif event.word == "attempt":
            unknown = [row[0] for row in event.data["o"] if row[1] == Outcome.UNKNOWN]
            found["cut"] += bool(unknown)
            rounds.update(unknown)
    return rounds


def _was_told_arrived(job: Job) -> bool:
    return any(event.word == "resolved" and event.data.get("answer") == "arrived" for event in job.log)


def _judge_contents(verdict: Verdict, town: Town, contents: dict[str, set[str]]) -> None:
    names = sorted(contents)
    for start in range(0, len(names), CHUNK):
        chunk = names[start : start + CHUNK]
        for name, wire in zip(chunk, town.jobs.contents(chunk), strict=True):
            if wire is not None and contents[name] != {hashlib.sha1(wire).hexdigest()}:
                verdict.broken["arrived damaged"].append(name)


def _read(town: Town, traffic: Traffic) -> list[tuple[Accepted, Job | None]]:
    all_accepted = list(traffic.accepted.values())
    found: list[tuple[Accepted, Job | None]] = []
    for start in range(0, len(all_accepted), CHUNK):
        chunk = all_accepted[start : start + CHUNK]
        found += zip(chunk, town.jobs.read_many([accepted.job_id for accepted in chunk]), strict=True)
    return found
