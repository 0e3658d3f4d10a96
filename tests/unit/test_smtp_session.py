"""How a session carries errands: what it writes, what replies mean for whom, and what a loss at each point means."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tasks.domain.job import Outcome
from tasks.smtp.errand import Errand, Reached, Reply, Report
from tasks.smtp.relay import Relay
from tasks.smtp.session import HELD_BACK, SMALL, Session
from tests.smtp.errands import errand, large_content

A, D, R, U = Outcome.ACCEPTED, Outcome.DEFERRED, Outcome.REJECTED, Outcome.UNKNOWN
GO = "354 go on"
CLOSED = "The connection was closed in answer to {}."


def opened(offers: str = "PIPELINING", at: float = 0.0, **changes: float) -> Session:
    """A session that is open."""
    relay = Relay("relay.example", 25, timeout_seconds=10, messages_per_session=int(changes.get("messages", 100)))
    session = Session(relay)
    session.connected("me", at)
    lines = ["you", *offers.split(", ")] if offers else ["you"]
    ehlo = "".join(f"250{' ' if line is lines[-1] else '-'}{line}\r\n" for line in lines)
    session.feed(b"220 hi\r\n" + ehlo.encode(), at)
    assert session.take() == b"EHLO me\r\n"
    return session


def hear(session: Session, *replies: str, at: float = 0.0) -> str:
    """Feed replies; what the session writes then."""
    session.feed("".join(f"{reply}\r\n" for reply in replies).encode(), at)
    return bytes(session.take()).decode()


def begin(session: Session, each: Errand, at: float = 0.0) -> str:
    assert session.hungry
    session.begin(each, at)
    return bytes(session.take()).decode()


def grant(session: Session, at: float = 0.0) -> str:
    assert session.asks is not None
    session.grant(at)
    return bytes(session.take()).decode()


def asked(session: Session) -> str | None:
    """Whose intent it asks for."""
    return session.asks.job_id if session.asks else None


def only(session: Session) -> Report:
    (report,) = session.reports
    return report


TWO = ("bob@example.org", "eve@example.org")
ENVELOPE = "MAIL FROM:<ann@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"
CONTENT = "Subject: hello\r\n\r\nHello.\r\n..stuffed\r\n"


@pytest.mark.parametrize(
    ("offers", "smtputf8", "mail"),
    [
        ("", False, "MAIL FROM:<ann@example.org>"),
        ("SIZE 1000", False, "MAIL FROM:<ann@example.org> SIZE=36"),
        ("SIZE, DSN, 8BITMIME, SMTPUTF8", False, "MAIL FROM:<ann@example.org> SIZE=36 ENVID=job1"),
        ("8BITMIME, SMTPUTF8", True, "MAIL FROM:<ann@example.org> BODY=8BITMIME SMTPUTF8"),
        ("SMTPUTF8", True, "MAIL FROM:<ann@example.org> SMTPUTF8"),
    ],
)
def test_mail_says_what_the_relay_offers_to_hear(offers: str, smtputf8: bool, mail: str) -> None:
    assert begin(opened(offers), errand(smtputf8=smtputf8)) == mail + "\r\n"


def test_with_pipelining_the_envelope_is_one_write_and_the_next_one_rides_with_the_dot() -> None:
    session = opened()
    assert begin(session, errand("job1")) == ENVELOPE
    assert not session.hungry
    assert hear(session, "250 ok", "250 ok") == ""
    assert asked(session) is None
    assert hear(session, GO) == ""
    assert session.asks is not None
    assert session.asks.standing == [Outcome.PENDING]
    assert grant(session) == CONTENT + ".\r\n"
    assert hear(session, "250 queued") == ""
    # The first dot was answered at once, so from now on errands ride.
    begin(session, errand("job2"))
    hear(session, "250 ok", "250 ok", GO)
    session.grant(0.0)
    session.begin(errand("job3"), 0.0)
    assert session.take() == (CONTENT + ".\r\n" + ENVELOPE).encode()
    hear(session, "250 queued", "250 ok", "250 ok", GO)
    assert [report.errand.job_id for report in session.reports] == ["job1", "job2"]
    assert asked(session) == "job3"


def test_without_pipelining_each_command_waits_for_the_last_one_s_reply() -> None:
    session = opened("")
    assert begin(session, errand("job1", *TWO)) == "MAIL FROM:<ann@example.org>\r\n"
    assert hear(session, "250 ok") == "RCPT TO:<bob@example.org>\r\n"
    assert hear(session, "250 ok") == "RCPT TO:<eve@example.org>\r\n"
    assert hear(session, "550 no eve") == "DATA\r\n"
    assert hear(session, GO) == ""
    assert session.asks is not None
    assert session.asks.standing == [Outcome.PENDING, R]
    session.grant(0.0)
    assert not session.hungry
    assert session.take() == (CONTENT + ".\r\n").encode()
    hear(session, "250 queued")
    assert only(session).outcomes == [A, R]
    assert session.idle


def test_nothing_rides_behind_a_dot_that_is_already_written() -> None:
    session = opened()
    session._end_seconds = 0.0
    begin(session, errand("job1"))
    hear(session, "250 ok", "250 ok", GO)
    session.grant(0.0)
    assert session.hungry
    session.take()
    assert not session.hungry


def test_nothing_rides_behind_a_dot_where_dots_are_answered_slowly() -> None:
    session = opened()
    for name, seconds in (("job1", 0.0), ("job2", 5.0)):
        begin(session, errand(name))
        hear(session, "250 ok", "250 ok", GO)
        grant(session)
        hear(session, "250 queued", at=seconds)
    begin(session, errand("job3"))
    hear(session, "250 ok", "250 ok", GO)
    session.grant(5.0)
    assert not session.takes_riders
    assert not session.hungry


@dataclass(frozen=True)
class Case:
    """One errand to two recipients: the relay's replies in order, and what they mean."""

    replies: list[str]
    outcomes: list[Outcome]
    decided: list[int]
    """The code of each recipient's deciding reply; 0 for none."""
    reached: Reached = Reached.MAIL
    after: str = ""
    """What is written in the end, by the pipelining session."""
    slow_after: str | None = None
    """The same without PIPELINING, where it differs; the session then stops asking early."""
    slow_replies: list[str] | None = None
    done: bool = False
    fault: str | None = None


