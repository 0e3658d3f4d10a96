"""The table of states holds together."""

from tasks.domain.states import STATES, State, Verb, allowed_from, states_that_allow


def test_every_state_has_a_row() -> None:
    assert set(STATES) == set(State)


def test_every_state_but_the_first_two_can_be_reached() -> None:
    unreachable = {state for state in State if not allowed_from(state)}
    assert unreachable == {State.SCHEDULED}


def test_a_final_state_is_left_only_by_an_operator_or_a_late_truth() -> None:
    leaving = {state for state, row in STATES.items() if row.final and row.goes_to}
    assert leaving == {State.PARTIAL, State.DEAD, State.UNKNOWN}


def test_only_a_waiting_or_sending_job_can_be_canceled() -> None:
    assert set(states_that_allow(Verb.CANCEL)) == set(allowed_from(State.CANCELED))


def test_every_verb_is_allowed_somewhere() -> None:
    assert all(states_that_allow(verb) for verb in Verb)


def test_celery_knows_every_word() -> None:
    from celery import states

    assert {row.celery for row in STATES.values()} <= states.ALL_STATES
