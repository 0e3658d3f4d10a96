"""What is said of one verb for many jobs: before it is confirmed, while it is done, and afterwards."""

from __future__ import annotations

from tasks.domain.states import Verb
from webapp import wording
from webapp.documents_bulk import BulkDocument
from webapp.verdicts import DONE

CONSEQUENCES = {
    Verb.RETRY: "Each is sent again to the recipients that did not take it. Those that did get no second copy.",
    Verb.CANCEL: "They are withdrawn and never sent. One whose last byte is already on its way is left alone.",
    Verb.DISCARD: "They are put away as discarded, and cannot be retried any more.",
    Verb.RESOLVE: "Nobody can know whether the relay took them. Look at the recipients' side, then say it here.",
}
DOING = {Verb.RETRY: "Retrying", Verb.CANCEL: "Canceling", Verb.DISCARD: "Discarding", Verb.RESOLVE: "Resolving"}
LABELS = {
    "recipient": "to",
    "tag": "tagged",
    "batch": "of batch",
    "priority": "of priority",
    "since": "from",
    "until": "before",
    "reason": "because of",
    "q": "named",
}
"""Of the filters, in their order."""
ANSWERS = {"arrived": "It arrived, says the operator.", "again": "They are sent again."}


def consequence(verb: Verb) -> str:
    """What becomes of the jobs."""
    return CONSEQUENCES[verb]


def bulk_title(bulk: BulkDocument) -> str:
    """How far it is, in a few words."""
    verb = Verb(bulk.verb)
    if bulk.state == "running":
        return f"{DOING[verb]} {'' if bulk.expected.exact else 'at least '}{_jobs(bulk.expected.count)}"
    done = f"{DONE[verb].capitalize()} {_jobs(bulk.done)}"
    return f"Stopped. {done} before that" if bulk.state == "canceled" else done


def bulk_story(bulk: BulkDocument) -> str:
    """What happens, or what is to know."""
    answer = f" {ANSWERS[bulk.answer]}" if bulk.answer else ""
    if bulk.state == "running":
        return f"Workers do it in the background; you may leave this page.{answer}"
    if bulk.state == "canceled":
        return f"What was done stays done; the rest was left as it was.{answer}"
    left = bulk.skipped + bulk.failed
    return f"{'All of it is done.' if not left else f'{_jobs(left)} left as they were.'}{answer}"


def bulk_which(bulk: BulkDocument) -> str:
    """Which jobs are meant: ``Dead jobs, to @example.org, tagged order``."""
    if bulk.ids is not None:
        return f"{_jobs(bulk.ids)}, selected by hand"
    state = bulk.filter.get("state")
    told = [f"{label} {_said(bulk, name)}" for name, label in LABELS.items() if name in bulk.filter]
    return ", ".join([f"{state.capitalize()} jobs" if state else "Jobs of all states", *told])


def _said(bulk: BulkDocument, name: str) -> str:
    value = bulk.filter[name]
    if name in ("since", "until"):
        return wording.exact(value)
    return bulk.reason or value if name == "reason" else value


def bulk_share(bulk: BulkDocument) -> float:
    """How far it has come, in percent."""
    seen = bulk.done + bulk.skipped + bulk.failed
    expected = max(bulk.expected.count, seen)
    return 100.0 if bulk.state == "finished" else round(100 * seen / expected, 1) if expected else 0.0


def _jobs(number: int) -> str:
    return f"{number:,} job{'' if number == 1 else 's'}"