DOT = Reached.DOT
CASES = {
    "all well": Case(["250 a", "250 b", "250 c", GO, "250 d"], [A, A], [250, 250], DOT),
    "251 is as good": Case(["250 a", "251 b", "252 c", GO, "299 d"], [A, A], [299, 299], DOT),
    "one refused": Case(["250 a", "250 b", "550 c", GO, "250 d"], [A, R], [250, 550], DOT),
    "one deferred": Case(["250 a", "450 b", "250 c", GO, "250 d"], [D, A], [450, 250], DOT),
    "dot deferred": Case(["250 a", "550 b", "250 c", GO, "451 d"], [R, D], [550, 451], DOT),
    "dot refused": Case(["250 a", "250 b", "450 c", GO, "554 d"], [R, D], [554, 450], DOT),
    "dot 421": Case(["250 a", "250 b", "250 c", GO, "421 d"], [D, D], [421, 421], DOT, done=True),
    "dot nonsense": Case(["250 a", "550 b", "250 c", GO, "354 d"], [R, U], [550, 0], DOT, done=True, fault="final dot"),
    "dot garbage": Case(["250 a", "550 b", "250 c", GO, "Ok!"], [R, U], [550, 0], DOT, done=True, fault="Ok!"),
    "mail refused": Case(["550 a", "503 b", "503 c", "503 d"], [R, R], [550, 550], slow_replies=["550 a"]),
    "mail deferred": Case(["451 a", "503 b", "503 c", "503 d"], [D, D], [451, 451], slow_replies=["451 a"]),
    "mail refused, data wanted": Case(
        ["550 a", "250 b", "250 c", GO, "250 d"], [R, R], [550, 550], slow_replies=["550 a"]
    ),
    "mail 421": Case(["421 a"], [D, D], [421, 421], done=True),
    "mail nonsense": Case(["354 a"], [D, D], [0, 0], done=True, fault="MAIL"),
    "mail garbage": Case(["a"], [D, D], [0, 0], done=True, fault="MAIL"),
    "rcpt 421": Case(["250 a", "550 b", "421 c"], [R, D], [550, 421], done=True),
    "rcpt 421 decides the accepted too": Case(["250 a", "250 b", "421 c"], [D, D], [421, 421], done=True),
    "rcpt nonsense": Case(["250 a", "550 b", "354 c"], [R, D], [550, 0], done=True, fault="RCPT"),
    "all refused": Case(
        ["250 a", "550 b", "451 c", "503 d"],
        [R, D],
        [550, 451],
        after="RSET\r\n",
        slow_replies=["250 a", "550 b", "451 c"],
    ),
    "all refused, data wanted": Case(
        ["250 a", "550 b", "451 c", GO, "250 d"],
        [R, D],
        [550, 451],
        slow_replies=["250 a", "550 b", "451 c"],
        slow_after="RSET\r\n",
    ),
    "data refused": Case(["250 a", "550 b", "250 c", "554 d"], [R, R], [550, 554], after="RSET\r\n"),
    "data deferred": Case(["250 a", "550 b", "250 c", "451 d"], [R, D], [550, 451], after="RSET\r\n"),
    "data 421": Case(["250 a", "550 b", "250 c", "421 d"], [R, D], [550, 421], done=True),
    "data nonsense": Case(["250 a", "550 b", "250 c", "250 d"], [R, D], [550, 0], done=True, fault="DATA"),
}


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "one by one"])
@pytest.mark.parametrize("name", CASES)
def test_what_replies_mean(name: str, pipelining: bool) -> None:
    case = CASES[name]
    replies = case.replies if pipelining or case.slow_replies is None else case.slow_replies
    session = opened("PIPELINING" if pipelining else "")
    begin(session, errand("job1", *TWO))
    written = ""
    for number, reply in enumerate(replies):
        assert not session.reports
        written = hear(session, reply)
        if session.asks is not None:
            assert number == 3
            written = grant(session)
    report = only(session)
    assert report.outcomes == case.outcomes
    assert [reply.code if reply else 0 for reply in report.replies] == case.decided
    assert report.reached is case.reached
    assert written == (case.after if pipelining or case.slow_after is None else case.slow_after)
    assert session.done == case.done
    assert not session.returned
    assert (case.fault or "") in (report.fault or "")
    assert (report.fault is None) == (case.fault is None)
    if written == "RSET\r\n":
        assert not session.idle
        hear(session, "250 reset")
    assert session.idle != case.done
    # Only a parsed reply is shown as one.
    shown = [exchange.reply.text for exchange in report.exchanges if exchange.reply]
    assert shown == [reply[4:] for reply in replies if reply[:3].isdigit()]


