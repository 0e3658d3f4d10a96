"""The message that a job becomes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.message import Built, build, size_at_most, size_of
from tasks.domain.reading import read, unstuff
from tasks.domain.spec import Attachment, Defaults, JobSpec, parse

DEFAULTS = Defaults("Postroom <postroom@mailbox.test>", 8, 86_400, 25_000_000)
JOB_ID = "01jdhq5v8z9f3k2m4n6p7q8r9s"
ACCEPTED = datetime(2030, 1, 31, 9, 0, 0, 123456, tzinfo=UTC)


def job(**fields: Any) -> JobSpec:
    body = {"to": "ann@mailbox.test", "text": "Hello"} | {name.rstrip("_"): value for name, value in fields.items()}
    parsed = parse(body, DEFAULTS)
    assert isinstance(parsed, JobSpec), parsed
    return parsed


def built(**fields: Any) -> Built:
    return build(job(**fields), JOB_ID, ACCEPTED)


def source(**fields: Any) -> bytes:
    return unstuff(built(**fields).wire)


def parsed(**fields: Any) -> EmailMessage:
    message = BytesParser(policy=policy.default).parsebytes(source(**fields))
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert not part.defects
    for value in message.values():
        assert not value.defects, (value, value.defects)
    return message


def lines_of(text: str) -> str:
    """As a message carries it: one kind of line end, and one at the end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


# The whole


def test_a_plain_message_is_exactly_this() -> None:
    message = built(to="Ann <ann@mailbox.test>", subject="Hello", text="One\nTwo", headers={"X-Campaign": "spring"})
    assert message.wire.decode() == (
        "Date: Thu, 31 Jan 2030 09:00:00 +0000\r\n"
        "From: Postroom <postroom@mailbox.test>\r\n"
        "To: Ann <ann@mailbox.test>\r\n"
        "Subject: Hello\r\n"
        f"Message-ID: <{JOB_ID}@mailbox.test>\r\n"
        "MIME-Version: 1.0\r\n"
        "X-Campaign: spring\r\n"
        'Content-Type: text/plain; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "One\r\nTwo\r\n"
    )
    assert message.message_id == f"<{JOB_ID}@mailbox.test>"
    assert message.size_bytes == len(message.wire)
    assert not message.smtputf8


def test_the_same_job_gives_the_same_bytes() -> None:
    fields: dict[str, Any] = {"html": "<p>é</p>", "attachments": [Attachment("a.txt", "text/plain", b"x")]}
    assert built(**fields) == built(**fields)


def test_headers_stand_in_a_fixed_order() -> None:
    names = re.findall(
        rb"^([A-Za-z-]+):", source(cc="b@x.org", reply_to="c@x.org", headers={"X-A": "1"}).split(b"\r\n\r\n")[0], re.M
    )
    assert b" ".join(names) == (
        b"Date From To Cc Reply-To Subject Message-ID MIME-Version X-A Content-Type Content-Transfer-Encoding"
    )


def test_bcc_is_never_in_the_message() -> None:
    message = built(cc="carl@x.org", bcc="secret@x.org")
    assert b"secret" not in message.wire
    assert b"bcc" not in message.wire.lower()


def test_with_bcc_alone_the_message_says_undisclosed_recipients() -> None:
    assert parsed(to="", bcc="secret@x.org")["To"] == "undisclosed-recipients:;"


def test_with_cc_and_no_to_there_is_no_to() -> None:
    assert parsed(to="", cc="carl@x.org")["To"] is None


def test_the_message_id_has_the_senders_domain_in_a_labels() -> None:
    assert built(from_="ann@bücher.de").message_id == f"<{JOB_ID}@xn--bcher-kva.de>"


def test_the_date_is_told_in_utc() -> None:
    eastern = datetime(2031, 1, 1, 2, 30, tzinfo=timezone(timedelta(hours=5)))
    assert build(job(), JOB_ID, eastern).wire.startswith(b"Date: Tue, 31 Dec 2030 21:30:00 +0000\r\n")


# Dots and line ends


@pytest.mark.parametrize(
    ("text", "on_the_wire"),
    [
        ("one", b"one\r\n"),
        ("one\n", b"one\r\n"),
        ("one\r\n", b"one\r\n"),
        ("one\r", b"one\r\n"),
        ("one\rtwo\nthree\r\nfour", b"one\r\ntwo\r\nthree\r\nfour\r\n"),
        ("one\n\rtwo", b"one\r\n\r\ntwo\r\n"),
        ("one\r\r\ntwo", b"one\r\n\r\ntwo\r\n"),
        (".", b"..\r\n"),
        (".\n.\n", b"..\r\n..\r\n"),
        ("..", b"...\r\n"),
        ("a\r.b", b"a\r\n..b\r\n"),
        ("a.\n.b.", b"a.\r\n..b.\r\n"),
        ("a\n\n", b"a\r\n\r\n"),
    ],
)
def test_line_ends_become_crlf_and_leading_dots_are_doubled(text: str, on_the_wire: bytes) -> None:
    assert built(text=text).wire.partition(b"\r\n\r\n")[2] == on_the_wire


