"""The local mailbox as a process, spoken to by smtplib: it takes everything, but for the addresses that misbehave."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import redis

from tasks.domain import simulator
from tasks.domain.ids import make_id
from tasks.local.behaviour import take_parameters
from tasks.store.mailbox import Mailbox
from tests.run.conftest import OwnRedis, environment, listens, wait_for
from tests.support.processes import free_port

JOB = make_id(1_700_000_000_000, b"0123456789")
MESSAGE = (
    f"From: Ann <ann@example.org>\r\nTo: b@example.org\r\nSubject: Hi\r\nMessage-ID: <{JOB}@x>\r\n\r\n.Hello\r\n"
).encode()


@pytest.fixture(scope="module")
def port(own_redis: OwnRedis) -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tasks.local.mailbox"],
        env=environment(
            REDIS_URL=own_redis.address.for_redis_py(),
            MAILBOX_PORT=str(port),
            MAX_MESSAGE_BYTES="300000",
            KEY_PREFIX="test:",
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(lambda: listens(port), what="the mailbox")
    yield port
    process.terminate()
    output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert output == "", "it is calm"


@pytest.fixture
def mailbox(client: redis.Redis) -> Mailbox:
    return Mailbox(client, "test:")


@pytest.fixture
def session(port: int, mailbox: Mailbox) -> Iterator[smtplib.SMTP]:
    session = smtplib.SMTP("127.0.0.1", port, timeout=10)
    session.ehlo()
    yield session
    session.close()


def offer(session: smtplib.SMTP, recipient: str, envid: str | None = None) -> tuple[int, str]:
    """The reply to RCPT; the transaction is then given up."""
    session.mail("ann@example.org", [f"ENVID={envid}", "RET=HDRS"] if envid else [])
    code, text = session.rcpt(recipient, ["NOTIFY=NEVER"])
    session.rset()
    return code, text.decode()


def test_an_ordinary_mail_is_kept_as_it_was_sent(session: smtplib.SMTP, mailbox: Mailbox) -> None:
    session.sendmail("ann@example.org", ["b@example.org", "C@example.org"], MESSAGE)
    (mail,) = mailbox.list()
    assert (mail.mail_from, mail.rcpt_tos) == ("ann@example.org", ("b@example.org", "C@example.org"))
    assert (mail.sender, mail.to, mail.subject) == ("Ann <ann@example.org>", "b@example.org", "Hi")
    assert mail.job_id == JOB
    whole = mailbox.get(mail.id)
    assert whole is not None
    assert whole.source == MESSAGE


def test_it_offers_what_our_client_uses(session: smtplib.SMTP) -> None:
    assert {"dsn", "smtputf8", "8bitmime", "size"} <= set(session.esmtp_features)
    assert int(session.esmtp_features["size"]) >= 300_000


def test_addresses_and_headers_beyond_ascii_are_kept(session: smtplib.SMTP, mailbox: Mailbox) -> None:
    message = "From: jürgen@exämple.org\r\nSubject: Grüße 🎉\r\n\r\nß\r\n".encode()
    session.sendmail("jürgen@example.org", ["josé@example.org"], message, ["SMTPUTF8", "BODY=8BITMIME"])
    (mail,) = mailbox.list("JOSÉ@example.org")
    assert (mail.mail_from, mail.subject) == ("jürgen@example.org", "Grüße 🎉")


def test_broken_bytes_are_kept_or_refused_and_never_stop_it(session: smtplib.SMTP, mailbox: Mailbox) -> None:
    session.sendmail(
        "a@example.org", ["b@example.org"], b"Subject: \xff\xfe\r\n =?x?q?\xed\xa0\x80?=\r\n\r\n\x00\xff\r\n"
    )
    assert mailbox.count() == 1
    session.mail("a@example.org")
    session.send(b"RCPT TO:<\xff@example.org>\r\n")
    assert session.getreply()[0] == 553
    assert session.noop()[0] == 250


def test_a_message_of_the_largest_size_is_taken_and_one_far_over_is_refused(
    session: smtplib.SMTP, mailbox: Mailbox
) -> None:
    lines = b".\r\n" * 100_000  # the worst that dot-stuffing can do
    session.sendmail("a@example.org", ["b@example.org"], lines)
    assert mailbox.list()[0].size_bytes == 300_000
    too_large = (b"x" * 70 + b"\r\n") * 10_000
    with pytest.raises(smtplib.SMTPSenderRefused) as at_once:
        session.sendmail("a@example.org", ["b@example.org"], too_large)
    assert at_once.value.smtp_code == 552
    session.mail("a@example.org")
    session.rcpt("b@example.org")
    assert session.data(too_large)[0] == 552, "when its size was not declared"


def test_without_a_label_or_with_one_in_any_case_the_address_misbehaves(session: smtplib.SMTP) -> None:
    assert offer(session, "REJECT+label@Mailbox.Test")[0] == 550
    assert offer(session, "reject@example.org")[0] == 250
    assert offer(session, "rejects@mailbox.test")[0] == 250


@pytest.mark.parametrize(("address", "deferred"), [("defer-once", 1), ("defer-twice", 2)])
def test_it_defers_the_first_attempts_of_a_message(session: smtplib.SMTP, address: str, deferred: int) -> None:
    recipient = f"{address}@mailbox.test"
    replies = [offer(session, recipient, JOB) for _ in range(deferred + 2)]
    assert [code for code, _ in replies] == [451] * deferred + [250, 250]
    assert replies[0][1].startswith("4.7.1 ")
    assert "try again later" in replies[0][1]
    assert offer(session, recipient, make_id(2, bytes(10)))[0] == 451, "another message"


def test_without_an_envid_each_message_is_deferred_anew(session: smtplib.SMTP) -> None:
    codes = [offer(session, "defer-once@mailbox.test")[0] for _ in range(4)]
    assert codes == [451, 250, 451, 250]


def test_defer_defers_for_ever_and_reject_rejects(session: smtplib.SMTP) -> None:
    assert [offer(session, "defer@mailbox.test", JOB)[0] for _ in range(3)] == [451] * 3
    code, text = offer(session, "reject@mailbox.test", JOB)
    assert (code, text[:6]) == (550, "5.1.1 ")


def test_fail_answers_the_seeds_words_and_no_more(session: smtplib.SMTP) -> None:
    assert offer(session, "fail@mailbox.test", JOB) == (550, "Simulated task failure")


def test_slow_answers_after_five_seconds_and_greylist_accepts_then(session: smtplib.SMTP, port: int) -> None:
    code, text = offer(session, "greylist@mailbox.test", JOB)
    assert (code, text) == (450, "4.7.1 Greylisted, please try again in 5 seconds")
    begun = time.monotonic()
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as other:
        other.ehlo()
        assert offer(other, "slow@mailbox.test", JOB)[0] == 250
    assert 5 <= time.monotonic() - begun < 20
    assert offer(session, "greylist@mailbox.test", JOB)[0] == 250


def test_drop_keeps_the_message_and_hangs_up_without_a_reply(session: smtplib.SMTP, mailbox: Mailbox) -> None:
    with pytest.raises(smtplib.SMTPServerDisconnected):
        session.sendmail("ann@example.org", ["drop@mailbox.test"], MESSAGE)
    assert mailbox.list()[0].rcpt_tos == ("drop@mailbox.test",)


def test_one_refused_recipient_does_not_harm_the_others(session: smtplib.SMTP, mailbox: Mailbox) -> None:
    refused = session.sendmail("ann@example.org", ["b@example.org", "reject@mailbox.test"], MESSAGE)
    assert list(refused) == ["reject@mailbox.test"]
    assert mailbox.list()[0].rcpt_tos == ("b@example.org",)


def test_every_address_of_the_table_says_in_words_what_it_does() -> None:
    assert [row.local for row in simulator.ROWS] == [
        "defer-once", "defer-twice", "defer", "reject", "fail", "slow", "drop", "greylist",
    ]  # fmt: skip
    assert all(row.does for row in simulator.ROWS)


def test_a_client_that_goes_away_in_the_middle_harms_nobody(session: smtplib.SMTP, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(b"EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<slow@mailbox.test>\r\n")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(b"EHLO x\r\nMAIL FROM:<a@b.org>\r\nRCPT TO:<c@d.org>\r\nDATA\r\nhalf a mess")
    assert session.noop()[0] == 250


def test_without_redis_it_puts_off_and_goes_on_when_redis_is_back(
    session: smtplib.SMTP, mailbox: Mailbox, own_redis: OwnRedis
) -> None:
    session.sendmail("ann@example.org", ["b@example.org"], MESSAGE)
    own_redis.stop()
    assert offer(session, "defer-once@mailbox.test", JOB)[0] == 451
    with pytest.raises(smtplib.SMTPDataError) as put_off:
        session.sendmail("ann@example.org", ["b@example.org"], MESSAGE)
    assert put_off.value.smtp_code == 451
    own_redis.start()
    session.sendmail("ann@example.org", ["b@example.org"], MESSAGE)

    def kept() -> int:
        with contextlib.suppress(redis.RedisError):
            return mailbox.count()
        return 0

    wait_for(lambda: kept() == 2, 5, "the mail from before and the mail from after")


@pytest.mark.parametrize(
    ("argument", "rest", "taken"),
    [
        ("FROM:<a@b> SIZE=9 ENVID=x RET=FULL", "FROM:<a@b> SIZE=9", {"ENVID": "x", "RET": "FULL"}),
        ("FROM:<a@b> envid=Xy", "FROM:<a@b>", {"ENVID": "Xy"}),
        ('FROM:<"a> ENVID=z"@b> ENVID=x', 'FROM:<"a> ENVID=z"@b>', {"ENVID": "x"}),
        ("FROM: <a@b>", "FROM:<a@b>", {}),
        ("FROM:<>", "FROM:<>", {}),
        ("nonsense", "nonsense", {}),
        (None, None, {}),
    ],
)
def test_parameters_are_taken_off_behind_the_address_alone(
    argument: str | None, rest: str | None, taken: dict[str, str]
) -> None:
    assert take_parameters(argument, "ENVID", "RET") == (rest, taken)
