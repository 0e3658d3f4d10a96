"""The captured mail in Redis: listed, found by recipient, bounded by number, bytes and age."""

from __future__ import annotations

import time

import pytest
import redis

from tasks.domain.ids import make_id
from tasks.store.mailbox import Mailbox
from tests.run.conftest import wait_for

PREFIX = "test:"


def put(mailbox: Mailbox, subject: str, *rcpt_tos: str, source: bytes = b"x") -> str:
    return mailbox.add("from@example.org", rcpt_tos or ("ann@example.org",), source, subject=subject)


def subjects(mailbox: Mailbox, recipient: str | None = None, limit: int = 50, before: str | None = None) -> list[str]:
    return [mail.subject for mail in mailbox.list(recipient, limit, before)]


def names(client: redis.Redis) -> set[str]:
    return {str(key, "ascii").rpartition(":")[2] for key in client.scan_iter(f"{PREFIX}*")}


def test_what_was_captured_is_listed_newest_first_without_its_source(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX)
    for subject in ("one", "two", "three"):
        put(mailbox, subject)
    assert subjects(mailbox) == ["three", "two", "one"]
    assert subjects(mailbox, limit=2) == ["three", "two"]
    assert all(mail.source is None for mail in mailbox.list())
    assert mailbox.count() == 3


def test_the_list_goes_on_before_a_mail(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX)
    ids = [put(mailbox, subject) for subject in ("one", "two", "three")]
    assert subjects(mailbox, before=ids[1]) == ["one"]


def test_a_mail_is_read_back_whole(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX)
    job = make_id(1, bytes(10))
    identity = mailbox.add(
        "from@example.org",
        ["Jürgen@example.org", "b@example.org"],
        b"Subject: x\r\n\r\n\xff\x00",
        sender="Ann <from@example.org>",
        to="b@example.org",
        subject="Grüße",
        message_id=f"<{job}@mailbox.test>",
    )
    mail = mailbox.get(identity)
    assert mail is not None
    assert mail.source == b"Subject: x\r\n\r\n\xff\x00"
    assert mail.rcpt_tos == ("Jürgen@example.org", "b@example.org")
    assert (mail.sender, mail.to, mail.subject) == ("Ann <from@example.org>", "b@example.org", "Grüße")
    assert (mail.job_id, mail.size_bytes) == (job, 16)
    assert mailbox.get(make_id(2, bytes(10))) is None
    assert mailbox.get("../secret") is None


def test_a_message_id_that_is_not_ours_names_no_job(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX)
    mailbox.add("a@example.org", ["b@example.org"], b"", message_id="<123@example.org>")
    assert mailbox.list()[0].job_id is None


def test_a_recipient_is_found_by_the_whole_address_in_any_case(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX)
    put(mailbox, "to ann", "Ann@Example.org")
    put(mailbox, "to both", "ann@example.org", "ben@example.org", "BEN@example.org")
    assert subjects(mailbox, "aNN@example.org") == ["to both", "to ann"]
    assert subjects(mailbox, "ben@example.org") == ["to both"]
    assert subjects(mailbox, "nn@example.org") == []
    assert mailbox.count("ann@example.org") == 2


def test_beyond_the_number_the_oldest_go_from_every_index(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX, most_mails=2)
    first = put(mailbox, "one", "old@example.org")
    put(mailbox, "two")
    put(mailbox, "three")
    assert subjects(mailbox) == ["three", "two"]
    assert mailbox.get(first) is None
    assert not client.exists(f"{PREFIX}mailbox:to:old@example.org")
    assert client.hlen(f"{PREFIX}mailbox:sizes") == 2


def test_beyond_the_bytes_the_oldest_go(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX, most_bytes=100)
    for subject in ("one", "two", "three"):
        put(mailbox, subject, source=b"x" * 40)
    assert subjects(mailbox) == ["three", "two"]
    assert client.get(f"{PREFIX}mailbox:bytes") == b"80"


def test_past_its_time_a_mail_is_gone_and_a_purge_clears_its_traces(client: redis.Redis) -> None:
    short = Mailbox(client, PREFIX, retention_days=0.3 / 86_400)
    put(short, "one")
    assert subjects(short) == ["one"]
    wait_for(lambda: short.count() == 0, 5, "the end of the retention")
    assert subjects(short) == []
    assert short.purge() == 1
    wait_for(lambda: names(client) == {"bytes", "revision"}, 5, "the end of every other key")
    assert client.get(f"{PREFIX}mailbox:bytes") == b"0"


