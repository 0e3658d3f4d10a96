"""TLS and login: nothing is ever sent to a relay whose name no trusted certificate vouches for."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tasks.domain.job import Outcome
from tests.smtp.conftest import Certificates, Start
from tests.smtp.errands import SMALL_CONTENT, errand, large_content
from tests.smtp.scripted import CUT, HANG, Answer, ScriptedRelay

A, U = Outcome.ACCEPTED, Outcome.UNKNOWN
LOGIN = ("ann", "pässword")
either_tls = pytest.mark.parametrize("tls", ["starttls", "implicit"])


def secure_relay(
    tls: str,
    certificates: Certificates,
    answers: dict[str, list[Answer]] | None = None,
    login: tuple[str, str] | None = None,
    mechanisms: str = "PLAIN LOGIN",
) -> ScriptedRelay:
    return ScriptedRelay(
        answers,
        implicit=certificates.server if tls == "implicit" else None,
        starttls=certificates.server if tls == "starttls" else None,
        login=login,
        mechanisms=mechanisms,
    )


@either_tls
def test_mail_goes_through_tls(start: Start, certificates: Certificates, tls: str) -> None:
    contents = [SMALL_CONTENT, large_content(3_000_000), SMALL_CONTENT]
    errands = [errand(f"job{number}", content=content) for number, content in enumerate(contents)]
    with secure_relay(tls, certificates) as relay:
        ride = start(relay.port, *errands, sessions=1, host="localhost", tls=tls, ca_file=certificates.ca_file)
        ledger = ride.run()
        assert not ledger.failures
        assert [report.outcomes for report in ledger.reports.values()] == [[A]] * 3
        assert [each.content for each in relay.happened.taken] == contents
        assert relay.happened.connections == 1


@either_tls
def test_many_go_through_tls_and_the_kept_session_serves_again(
    start: Start, certificates: Certificates, tls: str
) -> None:
    with secure_relay(tls, certificates) as relay:
        errands = [errand(f"job{number}") for number in range(60)]
        ride = start(relay.port, *errands, sessions=3, host="localhost", tls=tls, ca_file=certificates.ca_file)
        assert len(ride.run().reports) == 60
        connections = relay.happened.connections
        ride.ledger.due.append(errand("later"))
        assert ride.run().outcomes("later") == [A]
        assert relay.happened.connections == connections
        assert len(relay.happened.taken) == 61


def test_a_reply_longer_than_one_read_is_read_to_its_end(start: Start, certificates: Certificates) -> None:
    offers = [f"X-{number}-" + "x" * 120 for number in range(90)]
    with ScriptedRelay(offers=offers, implicit=certificates.server) as relay:
        ride = start(
            relay.port,
            errand(),
            host="localhost",
            tls="implicit",
            ca_file=certificates.ca_file,
            timeout_seconds=1,
        )
        assert ride.run().outcomes() == [A]


@either_tls
@pytest.mark.parametrize(
    ("host", "trust", "words"),
    [
        ("localhost", "other_ca_file", "not trusted"),
        ("localhost", None, "not trusted"),
        ("127.0.0.1", "ca_file", "not trusted"),
    ],
    ids=["of an unknown CA", "not in the system's list", "for another name"],
)
def test_a_certificate_that_is_not_right_is_the_relay_s_fault(
    start: Start, certificates: Certificates, tls: str, host: str, trust: str | None, words: str
) -> None:
    ca_file = getattr(certificates, trust) if trust else None
    with secure_relay(tls, certificates, login=LOGIN) as relay:
        ride = start(relay.port, errand(), host=host, tls=tls, ca_file=ca_file, username=LOGIN[0], password=LOGIN[1])
        ledger = ride.run()
        assert [kind for kind, _ in ledger.failures] == ["tls"]
        assert words in ledger.failures[0][1]
        assert ledger.given_back == ["job1"]
        assert not {"MAIL", "AUTH"} & {command.split(" ")[0] for command in relay.happened.commands}


def test_starttls_that_is_demanded_and_not_offered_ends_it(start: Start, certificates: Certificates) -> None:
    with ScriptedRelay() as relay:
        ledger = start(relay.port, errand(), tls="starttls", ca_file=certificates.ca_file).run()
        assert ledger.failures == [("tls", "The relay does not offer STARTTLS, and nothing is sent without it.")]
        assert relay.count("MAIL") == 0
        assert ledger.given_back == ["job1"]


@pytest.mark.parametrize("answer", ["454 not now", CUT, HANG])
def test_starttls_that_is_refused_ends_it(start: Start, certificates: Certificates, answer: str) -> None:
    with secure_relay("starttls", certificates, {"STARTTLS": [answer]}) as relay:
        ride = start(
            relay.port,
            errand(),
            host="localhost",
            tls="starttls",
            ca_file=certificates.ca_file,
            timeout_seconds=0.5,
        )
        assert [kind for kind, _ in ride.run().failures] == ["tls"]
        assert relay.count("MAIL") == 0


def test_a_relay_that_speaks_no_tls_where_tls_is_implicit(start: Start, certificates: Certificates) -> None:
    with ScriptedRelay() as relay:
        ride = start(relay.port, errand(), host="localhost", tls="implicit", ca_file=certificates.ca_file)
        assert [kind for kind, _ in ride.run().failures] == ["tls"]


def test_a_relay_that_falls_silent_in_the_handshake(start: Start, certificates: Certificates) -> None:
    with ScriptedRelay({"CONNECT": [HANG]}) as relay:
        ride = start(
            relay.port,
            errand(),
            host="localhost",
            tls="implicit",
            ca_file=certificates.ca_file,
            timeout_seconds=0.3,
        )
        ledger = ride.run()
        assert [kind for kind, _ in ledger.failures] == ["tls"]
        assert "did not end in time" in ledger.failures[0][1]


@pytest.mark.parametrize("content", [None, "no certificate at all"])
def test_a_ca_file_that_cannot_be_used(start: Start, certificates: Certificates, tmp_path: Path, content: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with secure_relay("implicit", certificates) as relay:
        ledger = start(relay.port, errand(), host="localhost", tls="implicit", ca_file=path).run()
        assert [kind for kind, _ in ledger.failures] == ["tls"]
        assert str(path) in ledger.failures[0][1]


def test_tls_older_than_1_2_is_refused(start: Start, certificates: Certificates) -> None:
    ride = start(1, errand(), tls="implicit", ca_file=certificates.ca_file)
    context = ride.carousel._pool._relay.tls_context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@either_tls
@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN", "CRAM-MD5 LOGIN PLAIN"])
def test_the_right_login_is_let_in(start: Start, certificates: Certificates, tls: str, mechanisms: str) -> None:
    with secure_relay(tls, certificates, login=LOGIN, mechanisms=mechanisms) as relay:
        ride = start(
            relay.port,
            errand(),
            host="localhost",
            tls=tls,
            ca_file=certificates.ca_file,
            username=LOGIN[0],
            password=LOGIN[1],
        )
        assert ride.run().outcomes() == [A]
        assert relay.count("AUTH") == 1


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN"])
def test_a_wrong_login_is_the_relay_s_fault_and_the_password_shows_nowhere(
    start: Start, certificates: Certificates, mechanisms: str
) -> None:
    with secure_relay("starttls", certificates, login=LOGIN, mechanisms=mechanisms) as relay:
        ride = start(
            relay.port,
            errand(),
            host="localhost",
            tls="starttls",
            ca_file=certificates.ca_file,
            username="ann",
            password="s3cret",
        )
        ledger = ride.run()
        assert ledger.failures == [("auth", "The relay refused the login with 535 5.7.8 wrong name or password")]
        assert ledger.given_back == ["job1"]
        assert "s3cret" not in repr(ride.carousel._pool._relay)


def test_a_connection_that_ends_after_the_dot_inside_tls(start: Start, certificates: Certificates) -> None:
    with secure_relay("implicit", certificates, {"DOT": [CUT]}) as relay:
        ride = start(relay.port, errand(), host="localhost", tls="implicit", ca_file=certificates.ca_file)
        assert ride.run().outcomes() == [U]
