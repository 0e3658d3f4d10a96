"""How pages arrange what documents say: the outcome that marks an attempt, recipients in order of need, phases."""

from __future__ import annotations

from tasks.domain.states import STATES, State, Verb
from webapp.documents import AttemptDocument, RecipientDocument

MOST_SHOWN = 20
"""Of recipients, attempts and events: the rest is folded away."""

NEED = {"unknown": 0, "rejected": 1, "deferred": 2, "pending": 3, "accepted": 4}
PHASES = {"MAIL": "Sender", "RCPT": "Recipients", "DATA": "Go-ahead", "(CON": "Content", "(NO ": "Content"}
"""By the first four letters of a command."""


def verbs(state: str) -> tuple[Verb, ...]:
    """What an operator may ask for in a state."""
    return STATES[State(state)].verbs


def verdict(attempt: AttemptDocument) -> str:
    """The outcome that an attempt is marked with: the one that needs a look first."""
    for outcome in ("unknown", "deferred", "rejected"):
        if getattr(attempt, outcome):
            return "partial" if outcome == "rejected" and attempt.accepted else outcome
    return "accepted"


def by_need(recipients: list[RecipientDocument]) -> list[tuple[int, RecipientDocument]]:
    """Each with its number. Where there are more than are shown at once, those that need a look come first."""
    numbered = list(enumerate(recipients, 1))
    if len(numbered) <= MOST_SHOWN:
        return numbered
    return sorted(numbered, key=lambda each: NEED[each[1].outcome])


def phases(attempt: AttemptDocument) -> list[tuple[str, float]]:
    """How long each phase took, in the order of the conversation."""
    spent: dict[str, float] = {}
    before = 0.0
    for exchange in attempt.exchanges:
        phase = PHASES.get(exchange.command[:4].upper(), "Other")
        spent[phase] = spent.get(phase, 0.0) + max(0.0, exchange.at_seconds - before)
        before = exchange.at_seconds
    return list(spent.items())