def test_a_lone_dot_is_the_only_content_where_nobody_is_accepted() -> None:
    session = opened()
    begin(session, errand("job1"))
    assert hear(session, "250 a", "550 b", GO) == ".\r\n"
    assert asked(session) is None
    hear(session, "250 took the empty message")
    report = only(session)
    assert report.outcomes == [R]
    assert report.reached is Reached.MAIL
    assert report.exchanges[-1].command == "(no content)"
    assert session.idle


@pytest.mark.parametrize(
    ("offers", "each", "code", "words"),
    [
        ("8BITMIME", errand(smtputf8=True), 553, "5.6.7"),
        ("SIZE 35", errand(), 552, "5.3.4"),
        ("SMTPUTF8", errand("job1", "bøb@example.org"), 553, "5.1.3"),
        ("", errand("job1", "bob@example.org>\r\nDATA"), 553, "5.1.3"),
        ("", errand("job1", "bob\n@example.org"), 553, "5.1.3"),
        ("", errand(content=b"no line end"), 554, "5.6.0"),
        ("", errand(content=b""), 554, "5.6.0"),
    ],
)
def test_what_the_relay_cannot_take_is_refused_without_asking_it(
    offers: str, each: Errand, code: int, words: str
) -> None:
    session = opened(offers)
    assert begin(session, each) == ""
    report = only(session)
    assert report.outcomes == [R]
    assert report.reached is Reached.MAIL
    reply = report.replies[0]
    assert reply is not None
    assert reply.code == code
    assert reply.text.startswith(words)
    assert session.idle