@pytest.mark.parametrize("text", [".é\n.\n", "." * 2000, ".\u00a0" * 700 + "\n.x"])
def test_dots_are_doubled_in_encoded_bodies_too(text: str) -> None:
    wire = built(text=text).wire
    assert not re.search(rb"\r\n\.(?!\.)", wire)
    assert lines_of(parsed(text=text).get_content()) == lines_of(text)


def test_the_size_is_counted_without_the_doubled_dots() -> None:
    message = built(text=".\n" * 100)
    assert message.size_bytes == len(message.wire) - 100


# Encodings


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain", "7bit"),
        ("x" * 998, "7bit"),
        ("x" * 999, "quoted-printable"),
        ("short\n" + "x" * 1500 + "\nshort", "quoted-printable"),
        ("a NUL \0 is no text", "quoted-printable"),
        ("mostly plain, one é in it", "quoted-printable"),
        ("Всё по-русски", "base64"),
    ],
)
def test_a_body_takes_the_shortest_encoding_that_every_relay_takes(text: str, encoding: str) -> None:
    message = parsed(text=text)
    assert message["Content-Transfer-Encoding"] == encoding
    assert lines_of(message.get_content()) == lines_of(text)


def test_text_and_html_are_alternatives_the_html_last() -> None:
    message = parsed(text="plain", html="<p>rich</p>")
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_html_alone_is_a_single_part() -> None:
    assert parsed(text=None, html="<p>rich</p>").get_content_type() == "text/html"


def test_attachments_follow_the_alternatives() -> None:
    message = parsed(html="<p>rich</p>", attachments=[Attachment("a.pdf", "application/pdf", b"%PDF")])
    assert message.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in message.iter_parts()] == ["multipart/alternative", "application/pdf"]


def test_a_text_that_quotes_the_boundary_does_not_end_the_part() -> None:
    text = f"--=_{JOB_ID}_m--\n--=_{JOB_ID}_a\n"
    message = parsed(text=text, html="<p>x</p>", attachments=[Attachment("a", "application/pdf", b"x")])
    body = message.get_body(("plain",))
    assert body is not None
    assert lines_of(body.get_content()) == text


# Headers


def test_a_long_list_of_addresses_is_folded_between_them() -> None:
    people = [f"Person Number {number} <person.{number}@mailbox.test>" for number in range(50)]
    assert max(map(len, source(to=", ".join(people)).split(b"\r\n"))) <= 78
    assert [str(address) for address in parsed(to=people)["To"].addresses] == people


def test_what_reads_like_an_encoded_word_stays_what_it_is() -> None:
    literal = "=?utf-8?q?x?="
    assert parsed(subject=literal)["Subject"] == literal
    assert parsed(to=f'"{literal}" <ann@x.org>')["To"].addresses[0].display_name == literal


def test_a_long_word_that_cannot_be_folded_is_encoded() -> None:
    word = "x" * 998
    assert parsed(subject=word)["Subject"] == word


@pytest.mark.parametrize(
    "address",
    [
        '"a b"@x.org',
        '"a,b@c"@x.org',
        "a@[192.0.2.1]",
        "o'neil+x/y=z@x.org",
        "!#$%&*{|}~@x.org",
        f"{'a' * 64}@{'b' * 63}.x.org",
    ],
)
def test_an_odd_address_reads_back_equal(address: str) -> None:
    assert [one.addr_spec for one in parsed(to=["b@x.org", f"Ann <{address}>"])["To"].addresses] == ["b@x.org", address]
    assert read(source(to=f"Ann <{address}>")).header("To") == f"Ann <{address}>"


def test_an_internationalised_domain_goes_in_a_labels() -> None:
    assert b"To: ann@xn--bcher-kva.de\r\n" in source(to="ann@bücher.de")


def test_a_non_ascii_local_part_needs_smtputf8_and_is_raw_in_the_header() -> None:
    message = built(to="Jürgen <jürgen@bücher.de>")
    assert message.smtputf8
    assert "<jürgen@xn--bcher-kva.de>".encode() in message.wire
    assert read(message.wire).header("To") == "Jürgen <jürgen@xn--bcher-kva.de>"


def test_a_non_ascii_bcc_needs_smtputf8_for_the_envelope() -> None:
    message = built(bcc="jürgen@bücher.de")
    assert message.smtputf8
    assert message.wire.isascii()


# Everything reads back