def test_every_change_raises_the_revision_and_a_look_does_not(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX)
    assert mailbox.revision() == 0
    put(mailbox, "one")
    raised = mailbox.revision()
    assert raised > 0
    mailbox.list()
    mailbox.purge()
    assert mailbox.revision() == raised
    mailbox.clear()
    assert mailbox.revision() > raised


def test_clearing_leaves_no_mail_and_no_index(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX)
    for number in range(5):
        put(mailbox, str(number), f"{number}@example.org")
    mailbox.clear()
    assert mailbox.count() == 0
    assert subjects(mailbox) == []
    assert names(client) == {"bytes", "revision"}


def test_how_often_a_message_was_offered_is_counted_by_recipient(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX)
    assert [mailbox.seen("m1", "a@mailbox.test").count for _ in range(3)] == [1, 2, 3]
    assert mailbox.seen("m1", "b@mailbox.test").count == 1
    assert mailbox.seen("m2", "a@mailbox.test").count == 1
    mailbox.forget("m1", "A@mailbox.test")
    assert mailbox.seen("m1", "a@mailbox.test").count == 1
    assert 0 < client.ttl(f"{PREFIX}mailbox:seen:m1") <= 86_400


def test_a_mail_is_unread_until_somebody_opens_it(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX)
    first, second, _ = (put(mailbox, subject) for subject in ("one", "two", "three"))
    assert mailbox.unread() == 3
    revision = mailbox.revision()
    assert mailbox.mark_read(first) == 1
    assert mailbox.revision() > revision
    assert [(mail.subject, mail.unread) for mail in mailbox.list()] == [("three", True), ("two", True), ("one", False)]
    opened, closed = mailbox.get(first), mailbox.get(second)
    assert opened is not None
    assert closed is not None
    assert (opened.unread, closed.unread) == (False, True)
    assert mailbox.mark_read(first) == 0
    assert mailbox.mark_read() == 2
    assert mailbox.unread() == 0


def test_one_mail_is_let_go_with_all_its_traces(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX)
    first = put(mailbox, "one", "ann@example.org", source=b"x" * 40)
    put(mailbox, "two", "ben@example.org", source=b"x" * 30)
    revision = mailbox.revision()
    assert mailbox.remove(first) is True
    assert mailbox.revision() > revision
    assert subjects(mailbox) == ["two"]
    assert subjects(mailbox, "ann@example.org") == []
    assert (mailbox.count(), mailbox.unread(), client.get(f"{PREFIX}mailbox:bytes")) == (1, 1, b"30")
    assert mailbox.remove(first) is False
    assert mailbox.clear() == 1
    assert names(client) == {"bytes", "revision"}


def test_a_search_finds_every_word_wherever_it_stands(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX)
    rcpt = ["Ann@example.org"]
    mailbox.add("a@b.example", rcpt, b"x", subject="Größe 44", text="Your shoes are on their way.")
    mailbox.add("a@b.example", ["ben@example.org"], b"x", subject="Invoice", sender="Shop <shop@example.org>")

    def found(words: str, recipient: str | None = None) -> list[str]:
        return [mail.subject for mail in mailbox.search(words, recipient).mails]

    assert found("GRÖSSE shoes ann@") == ["Größe 44"]
    assert found("shop") == ["Invoice"]
    assert found("shoes invoice") == []
    assert found("  ") == ["Invoice", "Größe 44"]
    assert found("", "ann@EXAMPLE.org") == ["Größe 44"]
    assert found("invoice", "ann@example.org") == []


def test_a_search_goes_on_where_it_stopped(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.store.mailbox.MOST_SEARCHED", 4)
    monkeypatch.setattr("tasks.store.mailbox._BATCH", 3)
    mailbox = Mailbox(client, PREFIX)
    for number in range(10):
        put(mailbox, "even" if number % 2 == 0 else "odd")
    found, before, looked = 0, None, []
    while True:
        page = mailbox.search("even", limit=3, before=before)
        found += len(page.mails)
        looked.append(page.searched)
        if (before := page.before) is None:
            break
    assert (found, looked) == (5, [4, 4, 2])
    one = mailbox.search("even", limit=1)
    assert (len(one.mails), one.searched) == (1, 2)


def test_a_list_goes_on_before_a_mail_that_was_let_go(client: redis.Redis) -> None:
    mailbox = Mailbox(client, PREFIX)
    first = put(mailbox, "one")
    time.sleep(0.005)  # ids know their time to the millisecond
    second = put(mailbox, "two")
    time.sleep(0.005)
    put(mailbox, "three")
    mailbox.remove(second)
    assert [mail.id for mail in mailbox.search("", before=second).mails] == [first]
