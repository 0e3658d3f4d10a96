"""From the greeting to an open session: what is said, what fails and by what name, and what never leaks."""

from __future__ import annotations

import base64

import pytest

from tasks.smtp.relay import Relay
from tasks.smtp.session import Session

PLAIN = base64.b64encode(b"\0ann\0s3cret").decode()
USER = base64.b64encode(b"ann").decode()
PASSWORD = base64.b64encode(b"s3cret").decode()
WRAP = "(TLS)"

Talk = list[tuple[str, str]]
"""What the relay says, and what we say to it then."""

HELLO: Talk = [("220 hi", "EHLO me")]
STARTTLS: Talk = [*HELLO, ("250-you\r\n250 STARTTLS", "STARTTLS"), ("220 go", WRAP)]
INSIDE: Talk = [*STARTTLS, ("", "EHLO me")]


def relay(tls: str = "none", login: bool = False) -> Relay:
    return Relay("relay.example", 25, tls, username="ann" if login else None, password="s3cret" if login else None)


def converse(session: Session, talk: Talk) -> None:
    session.connected("me", 0.0)
    for said, answer in talk:
        if said:
            session.feed(said.encode() + b"\r\n", 0.0)
        else:
            session.secured(0.0)
        if answer == WRAP:
            assert session.wants_tls
            assert session.take() == b""
        else:
            assert session.take() == (answer.encode() + b"\r\n" if answer else b"")


@pytest.mark.parametrize(
    ("relay", "talk"),
    [
        pytest.param(relay(), [*HELLO, ("250-you\r\n250 PIPELINING", "")], id="plain"),
        pytest.param(
            relay(), [("220-hi\r\n220 there", "EHLO me"), ("502 what?", "HELO me"), ("250 you", "")], id="helo"
        ),
        pytest.param(relay("starttls"), [*INSIDE, ("250 you", "")], id="starttls"),
        pytest.param(
            relay("starttls", login=True),
            [*INSIDE, ("250-you\r\n250 AUTH LOGIN PLAIN", f"AUTH PLAIN {PLAIN}"), ("235 welcome", "")],
            id="auth plain",
        ),
        pytest.param(
            relay("implicit", login=True),
            [
                *HELLO,
                ("250-you\r\n250 AUTH LOGIN", "AUTH LOGIN"),
                ("334 VXNlcm5hbWU6", USER),
                ("334 UGFzc3dvcmQ6", PASSWORD),
                ("235 welcome", ""),
            ],
            id="auth login",
        ),
    ],
)
def test_a_session_opens(relay: Relay, talk: Talk) -> None:
    session = Session(relay)
    converse(session, talk)
    assert session.offers is not None
    assert session.idle
    assert not session.done


@pytest.mark.parametrize(
    ("relay", "talk", "kind", "words"),
    [
        (relay(), [("554 go away", "")], "greeting", "554 go away"),
        (relay(), [("421 busy", "")], "greeting", "421 busy"),
        (relay(), [("250 odd", "")], "greeting", "250 odd"),
        (relay(), [("SSH-2.0-OpenSSH", "")], "greeting", "SSH-2.0-OpenSSH"),
        (relay(), [*HELLO, ("421 later", "")], "ehlo", "421 later"),
        (relay(), [*HELLO, ("500 what", "HELO me"), ("500 what", "")], "ehlo", "HELO"),
        (relay("starttls"), [*HELLO, ("250-you\r\n250 PIPELINING", "")], "tls", "STARTTLS"),
        (relay("starttls"), [*HELLO, ("502 what", "HELO me"), ("250 you", "")], "tls", "STARTTLS"),
        (relay("starttls"), [*HELLO, ("250-you\r\n250 STARTTLS", "STARTTLS"), ("454 no", "")], "tls", "454 no"),
        (relay("starttls", login=True), [*INSIDE, ("250 you", "")], "auth", "offers none"),
        (relay("starttls", login=True), [*INSIDE, ("250-you\r\n250 AUTH XOAUTH2", "")], "auth", "XOAUTH2"),
        (relay("none", login=True), [*HELLO, ("250-you\r\n250 AUTH PLAIN", "")], "auth", "without TLS"),
        (
            relay("implicit", login=True),
            [*HELLO, ("250-you\r\n250 AUTH PLAIN", f"AUTH PLAIN {PLAIN}"), ("535 5.7.8 wrong", "")],
            "auth",
            "535 5.7.8 wrong",
        ),
        (
            relay("implicit", login=True),
            [*HELLO, ("250-you\r\n250 AUTH LOGIN", "AUTH LOGIN"), ("334 u", USER), ("535 wrong", "")],
            "auth",
            "535 wrong",
        ),
    ],
)
def test_a_session_that_cannot_be_opened_says_why_and_sends_nothing_more(
    relay: Relay, talk: Talk, kind: str, words: str
) -> None:
    session = Session(relay)
    converse(session, talk)
    assert session.done
    assert session.offers is None
    assert session.failure is not None
    assert session.failure.kind == kind
    assert words in session.failure.text


@pytest.mark.parametrize(("talk", "kind"), [([], "greeting"), (HELLO, "ehlo"), (STARTTLS[:2], "tls"), (INSIDE, "ehlo")])
def test_a_connection_lost_while_opening_is_the_failure_of_that_step(talk: Talk, kind: str) -> None:
    session = Session(relay("starttls"))
    converse(session, talk)
    session.lost("The connection was closed in answer to {}.", 1.0)
    assert session.failure is not None
    assert session.failure.kind == kind
    assert "{}" not in session.failure.text
    assert not session.reports
    assert not session.returned


def test_what_was_smuggled_in_before_tls_is_not_believed() -> None:
    session = Session(relay("starttls"))
    converse(session, STARTTLS[:2])
    session.feed(b"220 go\r\n250-evil\r\n250 SIZE 1\r\n", 0.0)
    assert session.wants_tls
    assert session.take() == b""
    session.secured(0.0)
    assert session.take() == b"EHLO me\r\n"
    assert not session.hungry
    session.feed(b"250 you\r\n", 0.0)
    assert session.offers is not None
    assert session.offers.size is None


def test_half_a_reply_from_before_tls_is_not_believed_either() -> None:
    session = Session(relay("starttls"))
    converse(session, STARTTLS[:2])
    session.feed(b"220 go\r\n250-ev", 0.0)
    session.secured(0.0)
    session.take()
    session.feed(b"250 you\r\n", 0.0)
    assert session.hungry


def test_credentials_show_nowhere_even_where_the_relay_repeats_them() -> None:
    demanding = relay("implicit", login=True)
    assert "s3cret" not in repr(demanding)
    assert "ann" not in repr(demanding)
    session = Session(demanding)
    converse(session, [*HELLO, ("250-you\r\n250 AUTH PLAIN", f"AUTH PLAIN {PLAIN}")])
    session.feed(f"500 what is AUTH PLAIN {PLAIN}, and s3cret?\r\n".encode(), 0.0)
    assert session.failure is not None
    shown = f"{session.failure.text} {session.failure!r} {session!r} {vars(session)}"
    for secret in (PLAIN, PASSWORD, "s3cret"):
        assert secret not in shown


def test_the_opening_has_a_deadline_that_moves_with_every_reply() -> None:
    session = Session(Relay("relay.example", 25, timeout_seconds=10))
    session.connected("me", 100.0)
    assert not session.expired(109.0)
    assert session.expired(110.0)
    session.feed(b"220 hi\r\n", 105.0)
    assert not session.expired(114.0)
    assert session.expired(115.0)
    session.feed(b"250 you\r\n", 114.0)
    assert not session.expired(1e9)