HEADER_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029") | st.sampled_from('\t "\\=?,<>'),
    max_size=300,
)
ASCII_TEXT = st.text(st.sampled_from("ab =?_.,;:<>@()[]\\\"'\t"), max_size=300)
BODY = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n .=-\t"), max_size=400)
LONG_BODY = st.builds(lambda text, times: text * times, BODY, st.integers(1, 12))
FILENAME = HEADER_TEXT.map(lambda text: re.sub(r"[/\\\t]", "", text)[:80].strip()).filter(
    lambda name: name not in ("", ".", "..")
)


def blanks_once(text: str) -> str:
    return " ".join(text.split())


@settings(max_examples=150, deadline=None)
@given(subject=HEADER_TEXT | ASCII_TEXT, name=HEADER_TEXT | ASCII_TEXT, extra=HEADER_TEXT | ASCII_TEXT)
def test_any_header_reads_back_equal(subject: str, name: str, extra: str) -> None:
    name = blanks_once(name)[:200].strip()
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    fields: dict[str, Any] = {"subject": subject, "to": f'"{escaped}" <ann@x.org>', "cc": "b@x.org"}
    if extra.strip():
        fields["headers"] = {"X-Extra": extra}
    message = parsed(**fields)
    assert message["Subject"] == subject.strip(" \t") if subject.strip() else message["Subject"] == ""
    # Between the encoded words of a name (not of a subject) the library of 3.11 keeps the blanks that RFC 2047, 6.2,
    # has readers drop.
    assert message["To"].addresses[0].display_name.replace(" ", "") == name.replace(" ", "")
    assert message["To"].addresses[0].addr_spec == "ann@x.org"
    assert not extra.strip() or message["X-Extra"] == extra.strip(" \t")
    seen = dict(read(source(**fields)).headers)
    assert seen["Subject"] == str(message["Subject"])
    assert seen["To"].removesuffix("<ann@x.org>").rstrip() in (name, f'"{escaped}"') or not name


@settings(max_examples=150, deadline=None)
@given(text=LONG_BODY, html=LONG_BODY)
def test_any_body_reads_back_equal(text: str, html: str) -> None:
    fields = {"text": text if text.strip() else None, "html": html if html.strip() else None}
    if not any(fields.values()):
        return
    message = parsed(**fields)
    for kind, written in (("plain", fields["text"]), ("html", fields["html"])):
        part = message.get_body((kind,))
        assert (part is None) == (written is None)
        assert part is None or written is None or lines_of(part.get_content()) == lines_of(written)
    seen = read(source(**fields))
    assert seen.text == (lines_of(text) if fields["text"] else None)
    assert seen.html == (lines_of(html) if fields["html"] else None)


@settings(max_examples=100, deadline=None)
@given(
    name=FILENAME,
    content=st.binary(max_size=300) | st.binary(max_size=20).map(lambda data: data * 40),
    kind=st.sampled_from(["application/pdf", "text/csv", "image/png", "text/plain; charset=latin-1"]),
)
def test_any_attachment_reads_back_equal(name: str, content: bytes, kind: str) -> None:
    files = [Attachment(name, kind, content), Attachment("last.bin", "application/octet-stream", b"z")]
    first, last = parsed(attachments=files).iter_attachments()
    assert first.get_filename() == name
    assert first.get_content_type() == kind.partition(";")[0]
    assert first.get_payload(decode=True) == content
    assert last.get_payload(decode=True) == b"z"
    seen = read(source(attachments=files)).attachments
    assert [(part.filename, part.content) for part in seen] == [(name, content), ("last.bin", b"z")]


@settings(max_examples=150, deadline=None)
@given(
    subject=HEADER_TEXT,
    text=LONG_BODY,
    names=st.lists(HEADER_TEXT.map(lambda name: name[:250]), min_size=1, max_size=6),
    name=FILENAME,
)
def test_the_wire_form_holds_whatever_is_in_it(subject: str, text: str, names: list[str], name: str) -> None:
    people = []
    for number, person in enumerate(names):
        escaped = person.replace("\\", "\\\\").replace('"', '\\"')
        people.append(f'"{escaped}" <{number}@x.org>')
    spec = job(subject=subject, text=text + "x", to=people, attachments=[Attachment(name, "text/plain", text.encode())])
    message = build(spec, JOB_ID, ACCEPTED)
    assert message.wire.isascii()
    assert message.wire.endswith(b"\r\n")
    assert b"\r" not in message.wire.replace(b"\r\n", b"")
    assert b"\n" not in message.wire.replace(b"\r\n", b"")
    assert max(map(len, message.wire.split(b"\r\n"))) <= 998
    assert all(len(line) <= 76 for line in message.wire.split(b"\r\n") if b"=?utf-8?" in line)
    assert not re.search(rb"\r\n\.(?!\.)", message.wire)
    assert len(unstuff(message.wire)) == message.size_bytes == size_of(spec) <= size_at_most(spec)