@pytest.mark.parametrize("offers", ["SIZE 36", "SIZE 0", "SIZE", ""])
def test_a_message_of_just_the_size_is_sent(offers: str) -> None:
    assert begin(opened(offers), errand()).startswith("MAIL")


# Large contents.


def test_a_large_content_goes_first_and_its_last_bytes_wait_for_the_intent() -> None:
    content = large_content(SMALL)
    session = opened()
    begin(session, errand(content=content))
    session.feed(b"250 a\r\n250 b\r\n354 c\r\n", 0.0)
    assert asked(session) is None
    bulk = session.take()
    assert bulk == content[:-HELD_BACK]
    assert asked(session) is None
    session.written()
    assert session.asks is not None
    session.grant(0.0)
    assert session.take() == content[-HELD_BACK:] + b".\r\n"
    hear(session, "250 d")
    assert only(session).outcomes == [A]


@pytest.mark.parametrize(
    ("reply", "outcome", "fault"),
    [("552 too big", R, False), ("421 bye", D, False), ("250 thanks", D, True), ("what", D, True)],
)
@pytest.mark.parametrize("written", [True, False])
def test_a_reply_before_the_dot_ends_it_and_the_dot_is_never_sent(
    reply: str, outcome: Outcome, fault: bool, written: bool
) -> None:
    session = opened()
    begin(session, errand(content=large_content(SMALL)))
    session.feed(b"250 a\r\n250 b\r\n354 c\r\n", 0.0)
    session.take()
    if written:
        session.written()
    assert hear(session, reply) == ""
    assert session.done
    assert asked(session) is None
    report = only(session)
    assert report.outcomes == [outcome]
    assert report.reached is Reached.MAIL
    assert (report.fault is not None) == fault


def test_content_up_to_the_limit_goes_with_its_dot() -> None:
    content = b"x" * (SMALL - 2) + b"\r\n"
    session = opened()
    begin(session, errand(content=content))
    assert hear(session, "250 a", "250 b", GO) == ""
    session.grant(0.0)
    assert session.take() == content + b".\r\n"


# Losses.


STREAM = b"250 m1\r\n250 r1\r\n354 d1\r\n250 q1\r\n250 m2\r\n250 r2\r\n354 d2\r\n250 q2\r\n"


@pytest.mark.parametrize("granting", [True, False])
@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_wherever_the_connection_is_lost_every_errand_has_its_true_end(cut: int, granting: bool) -> None:
    session = opened()
    waiting = [errand("job1"), errand("job2")]
    session.begin(waiting.pop(0), 0.0)
    session._end_seconds = 0.0  # as after earlier errands, so that the next one rides
    for at in range(cut):
        session.take()
        session.feed(STREAM[at : at + 1], 0.0)
        if session.asks is not None and granting:
            session.grant(0.0)
            if waiting and session.hungry:
                session.begin(waiting.pop(0), 0.0)
        elif session.asks is not None:
            break
    session.take()
    session.lost(CLOSED, 1.0)
    assert session.done
    ends = {report.errand.job_id: report for report in session.reports}
    assert len(ends) == len(session.reports)
    seen = STREAM[:cut].count(b"\n") if granting else min(STREAM[:cut].count(b"\n"), 3)
    first = ends["job1"]
    expected = (D, Reached.MAIL) if seen < 3 or not granting else (U, DOT) if seen == 3 else (A, DOT)
    assert (first.outcomes[0], first.reached) == expected
    assert (first.fault is None) == (seen >= 4)
    if seen < 3 or not granting:
        assert len(waiting) == 1
        assert not session.returned
    elif seen < 5:
        # Its MAIL was not answered: the session went stale, and another one may have it for free.
        assert [each.job_id for each in session.returned] == ["job2"]
        assert session.returned[0].deadline == 0
        assert "job2" not in ends
    else:
        assert not session.returned
        expected = (D, Reached.MAIL) if seen < 7 else (U, DOT) if seen == 7 else (A, DOT)
        assert (ends["job2"].outcomes[0], ends["job2"].reached) == expected


