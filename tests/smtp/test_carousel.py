"""The carousel against a relay that does as it is told: what each fault means for whom."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from redis.exceptions import RedisError

from tasks.domain.job import Outcome
from tasks.smtp import carousel as carousel_module
from tasks.smtp import pool as pool_module
from tasks.smtp import waiting as waiting_module
from tasks.smtp.conversation import QUIT_SECONDS
from tasks.smtp.errand import Reached
from tests.smtp.conftest import Start
from tests.smtp.errands import SMALL_CONTENT, Redis, errand, large_content
from tests.smtp.scripted import CUT, HANG, RESET, Answer, Late, ScriptedRelay
from tests.support.processes import free_port, wait_until

A, D, R, U = Outcome.ACCEPTED, Outcome.DEFERRED, Outcome.REJECTED, Outcome.UNKNOWN
ONE_BY_ONE = ("SIZE 30000000", "8BITMIME", "SMTPUTF8")
PIPELINED = ("PIPELINING", *ONE_BY_ONE)

either_way = pytest.mark.parametrize("offers", [PIPELINED, ONE_BY_ONE], ids=["pipelining", "one by one"])


@either_way
def test_one_errand_goes_out_and_the_session_is_kept_for_the_next(start: Start, offers: tuple[str, ...]) -> None:
    with ScriptedRelay(offers=offers) as relay:
        ride = start(relay.port, errand("job1"))
        ledger = ride.run()
        assert ledger.outcomes() == [A]
        assert ledger.answered == 1
        ledger.due.append(errand("job2", "bob@example.org", "eve@example.org"))
        ride.run()
        assert ledger.outcomes("job2") == [A, A]
        assert relay.happened.connections == 1
        assert [each.content for each in relay.happened.taken] == [SMALL_CONTENT] * 2
        assert relay.happened.taken[1].recipients == ["bob@example.org", "eve@example.org"]
        assert relay.count("QUIT") == 0
        assert ride.carousel.close()
        assert relay.count("QUIT") == 1
        wait_until(lambda: relay.happened.open == 0, "the connection's end", 5)


@either_way
def test_many_errands_share_a_few_sessions_and_the_steps(start: Start, offers: tuple[str, ...]) -> None:
    errands = [errand(f"job{number}") for number in range(300)]
    with ScriptedRelay(offers=offers) as relay:
        ledger = start(relay.port, *errands, sessions=3).run()
        assert {name: report.outcomes for name, report in ledger.reports.items()} == {e.job_id: [A] for e in errands}
        assert len(relay.happened.taken) == 300
        assert relay.happened.most_open <= 3 + 1  # one may be leaving
        assert not ledger.given_back


@pytest.mark.parametrize(("patience", "steps"), [(5, [(0, 2)]), (0, [(0, 1), (0, 1)])])
def test_replies_that_come_soon_after_each_other_share_a_step(
    start: Start, monkeypatch: pytest.MonkeyPatch, patience: float, steps: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr(pool_module, "TOGETHER_SECONDS", patience)
    with ScriptedRelay({"DATA": [None, None, None, Late(0.1)]}, always={"DOT": Late(0.3)}) as relay:
        ride = start(relay.port, errand("job1"), errand("job2"), sessions=2)
        ride.run()
        assert relay.happened.connections == 2, "both sessions are open now"
        ride.ledger.steps.clear()
        ride.ledger.due.extend([errand("job3"), errand("job4")])
        assert [step for step in ride.run().steps if step[1]] == steps


def test_a_lone_errand_waits_for_nobody(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "TOGETHER_SECONDS", 3600)
    with ScriptedRelay(offers=ONE_BY_ONE) as relay:
        assert start(relay.port, errand("job1"), sessions=2).run().outcomes() == [A]


def test_a_session_is_left_with_quit_after_its_share(start: Start) -> None:
    errands = [errand(f"job{number}") for number in range(10)]
    with ScriptedRelay() as relay:
        ledger = start(relay.port, *errands, sessions=1, messages_per_session=4).run()
        assert len(ledger.reports) == 10
        assert relay.happened.connections == 3
        relay.wait_for("QUIT", 2)


def test_an_old_session_is_left_too(start: Start) -> None:
    with ScriptedRelay() as relay:
        ride = start(relay.port, errand("job1"), session_seconds=0)
        ride.run()
        ride.ledger.due.append(errand("job2"))
        assert ride.run().outcomes("job2") == [A]
        assert relay.happened.connections == 2
        relay.wait_for("QUIT")


def test_no_more_sessions_are_opened_than_there_are_errands(start: Start) -> None:
    with ScriptedRelay() as relay:
        start(relay.port, errand("job1"), errand("job2"), sessions=8).run()
        assert relay.happened.connections == 2


def test_nothing_due_opens_nothing(start: Start) -> None:
    ledger = start(free_port()).run()
    assert ledger.wants == [4]
    assert not ledger.failures


@either_way
def test_each_recipient_has_its_own_outcome(start: Start, offers: tuple[str, ...]) -> None:
    always: dict[str, Answer] = {"no@example.org": "550 no", "later@example.org": "451 later"}
    to = ("yes@example.org", "no@example.org", "later@example.org")
    with ScriptedRelay(always=always, offers=offers) as relay:
        ledger = start(relay.port, errand("job1", *to), errand("job2", *to[1:]), errand("job3"), sessions=1).run()
        assert ledger.outcomes("job1") == [A, R, D]
        assert ledger.outcomes("job2") == [R, D]
        assert ledger.outcomes("job3") == [A]
        assert [each.recipients for each in relay.happened.taken] == [
            each for each in (["yes@example.org"], [], ["bob@example.org"]) if each or offers is PIPELINED
        ]
        assert ledger.intents == ["job1", "job3"]


@either_way
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize(("answer", "outcome"), [("451 later", D), ("550 no", R), ("421 bye", D)])
def test_a_refusal_touches_its_own_errand_alone(
    start: Start, offers: tuple[str, ...], step: str, answer: str, outcome: Outcome
) -> None:
    with ScriptedRelay({step: [answer]}, offers=offers) as relay:
        ledger = start(relay.port, errand("job1"), errand("job2"), errand("job3"), sessions=1).run()
        assert ledger.outcomes("job1") == [outcome]
        assert str(ledger.reply("job1")) == answer
        assert ledger.outcomes("job2") == ledger.outcomes("job3") == [A]
        assert relay.happened.connections == (2 if answer == "421 bye" else 1)


@either_way
@pytest.mark.parametrize("how", [CUT, RESET])
@pytest.mark.parametrize(
    ("step", "outcome", "reached"),
    [
        ("MAIL", D, Reached.MAIL),
        ("RCPT", D, Reached.MAIL),
        ("DATA", D, Reached.MAIL),
        ("DOT", U, Reached.DOT),
    ],
)
def test_a_connection_that_ends_touches_its_own_errand_alone(
    start: Start, offers: tuple[str, ...], how: str, step: str, outcome: Outcome, reached: Reached
) -> None:
    with ScriptedRelay({step: [how]}, offers=offers) as relay:
        ledger = start(relay.port, errand("job1"), errand("job2"), sessions=1).run()
        report = ledger.reports["job1"]
        assert report.outcomes == [outcome]
        assert report.reached is reached
        assert ("the final dot" if step == "DOT" else step) in (report.fault or "")
        assert ledger.outcomes("job2") == [A]
        assert not ledger.failures


@either_way
@pytest.mark.parametrize(("step", "outcome"), [("MAIL", D), ("RCPT", D), ("DATA", D), ("DOT", U)])
def test_a_relay_that_falls_silent_is_given_up(
    start: Start, offers: tuple[str, ...], step: str, outcome: Outcome
) -> None:
    with ScriptedRelay({step: [HANG]}, offers=offers) as relay:
        ledger = start(relay.port, errand("job1"), errand("job2"), sessions=1, timeout_seconds=0.2).run()
        report = ledger.reports["job1"]
        assert report.outcomes == [outcome]
        assert (report.fault or "").startswith("No reply to")
        assert ledger.outcomes("job2") == [A]


@either_way
def test_nonsense_is_the_attempt_s_fault_and_ends_the_session(start: Start, offers: tuple[str, ...]) -> None:
    with ScriptedRelay({"DATA": ["hello?"]}, offers=offers) as relay:
        ledger = start(relay.port, errand("job1"), errand("job2"), sessions=1).run()
        assert ledger.outcomes("job1") == [D]
        assert "hello?" in (ledger.reports["job1"].fault or "")
        assert ledger.outcomes("job2") == [A]


@either_way
def test_a_large_content_arrives_whole(start: Start, offers: tuple[str, ...]) -> None:
    content = large_content(8_000_000)
    with ScriptedRelay(offers=offers) as relay:
        ledger = start(relay.port, errand("job1", content=content), errand("job2"), sessions=1).run()
        assert ledger.outcomes("job1") == ledger.outcomes("job2") == [A]
        assert [each.content for each in relay.happened.taken] == [content, SMALL_CONTENT]


@pytest.mark.parametrize("content", [SMALL_CONTENT, large_content(2_000_000)], ids=["small", "large"])
def test_a_fenced_errand_never_gets_its_dot(start: Start, content: bytes) -> None:
    with ScriptedRelay() as relay:
        ride = start(relay.port, errand("job1", content=content), errand("job2"), errand("job3"), sessions=1)
        ride.ledger.fenced.add("job1")
        ledger = ride.run()
        assert set(ledger.reports) == {"job2", "job3"}
        assert ledger.outcomes("job2") == ledger.outcomes("job3") == [A]
        wait_until(lambda: len(relay.happened.cut_off) == 1, "the relay to see the end", 5)
        assert len(relay.happened.cut_off[0]) < len(content)
        wait_until(lambda: relay.happened.resets == 1, "a reset, which no relay can take for the end", 5)
        assert len(relay.happened.taken) == 2
        assert relay.happened.connections == 2


# Stale sessions.


@either_way
@pytest.mark.parametrize("how", [CUT, RESET, "421 idle"])
def test_a_kept_session_gone_stale_is_replaced_for_free(start: Start, offers: tuple[str, ...], how: str) -> None:
    with ScriptedRelay({"MAIL": [None, how]}, offers=offers) as relay:
        ride = start(relay.port, errand("job1"))
        ride.run()
        ride.ledger.due.append(errand("job2"))
        ledger = ride.run()
        assert ledger.outcomes("job2") == [A]
        assert ledger.reports["job2"].fault is None
        assert relay.count("MAIL") == 3
        assert relay.happened.connections == 2
        assert not ledger.given_back


def test_it_goes_to_a_new_session_and_not_to_another_kept_one(start: Start) -> None:
    with ScriptedRelay({"MAIL": [None, None, CUT], "DOT": [Late(0.3), Late(0.3)]}) as relay:
        ride = start(relay.port, errand("job1"), errand("job2"), sessions=2)
        ride.run()
        assert relay.happened.connections == 2
        ride.ledger.due.append(errand("job3"))
        assert ride.run().outcomes("job3") == [A]
        assert relay.happened.connections == 3


def test_it_is_replaced_once_and_then_it_is_the_attempt_s(start: Start) -> None:
    with ScriptedRelay({"MAIL": [None, CUT, CUT]}) as relay:
        ride = start(relay.port, errand("job1"))
        ride.run()
        ride.ledger.due.append(errand("job2"))
        assert ride.run().outcomes("job2") == [D]
        assert relay.count("MAIL") == 3


@pytest.mark.parametrize("farewell", [b"", b"421 idle for too long\r\n"], ids=["closed", "421"])
def test_a_session_that_ended_while_idle_is_not_used(start: Start, farewell: bytes) -> None:
    with ScriptedRelay() as relay:
        ride = start(relay.port, errand("job1"))
        ride.run()
        for each in list(relay._sockets):
            if farewell:
                each.sendall(farewell)
            else:
                each.shutdown(socket.SHUT_RDWR)
        ride.ledger.due.append(errand("job2"))
        assert ride.run().outcomes("job2") == [A]
        assert relay.count("MAIL") == 2
        assert relay.happened.connections == 2


def test_the_relay_s_limit_of_messages_a_session_costs_nobody_an_attempt(start: Start) -> None:
    answers: list[Answer] = ["250 one", "250 two", "421 enough"] * 4
    with ScriptedRelay({"MAIL": answers}) as relay:
        errands = [errand(f"job{number}") for number in range(8)]
        ledger = start(relay.port, *errands, sessions=1).run()
        assert all(report.outcomes == [A] for report in ledger.reports.values())
        assert len(ledger.reports) == 8


# The relay's own faults.


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"CONNECT": ["554 not you"]}, "greeting"),
        ({"CONNECT": [CUT]}, "greeting"),
        ({"CONNECT": [HANG]}, "greeting"),
        ({"CONNECT": ["HTTP/1.1 400 Bad Request"]}, "greeting"),
        ({"EHLO": ["421 busy"]}, "ehlo"),
        ({"EHLO": [RESET]}, "ehlo"),
        ({"EHLO": [HANG]}, "ehlo"),
    ],
)
def test_an_opening_that_fails_uses_no_attempt(start: Start, answers: dict[str, list[Answer]], kind: str) -> None:
    with ScriptedRelay(answers) as relay:
        ride = start(relay.port, errand("job1"), sessions=1, timeout_seconds=0.5)
        ledger = ride.run()
        assert [failure[0] for failure in ledger.failures] == [kind]
        assert ledger.given_back == ["job1"]
        assert not ledger.reports
        assert ledger.answered == 0
        ride.run()
        assert ledger.outcomes() == [A]
        assert ledger.answered == 1


def test_a_relay_that_is_not_there(start: Start) -> None:
    ledger = start(free_port(), errand("job1"), errand("job2")).run()
    assert [failure[0] for failure in ledger.failures] == ["connect"]
    assert "Connection refused" in ledger.failures[0][1]
    assert sorted(ledger.given_back) == ["job1", "job2"]


@pytest.mark.parametrize("host", ["relay.invalid", "no..name", "x" * 300])
def test_a_relay_whose_name_is_not_found(start: Start, host: str) -> None:
    ledger = start(25, errand("job1"), host=host).run()
    assert [failure[0] for failure in ledger.failures] == ["connect"]
    assert host in ledger.failures[0][1]
    assert ledger.given_back == ["job1"]


def test_an_address_that_does_not_answer_is_passed_over(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedRelay() as relay:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", free_port())),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", relay.port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert start(relay.port, errand("job1"), host="relay.example").run().outcomes() == [A]


def test_a_look_up_that_hangs_is_not_waited_for(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: let_go.wait(20) and [])
    monkeypatch.setattr("tasks.smtp.pool.LOOK_UP_SECONDS", 0.1)
    ledger = start(25, errand("job1"), host="relay.example").run()
    let_go.set()
    assert ledger.failures == [("connect", "Looking up relay.example took longer than 0.1 seconds.")]


def test_a_relay_that_wants_fewer_sessions_is_not_at_fault(start: Start) -> None:
    errands = [errand(f"job{number}") for number in range(20)]
    with ScriptedRelay(always={"DOT": Late(0.02)}, most=2) as relay:
        ledger = start(relay.port, *errands, sessions=6).run()
        assert relay.happened.connections <= 6, "it is not asked again and again"
        assert not ledger.failures
        assert len(ledger.reports) == 20
        assert all(report.outcomes == [A] for report in ledger.reports.values())


def test_a_session_that_is_being_left_is_no_sign_that_the_relay_is_there(start: Start) -> None:
    with ScriptedRelay({"QUIT": [HANG]}) as relay:
        ride = start(relay.port, errand("job1"), errand("job2"), sessions=1, messages_per_session=1)

        def go_away() -> None:
            if ride.ledger.intents:
                relay.stop_listening()

        ride.ledger.on_step = go_away
        began = time.monotonic()
        ledger = ride.run()
        assert time.monotonic() - began < QUIT_SECONDS, "nobody waits for the answer to QUIT"
        assert ledger.outcomes("job1") == [A]
        assert [failure[0] for failure in ledger.failures] == ["connect"]
        assert ledger.given_back == ["job2"]


def test_what_waits_too_long_for_a_slow_relay_is_given_back(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "PATIENCE_SECONDS", 0.2)
    with ScriptedRelay({"CONNECT": [Late(0.8)]}) as relay:
        ride = start(relay.port, errand("job1"), sessions=1)
        ledger = ride.run()
        assert ledger.given_back == ["job1"]
        assert ledger.outcomes() == [A]
        assert len(ledger.wants) <= 4, "it is not claimed over and over"
        assert relay.happened.connections == 1


def test_little_is_claimed_ahead_of_a_slow_relay(start: Start) -> None:
    errands = [errand(f"job{number}") for number in range(24)]
    with ScriptedRelay(always={"DOT": Late(0.3)}) as relay:
        ride = start(relay.port, *errands, sessions=2)
        idle: list[int] = []
        ride.ledger.on_step = lambda: idle.append(24 - len(ride.ledger.due) - relay.count("MAIL"))
        assert len(ride.run().reports) == 24
        assert max(idle) <= 6, "more was claimed than can be begun in a second"
        assert not ride.ledger.given_back


# Stopping.


def test_until_takes_nothing_new_and_finishes_what_is_in_hand(start: Start) -> None:
    errands = [errand(f"job{number}") for number in range(50)]
    with ScriptedRelay(always={"DOT": Late(0.02)}) as relay:
        ride = start(relay.port, *errands, sessions=2)
        ride.ledger.keep_given_back = True
        ledger = ride.run(until=lambda: len(ride.ledger.reports) >= 6)
        assert 6 <= len(ledger.reports) < 20
        assert not ledger.claimed
        assert len(relay.happened.taken) == len(ledger.reports)
        assert len(ledger.due) + len(ledger.reports) + len(ledger.given_back) == 50


def test_until_breaks_off_the_opening_of_sessions(start: Start) -> None:
    with ScriptedRelay({"CONNECT": [HANG]}) as relay:
        ride = start(relay.port, errand("job1"))
        ride.ledger.keep_given_back = True
        ledger = ride.run(until=lambda: relay.happened.connections > 0)
        assert ledger.given_back == ["job1"]
        assert not ledger.failures
        ledger.due.append(errand("job2"))
        assert ride.run().outcomes("job2") == [A]
        assert relay.happened.connections == 2


def test_draining_waits_for_dots_up_to_its_end_and_then_they_are_unknown(start: Start) -> None:
    answers: dict[str, list[Answer]] = {"DOT": [HANG], "RCPT": [None, HANG]}
    with ScriptedRelay(answers) as relay:
        ride = start(relay.port, *[errand(f"job{number}") for number in range(9)], sessions=2)
        ride.ledger.keep_given_back = True

        def drain() -> None:
            relay.wait_for("RCPT", 2)
            wait_until(lambda: len(ride.ledger.intents) == 1, "the first intent", 5)
            ride.carousel.drain(0.3)

        timer = threading.Thread(target=drain)
        timer.start()
        ledger = ride.run()
        timer.join()
        assert not ledger.claimed
        (report,) = ledger.reports.values()
        assert report.outcomes == [U]
        assert "stopped" in (report.fault or "")
        assert len(ledger.due) + len(ledger.given_back) == 8
        # Nothing is begun by a later wake-up.
        due = len(ledger.due)
        ride.run()
        assert len(ledger.due) == due


def test_draining_does_not_wait_where_nothing_is_in_hand(start: Start) -> None:
    with ScriptedRelay() as relay:
        ride = start(relay.port, errand("job1"))
        ride.carousel.drain(30)
        began = time.monotonic()
        assert not ride.run().reports
        assert time.monotonic() - began < 5
        assert relay.happened.connections == 0


def test_closing_while_a_run_goes_on_does_nothing(start: Start) -> None:
    with ScriptedRelay({"DOT": [Late(0.5)]}) as relay:
        ride = start(relay.port, errand("job1"))
        thread = threading.Thread(target=ride.run)
        thread.start()
        relay.wait_for("DATA")
        assert not ride.carousel.close()
        thread.join()
        assert ride.ledger.outcomes() == [A]


# When Redis is away.


def test_no_dot_goes_out_that_redis_did_not_grant(start: Start) -> None:
    with ScriptedRelay() as relay:
        ride = start(relay.port, errand("job1"))
        ride.ledger.on_step = Redis(1)
        with pytest.raises(RedisError):
            ride.run()
        wait_until(lambda: relay.happened.open == 0, "the connection's end", 5)
        assert not relay.happened.taken
        assert [(each.errand.job_id, each.outcomes) for each in ride.carousel.unsettled] == [("job1", [D])]
        ledger = ride.run()
        assert ledger.outcomes() == [D]
        assert ledger.reports["job1"].reached is Reached.MAIL
        assert not ride.carousel.unsettled


def test_what_had_no_intent_when_redis_failed_is_given_back_and_uses_no_attempt(start: Start) -> None:
    later = [errand("job1")]
    with ScriptedRelay({"slow@example.org": [HANG]}) as relay:
        ride = start(relay.port, errand("slow", "slow@example.org"))
        ride.ledger.keep_given_back = True

        def add_the_other_once_this_one_is_begun() -> None:
            if later and relay.count("RCPT"):
                ride.ledger.due.append(later.pop())

        ride.ledger.on_claim = add_the_other_once_this_one_is_begun
        ride.ledger.on_step = Redis(1)
        with pytest.raises(RedisError):
            ride.run()
        ledger = ride.run()
        assert ledger.outcomes("job1") == [D]
        assert ledger.given_back == ["slow"]
        assert not ledger.claimed


def test_a_receipt_that_redis_did_not_take_is_kept_for_the_next_run(start: Start) -> None:
    with ScriptedRelay() as relay:
        ride = start(relay.port, errand("job1"))
        ride.ledger.on_step = Redis(2, 3)
        with pytest.raises(RedisError):
            ride.run()
        assert [each.outcomes for each in ride.carousel.unsettled] == [[A]]
        with pytest.raises(RedisError):
            ride.run()
        kept: list[int] = []
        ride.ledger.on_claim = lambda: kept.append(len(ride.carousel.unsettled))
        assert ride.run().outcomes() == [A]
        assert kept == [0], "it is told before anything is claimed"
        assert len(relay.happened.taken) == 1


def test_dots_that_are_out_are_waited_for_when_redis_fails(start: Start) -> None:
    errands = [errand("slow", "slow@example.org"), errand("quick", "quick@example.org"), errand("more")]
    with ScriptedRelay({"DOT": [Late(0.6)]}) as relay:
        ride = start(relay.port, *errands[:1], sessions=2)
        ride.ledger.keep_given_back = True
        redis = Redis(2)
        ride.ledger.on_step = redis

        def after_the_first_dot() -> None:
            if redis.calls == 1 and errands[1:]:
                relay.wait_for("DATA")
                ride.ledger.due.extend(errands[1:])
                errands[1:] = []

        ride.ledger.on_claim = after_the_first_dot
        with pytest.raises(RedisError):
            ride.run()
        assert {each.errand.job_id: each.outcomes for each in ride.carousel.unsettled}["slow"] == [A]
        ledger = ride.run()
        assert ledger.outcomes("slow") == [A]
        assert not ledger.claimed
        sent = {each.recipients[0] for each in relay.happened.taken}
        assert sent == {report.errand.rcpt_tos[0] for report in ledger.reports.values() if report.outcomes == [A]}


def test_replies_that_do_not_come_meanwhile_are_unknown(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carousel_module, "LAST_REPLIES_SECONDS", 0.2)
    with ScriptedRelay({"DOT": [HANG]}) as relay:
        ride = start(relay.port, errand("job1"))
        claims = Redis(*range(2, 50))
        ride.ledger.on_claim = claims
        with pytest.raises(RedisError):
            ride.run()
        assert [each.outcomes for each in ride.carousel.unsettled] == [[U]]
        claims.bad.clear()
        assert ride.run().outcomes() == [U]


def test_what_could_not_be_given_back_is_given_back_in_the_next_run(start: Start) -> None:
    ride = start(free_port(), errand("job1"))
    ride.ledger.on_give_back = Redis(1)
    with pytest.raises(RedisError):
        ride.run()
    assert ride.ledger.claimed
    ride.run()
    assert ride.ledger.given_back[0] == "job1"
    assert not ride.ledger.claimed
