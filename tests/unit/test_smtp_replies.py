"""Bytes to replies, in any cuts; and what the server offers."""

from __future__ import annotations

import pytest

from tasks.smtp.envelope import Offers, octets
from tasks.smtp.errand import Reply
from tasks.smtp.replies import LONGEST_LINE, LONGEST_TEXT, MOST_LINES, ReplyParser

STREAMS = [
    (b"250 Ok\r\n", [Reply(250, "Ok")]),
    (b"250\r\n", [Reply(250, "")]),
    (b"250 \r\n", [Reply(250, "")]),
    (b"250-one\r\n250-two\r\n250 three\r\n", [Reply(250, "one\ntwo\nthree")]),
    (b"250-one\r\n250\r\n354 go\r\n", [Reply(250, "one\n"), Reply(354, "go")]),
    (b"250 bare line end\n550 No\r\n", [Reply(250, "bare line end"), Reply(550, "No")]),
    (b"299 odd\r\n421 bye\r\n", [Reply(299, "odd"), Reply(421, "bye")]),
    ("250 Größe\r\n".encode(), [Reply(250, "Größe")]),
    (b"250 \xff\x00\x1b[31m\r\n", [Reply(250, "\ufffd\ufffd\ufffd[31m")]),
]
GARBAGE = [
    b"HTTP/1.1 400 Bad Request\r\n",
    b"\r\n",
    b"25 short\r\n",
    b"2500 long\r\n",
    b"25x\r\n",
    b"\xc2\xb2\xc2\xb3\r\n",
    b"150 no such kind\r\n",
    b"650 no such kind\r\n",
    b"250-one\r\n251 other code\r\n",
    b"250-one\r\nnothing\r\n",
    b"250 " + b"x" * (LONGEST_LINE + 1),
    b"250 " + b"x" * LONGEST_LINE + b"\r\n",
    b"250-x\r\n" * (MOST_LINES + 1),
]


@pytest.mark.parametrize(("stream", "replies"), STREAMS)
def test_replies_come_out_whole_wherever_the_bytes_are_cut(stream: bytes, replies: list[Reply]) -> None:
    for cut in range(len(stream) + 1):
        parser = ReplyParser()
        assert parser.feed(stream[:cut]) + parser.feed(stream[cut:]) == replies
        assert parser.garbage is None
    parser = ReplyParser()
    assert [reply for at in range(len(stream)) for reply in parser.feed(stream[at : at + 1])] == replies


@pytest.mark.parametrize("stream", GARBAGE)
def test_what_is_no_reply_is_garbage_and_nothing_after_it_is_believed(stream: bytes) -> None:
    parser = ReplyParser()
    assert parser.feed(b"220 hello\r\n" + stream + b"250 Ok\r\n") == [Reply(220, "hello")]
    assert parser.garbage is not None
    assert len(parser.garbage) <= 80


def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    parser = ReplyParser()
    for _ in range(LONGEST_LINE // 1000 + 1):
        assert parser.garbage is None
        assert parser.feed(b"250 " + b"x" * 1000) == []
    assert parser.garbage is not None


def test_a_long_reply_is_cut_short_for_people() -> None:
    parser = ReplyParser()
    (reply,) = parser.feed(b"".join(b"250-" + b"x" * 100 + b"\r\n" for _ in range(50)) + b"250 end\r\n")
    assert len(reply.text) == LONGEST_TEXT


def test_discarding_forgets_half_a_reply() -> None:
    parser = ReplyParser()
    assert parser.feed(b"250-half\r\n250 ha") == []
    parser.discard()
    assert parser.feed(b"220 whole\r\n") == [Reply(220, "whole")]


@pytest.mark.parametrize(
    ("lines", "offers"),
    [
        ("me.example", Offers()),
        ("me.example\nPIPELINING\nSIZE 1000", Offers(pipelining=True, size=1000)),
        ("me.example\nsize\nDsn\nsmtpUTF8\n8bitmime", Offers(size=0, dsn=True, smtputf8=True, eightbit=True)),
        ("me.example\nSIZE no-number", Offers(size=0)),
        ("PIPELINING\nSTARTTLS", Offers(starttls=True)),
        ("me.example\nAUTH PLAIN login", Offers(logins=frozenset({"PLAIN", "LOGIN"}))),
        ("me.example\nAUTH=LOGIN\nAUTH PLAIN", Offers(logins=frozenset({"PLAIN", "LOGIN"}))),
        ("me.example\n\nX-UNKNOWN a b", Offers()),
    ],
)
def test_offers_are_read_from_the_lines_after_the_first(lines: str, offers: Offers) -> None:
    assert Offers.parse(Reply(250, lines)) == offers


@pytest.mark.parametrize(
    ("content", "size"), [(b"a\r\n", 3), (b"..a\r\n", 4), (b"a\r\n..\r\n...b\r\na..b\r\n", 3 + 3 + 5 + 6)]
)
def test_the_size_leaves_out_the_stuffed_dots(content: bytes, size: int) -> None:
    assert octets(content) == size