@pytest.mark.parametrize(
    ("heard", "fault", "command"),
    [
        (0, "The connection was closed in answer to MAIL.", "MAIL FROM:<ann@example.org>"),
        (1, "The connection was closed in answer to RCPT.", "RCPT TO:<bob@example.org>"),
        (2, "The connection was closed in answer to DATA.", "DATA"),
        (3, "The connection was closed in answer to the final dot.", "(content, 36 bytes)"),
    ],
)
def test_a_loss_says_where_and_shows_the_unanswered_command(heard: int, fault: str, command: str) -> None:
    session = opened()
    begin(session, errand())
    hear(session, *["250 ok", "250 ok", GO][:heard], at=1.0)
    if session.asks is not None:
        session.grant(1.0)
        session.take()
    session.lost(CLOSED, 2.5)
    report = only(session)
    assert report.fault == fault
    assert report.exchanges[-1].command == command
    assert report.exchanges[-1].reply is None
    assert report.exchanges[-1].at_seconds == 2.5
    assert report.seconds == 2.5


def test_a_dot_that_did_not_leave_this_host_is_no_unknown() -> None:
    dot = (CONTENT + ".\r\n").encode()
    for unwritten, outcome in ((len(dot) + len(ENVELOPE), D), (len(ENVELOPE) + 1, D), (len(ENVELOPE), U), (0, U)):
        session = opened()
        begin(session, errand("job1"))
        hear(session, "250 ok", "250 ok", GO)
        session._end_seconds = 0.0
        session.grant(0.0)
        session.begin(errand("job2"), 0.0)
        session.take()
        session.lost(CLOSED, 1.0, unwritten)
        assert only(session).outcomes == [outcome]
        assert only(session).reached is (DOT if outcome is U else Reached.MAIL)
        assert [each.job_id for each in session.returned] == ["job2"]


def test_a_granted_dot_that_was_not_even_taken_is_no_unknown() -> None:
    session = opened()
    begin(session, errand())
    hear(session, "250 ok", "250 ok", GO)
    session.grant(0.0)
    session.lost(CLOSED, 1.0)
    assert only(session).outcomes == [D]


def test_a_new_session_that_is_lost_before_its_first_reply_is_the_attempt_s() -> None:
    session = opened()
    begin(session, errand())
    session.lost(CLOSED, 1.0)
    assert only(session).outcomes == [D]
    assert not session.returned


@pytest.mark.parametrize("idle_seconds", [0.0, 30.0])
@pytest.mark.parametrize("how", ["closed", "421 bye", "late"])
def test_a_session_that_waited_unused_may_be_stale_and_a_fresh_one_may_not(idle_seconds: float, how: str) -> None:
    session = opened()
    begin(session, errand(), at=idle_seconds)
    if how == "421 bye":
        hear(session, how)
    else:
        session.lost(CLOSED, idle_seconds, late=how == "late")
    assert session.done
    stale = idle_seconds > 0 and how != "late"
    assert bool(session.returned) == stale
    assert bool(session.reports) != stale


@pytest.mark.parametrize("last", ["421 bye", "what"])
def test_an_end_in_answer_to_the_dot_frees_the_one_that_rode_behind_it(last: str) -> None:
    session = opened()
    begin(session, errand("job1"))
    hear(session, "250 ok", "250 ok", GO)
    session._end_seconds = 0.0
    session.grant(0.0)
    session.begin(errand("job2"), 0.0)
    hear(session, last, "250 ok")
    assert session.done
    assert only(session).errand.job_id == "job1"
    assert [each.job_id for each in session.returned] == ["job2"]


def test_a_reset_that_fails_ends_the_session_and_frees_the_one_behind_it() -> None:
    session = opened()
    begin(session, errand("job1"))
    session._end_seconds = 0.0
    session.feed(b"250 ok\r\n550 no\r\n503 no\r\n", 0.0)
    assert session.hungry
    session.begin(errand("job2"), 0.0)
    assert session.take() == b"RSET\r\n" + ENVELOPE.encode()
    hear(session, "500 what", "250 ok")
    assert session.done
    assert only(session).errand.job_id == "job1"
    assert [each.job_id for each in session.returned] == ["job2"]


def test_an_idle_session_that_hears_anything_is_over() -> None:
    session = opened()
    hear(session, "421 idle for too long")
    assert session.done
    assert not session.reports


