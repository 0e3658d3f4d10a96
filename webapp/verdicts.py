"""What a refused verb is answered with, by page and API alike."""

from __future__ import annotations

from tasks.domain.states import State, Verb, states_that_allow
from webapp.problems import ProblemError

DONE = {Verb.RETRY: "retried", Verb.CANCEL: "canceled", Verb.DISCARD: "discarded", Verb.RESOLVE: "resolved"}


def not_allowed(verb: Verb, state: State) -> ProblemError:
    """409: the job's state does not allow it."""
    allowed = states_that_allow(verb)
    if state in allowed:  # sending, and the final dot may be out
        detail = "Its last byte may have gone to the relay already, so it is too late for that."
    else:
        detail = f"A job that is {state} cannot be {DONE[verb]}. It must be {' or '.join(allowed)}."
    return ProblemError(409, detail, state=state.value, allowed_states=[each.value for each in allowed])
