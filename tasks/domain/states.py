"""The states of a job: one table that Lua calls, badges, tabs, buttons, README and tests are made from.

A job's life: it is accepted as ``queued`` (or ``scheduled`` until its ``send_at``), a worker claims it (``sending``),
and the recipients' outcomes decide what follows. ``retrying`` goes round again; the others are final, though an
operator may reopen three of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a job stands. The value is the word used in Redis, API, URL, label and metric."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENDING = "sending"
    RETRYING = "retrying"
    SENT = "sent"
    PARTIAL = "partial"
    DEAD = "dead"
    UNKNOWN = "unknown"
    DISCARDED = "discarded"
    CANCELED = "canceled"


class Verb(StrEnum):
    """What an operator may ask for."""

    RETRY = "retry"
    CANCEL = "cancel"
    DISCARD = "discard"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    celery: str
    """The word that Celery's ``AsyncResult.state`` and the seed's API use for it."""
    meaning: str
    goes_to: frozenset[State]
    verbs: tuple[Verb, ...] = ()
    final: bool = False


_S = State

STATES: dict[State, Row] = {
    _S.SCHEDULED: Row(
        "PENDING", "Waits for its send time.", frozenset({_S.SENDING, _S.CANCELED, _S.DEAD}), (Verb.CANCEL,)
    ),
    _S.QUEUED: Row(
        "PENDING", "Due, waits for a worker.", frozenset({_S.SENDING, _S.CANCELED, _S.DEAD}), (Verb.CANCEL,)
    ),
    _S.SENDING: Row(
        "STARTED",
        "A worker holds it.",
        frozenset({_S.SENT, _S.PARTIAL, _S.RETRYING, _S.DEAD, _S.UNKNOWN, _S.CANCELED, _S.QUEUED, _S.SENDING}),
        (Verb.CANCEL,),
    ),
    _S.RETRYING: Row(
        "RETRY",
        "Some recipient was deferred; the next attempt has its time.",
        # sent and unknown: a late settle of an attempt that was taken for lost and is to be sent again.
        frozenset({_S.SENDING, _S.CANCELED, _S.DEAD, _S.PARTIAL, _S.SENT, _S.UNKNOWN}),
        (Verb.CANCEL,),
    ),
    _S.SENT: Row("SUCCESS", "The relay accepted it for every recipient.", frozenset(), final=True),
    _S.PARTIAL: Row(
        "FAILURE",
        "Accepted for some recipients, refused for others.",
        frozenset({_S.QUEUED, _S.DISCARDED}),
        (Verb.RETRY, Verb.DISCARD),
        final=True,
    ),
    _S.DEAD: Row(
        "FAILURE",
        "Refused, or attempts or time used up. It needs a person.",
        frozenset({_S.QUEUED, _S.DISCARDED}),
        (Verb.RETRY, Verb.DISCARD),
        final=True,
    ),
    _S.UNKNOWN: Row(
        "FAILURE",
        "The connection was lost after the last byte: the relay may have taken it or not.",
        frozenset({_S.SENT, _S.PARTIAL, _S.RETRYING, _S.DEAD, _S.QUEUED}),
        (Verb.RESOLVE,),
        final=True,
    ),
    _S.DISCARDED: Row("FAILURE", "A dead letter that an operator put away.", frozenset(), final=True),
    _S.CANCELED: Row("REVOKED", "Withdrawn before sending.", frozenset(), final=True),
}


def is_final(state: State) -> bool:
    """True where nothing more happens by itself."""
    return STATES[state].final


def allowed_from(target: State) -> tuple[State, ...]:
    """The states from which a job may go to ``target``."""
    return tuple(state for state, row in STATES.items() if target in row.goes_to)


def states_that_allow(verb: Verb) -> tuple[State, ...]:
    """The states in which an operator may ask for ``verb``."""
    return tuple(state for state, row in STATES.items() if verb in row.verbs)