def test_what_comes_after_the_end_changes_nothing() -> None:
    session = opened()
    begin(session, errand())
    hear(session, "421 bye", "250 ok", GO)
    assert only(session).outcomes == [D]
    assert session.take() == b""


def test_taking_back_spares_what_has_its_intent_asked_or_its_dot_out() -> None:
    session = opened()
    begin(session, errand("job1"))
    session._end_seconds = 0.0
    hear(session, "250 ok", "250 ok", GO)
    session.take_back()
    assert session.asks is not None
    session.grant(0.0)
    session.begin(errand("job2"), 0.0)
    session.take_back()
    assert [each.job_id for each in session.returned] == ["job2"]
    assert session.ending
    hear(session, "250 queued", "250 ok", "250 ok", GO)
    assert only(session).outcomes == [A]
    assert asked(session) is None
    assert session.done


# Deadlines, and the end.


def test_every_reply_has_its_deadline_and_the_dot_a_longer_one() -> None:
    session = opened()
    each = errand()
    begin(session, each, at=0.0)
    assert session.deadline == 10
    assert each.deadline > 100
    hear(session, "250 ok", at=5.0)
    assert session.deadline == 15
    hear(session, "250 ok", GO, at=6.0)
    grant(session, at=7.0)
    assert session.deadline == each.deadline == 57
    assert not session.expired(56)
    assert session.expired(57)


def test_a_large_content_has_time_while_it_moves() -> None:
    session = opened()
    begin(session, errand(content=large_content(SMALL)))
    session.feed(b"250 ok\r\n250 ok\r\n354 go\r\n", 0.0)
    session.take()
    session.progressed(9.0)
    assert not session.expired(18.0)
    assert session.expired(19.0)


def test_a_lively_relay_cannot_hold_an_errand_for_ever() -> None:
    session = opened("")
    each = errand("job1", *[f"r{number}@example.org" for number in range(50)])
    begin(session, each)
    now = 0.0
    while not session.expired(now):
        hear(session, "250 ok", at=now)
        now += 9.0
    assert 100 <= now < 120


def test_an_errand_that_rides_has_time_after_the_dot_before_it() -> None:
    session = opened()
    begin(session, errand("job1"))
    hear(session, "250 ok", "250 ok", GO)
    session._end_seconds = 0.0
    session.grant(0.0)
    rider = errand("job2")
    session.begin(rider, 0.0)
    assert not session.expired(49)
    hear(session, "250 queued", at=49.0)
    assert session.deadline == 59
    assert rider.deadline > 149
    hear(session, "250 ok", "250 ok", GO, at=50.0)
    grant(session, at=50.0)
    assert rider.deadline == 100


def test_a_worn_session_takes_no_riders_and_leaves_with_quit() -> None:
    session = opened(messages=2)
    for name in ("job1", "job2"):
        begin(session, errand(name))
        hear(session, "250 ok", "250 ok", GO)
        grant(session)
        hear(session, "250 queued")
    assert session.is_worn(0.0)
    assert not session.takes_riders
    session.quit(0.0)
    assert session.take() == b"QUIT\r\n"
    assert session.busy
    assert not session.hungry
    hear(session, "221 bye")
    assert session.done


def test_a_session_is_worn_by_age_once_it_was_used() -> None:
    session = opened()
    assert not session.is_worn(301.0)
    begin(session, errand())
    assert not session.is_worn(299.0)
    assert session.is_worn(301.0)


def test_an_attempt_shows_each_command_with_its_reply_and_time() -> None:
    session = opened("PIPELINING, SIZE")
    begin(session, errand(), at=100.0)
    hear(session, "250 ok", at=100.5)
    hear(session, "250-well\r\n250 known", GO, at=101.0)
    grant(session, at=101.0)
    hear(session, "250 queued as 7", at=102.0)
    report = only(session)
    assert [(each.command, each.reply, each.at_seconds) for each in report.exchanges] == [
        ("MAIL FROM:<ann@example.org> SIZE=36", Reply(250, "ok"), 0.5),
        ("RCPT TO:<bob@example.org>", Reply(250, "well\nknown"), 1.0),
        ("DATA", Reply(354, "go on"), 1.0),
        ("(content, 36 bytes)", Reply(250, "queued as 7"), 2.0),
    ]
    assert report.seconds == 2.0
