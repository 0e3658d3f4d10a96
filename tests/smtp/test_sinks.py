"""The carousel against servers that others wrote: aiosmtpd, which does not pipeline, and Postfix's sink, which does."""

from __future__ import annotations

import getpass
import socket
import subprocess
from collections.abc import Iterator
from email.message import Message as EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

from tasks.domain.job import Outcome
from tests.smtp.conftest import Start
from tests.smtp.errands import errand, large_content
from tests.support.processes import free_port, wait_until

A, R = Outcome.ACCEPTED, Outcome.REJECTED
SINK = "/usr/sbin/smtp-sink"


class Inbox(Message):
    """Keeps what aiosmtpd takes; refuses no@example.org."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[EmailMessage] = []

    def handle_message(self, message: EmailMessage) -> None:
        self.taken.append(message)

    async def handle_RCPT(
        self, server: object, session: object, envelope: object, address: str, options: object
    ) -> str:
        if address == "no@example.org":
            return "550 5.1.1 nobody here"
        envelope.rcpt_tos.append(address)  # type: ignore[attr-defined]
        return "250 2.1.5 Ok"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True)
    controller.start()
    yield inbox, controller.port
    controller.stop()


@pytest.fixture
def sink(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a sink started with these further arguments."""
    port = free_port()
    arguments = [SINK, "-u", getpass.getuser(), *getattr(request, "param", []), f"127.0.0.1:{port}", "100"]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers, "smtp-sink to listen", 10)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def test_aiosmtpd_takes_messages_one_by_one(start: Start, inbox: tuple[Inbox, int]) -> None:
    box, port = inbox
    errands = [errand(f"job{number}") for number in range(40)]
    errands[7] = errand("job7", "no@example.org", "yes@example.org")
    errands[8] = errand("job8", "no@example.org")
    errands[9] = errand("job9", "bøb@example.org", smtputf8=True)
    errands[10] = errand("job10", content=large_content(1_000_000))
    ledger = start(port, *errands, sessions=4).run()
    assert ledger.outcomes("job7") == [R, A]
    assert ledger.outcomes("job8") == [R]
    others = [report for name, report in ledger.reports.items() if name not in ("job7", "job8")]
    assert len(others) == 38
    assert all(report.outcomes == [A] for report in others)
    assert len(box.taken) == 39
    hello = next(each for each in box.taken if each["Subject"] == "hello")
    assert str(hello.get_payload()).splitlines() == ["Hello.", ".stuffed"]


def test_postfix_s_sink_takes_a_thousand_pipelined(start: Start, sink: int) -> None:
    ledger = start(sink, *[errand(f"job{number}") for number in range(1000)], sessions=8).run()
    assert len(ledger.reports) == 1000
    assert all(report.outcomes == [A] for report in ledger.reports.values())
    assert len(ledger.intents) == 1000
    assert not ledger.failures
    assert not ledger.given_back
    assert len(ledger.steps) < 1000, "sessions share the steps"
    assert ledger.answered < 5, "the ledger is told once in a while that the relay answers, not for each session"
    assert len(ledger.wants) < 200, "claims are shared too"
    assert max(ledger.wants) > 8, "a busy carousel claims ahead"


@pytest.mark.parametrize("sink", [["-p"]], indirect=True, ids=["without PIPELINING"])
def test_postfix_s_sink_takes_them_one_by_one_too(start: Start, sink: int) -> None:
    ledger = start(sink, *[errand(f"job{number}") for number in range(200)], sessions=4).run()
    assert [report.outcomes for report in ledger.reports.values()] == [[A]] * 200


@pytest.mark.parametrize("sink", [["-e"], ["-E", "-e"]], indirect=True, ids=["no ESMTP", "neither"])
def test_a_server_without_esmtp_is_greeted_with_helo(start: Start, sink: int) -> None:
    assert start(sink, errand()).run().outcomes() == [A]


@pytest.mark.parametrize(
    ("sink", "outcome"),
    [
        (["-f", "mail"], Outcome.REJECTED),
        (["-f", "rcpt"], Outcome.REJECTED),
        (["-f", "data"], Outcome.REJECTED),
        (["-f", "."], Outcome.REJECTED),
        (["-r", "mail"], Outcome.DEFERRED),
        (["-r", "rcpt"], Outcome.DEFERRED),
        (["-r", "data"], Outcome.DEFERRED),
        (["-r", "."], Outcome.DEFERRED),
        (["-q", "data"], Outcome.DEFERRED),
        (["-q", "."], Outcome.UNKNOWN),
    ],
    indirect=["sink"],
)
def test_every_refusal_and_every_end_of_the_sink(start: Start, sink: int, outcome: Outcome) -> None:
    ledger = start(sink, *[errand(f"job{number}") for number in range(20)], sessions=2).run()
    assert [report.outcomes for report in ledger.reports.values()] == [[outcome]] * 20
    assert not ledger.failures
